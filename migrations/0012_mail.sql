-- Who is written to, when, and what waits to be sent.
-- depends: 0011_webhooks

SET lock_timeout = '4s';

CREATE TABLE mail_subscription (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address         text NOT NULL,
    description     text NOT NULL DEFAULT '',
    language        text NOT NULL CHECK (language IN ('vi', 'en')),
    -- What it is told about; NULL is all. A filter takes only events that have what it names.
    event_types     text[],
    alert_kinds     text[],
    least_severity  text CHECK (least_severity IN ('notice', 'warning', 'critical')),
    station_ids     integer[],
    station_kinds   text[],
    organization_ids integer[],
    history         boolean NOT NULL DEFAULT false,
    -- One mail for all that came in this time; NULL: a mail for each, at once.
    digest_minutes  integer CHECK (digest_minutes BETWEEN 1 AND 10080),
    -- By the clock of Vietnam, from included, to not; over midnight where from is the later one.
    quiet_from      time,
    quiet_to        time,
    -- Alerts of this severity or a greater one wait neither for a digest nor for the end of the quiet hours.
    break_through   text CHECK (break_through IN ('notice', 'warning', 'critical')),
    enabled         boolean NOT NULL DEFAULT true,
    created_by      text NOT NULL,
    created_time    timestamptz NOT NULL DEFAULT now(),
    revision        integer NOT NULL DEFAULT 1,
    CHECK ((quiet_from IS NULL) = (quiet_to IS NULL)),
    CHECK (quiet_from <> quiet_to)
);

CREATE TABLE mail_message (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription_id integer NOT NULL REFERENCES mail_subscription ON DELETE CASCADE,
    -- The left part of the header Message-ID, the same at every attempt.
    token           text NOT NULL UNIQUE,
    -- A test has no items.
    test            boolean NOT NULL DEFAULT false,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'dead')),
    created_time    timestamptz NOT NULL,
    -- When it is due; of a pending one.
    next_time       timestamptz NOT NULL,
    attempts        smallint NOT NULL DEFAULT 0,
    -- Who has claimed it has until then to note what came of it; the number of the claim tells an old note from a new one.
    claimed_until   timestamptz,
    claim           integer NOT NULL DEFAULT 0,
    -- When the server took it or it was given up.
    closed_time     timestamptz,
    last_code       smallint,
    last_error      text NOT NULL DEFAULT '',
    CHECK ((state = 'pending') = (closed_time IS NULL))
);
CREATE INDEX mail_message_due ON mail_message (next_time, id) WHERE state = 'pending';
CREATE INDEX mail_message_subscription ON mail_message (subscription_id, id DESC);
CREATE INDEX mail_message_closed ON mail_message (closed_time) WHERE state <> 'pending';

-- What a subscriber is told of, once. Outlives the event that it comes from.
CREATE TABLE mail_item (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription_id integer NOT NULL REFERENCES mail_subscription ON DELETE CASCADE,
    event_id        bigint NOT NULL,
    type            text NOT NULL,
    occurred_time   timestamptz NOT NULL,
    severity        text,
    historical      boolean NOT NULL,
    payload         jsonb NOT NULL,
    -- When it is put into a mail at the latest.
    due_time        timestamptz NOT NULL,
    -- The mail that tells it; NULL while it waits for others.
    message_id      bigint REFERENCES mail_message ON DELETE CASCADE,
    UNIQUE (subscription_id, event_id)
);
CREATE INDEX mail_item_waiting ON mail_item (subscription_id, due_time) WHERE message_id IS NULL;
CREATE INDEX mail_item_message ON mail_item (message_id);
