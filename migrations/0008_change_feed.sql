-- What was committed since a reader last looked, in an order that no late COMMIT can slip behind; and the log of events.
-- depends: 0007_evidence_by_station

SET lock_timeout = '4s';

-- Readers compare the transaction that wrote a row with snapshots of theirs, so that neither a long transaction nor a
-- crash makes them pass over a row. Rows from before this migration have none and are old news.
ALTER TABLE receipt ADD COLUMN transaction_id xid8;
ALTER TABLE receipt ALTER COLUMN transaction_id SET DEFAULT pg_current_xact_id();
-- Span of phenomenon times of what the submission stored; NULL when it stored nothing.
ALTER TABLE receipt ADD COLUMN first_time timestamptz;
ALTER TABLE receipt ADD COLUMN last_time timestamptz;
-- Of a submission without a station: whose observations it stored.
ALTER TABLE receipt ADD COLUMN datastream_ids integer[];
CREATE INDEX receipt_transaction ON receipt (transaction_id);
CREATE INDEX reading_conflict_phenomenon ON reading_conflict (datastream_id, phenomenon_time);

-- Up to where each reader of a feed has seen: all that `seen` shows, and of what `target` shows beyond it the rows up to
-- (transaction_id, row_id).
CREATE TABLE feed_position (
    reader          text PRIMARY KEY,
    seen            pg_snapshot NOT NULL,
    target          pg_snapshot,
    transaction_id  xid8 NOT NULL DEFAULT '0',
    row_id          bigint NOT NULL DEFAULT 0,
    -- When the snapshots were taken.
    seen_time       timestamptz NOT NULL DEFAULT now(),
    target_time     timestamptz,
    moved_time      timestamptz NOT NULL DEFAULT now()
);

-- What happened, for those who are told: webhooks, e-mail, live screens. Written in the transaction of the thing itself.
CREATE TABLE event (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id  xid8 NOT NULL DEFAULT pg_current_xact_id(),
    occurred_time   timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Dotted name such as alert.raised.
    type            text NOT NULL CHECK (type ~ '^[a-z]+(\.[a-z-]+)+$'),
    station_id      integer REFERENCES station,
    organization_id integer REFERENCES organization,
    -- Kind and severity of the alert that the event is about, for filters.
    alert_kind      text,
    severity        text,
    -- History is shown, but nobody is woken for it.
    historical      boolean NOT NULL DEFAULT false,
    -- The document that receivers are given.
    payload         jsonb NOT NULL
);
CREATE INDEX event_transaction ON event (transaction_id, id);
CREATE INDEX event_time ON event (occurred_time);
