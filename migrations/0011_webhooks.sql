-- Webhook endpoints, their secrets, and the deliveries to them.
-- depends: 0010_alerts

SET lock_timeout = '4s';

CREATE TABLE webhook_endpoint (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url             text NOT NULL,
    description     text NOT NULL DEFAULT '',
    -- What it is told about; NULL is all. A filter takes only events that have what it names.
    event_types     text[],
    alert_kinds     text[],
    least_severity  text CHECK (least_severity IN ('notice', 'warning', 'critical')),
    station_ids     integer[],
    station_kinds   text[],
    organization_ids integer[],
    history         boolean NOT NULL DEFAULT false,
    enabled         boolean NOT NULL DEFAULT true,
    -- by-hand: a person did it. gone: the receiver answered 410. failing: nothing arrived for days.
    disabled_reason text CHECK (disabled_reason IN ('by-hand', 'gone', 'failing')),
    disabled_time   timestamptz,
    -- Since the last delivery that arrived; while `paused_until` lies ahead nothing is sent, then one at a time.
    failures_in_row integer NOT NULL DEFAULT 0,
    failing_since   timestamptz,
    paused_until    timestamptz,
    created_by      text NOT NULL,
    created_time    timestamptz NOT NULL DEFAULT now(),
    revision        integer NOT NULL DEFAULT 1,
    CHECK (enabled = (disabled_reason IS NULL)),
    CHECK (enabled = (disabled_time IS NULL))
);

-- Encrypted; the newest signs, and the one before it until it ends.
CREATE TABLE webhook_secret (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint_id     integer NOT NULL REFERENCES webhook_endpoint ON DELETE CASCADE,
    sealed          bytea NOT NULL,
    created_time    timestamptz NOT NULL DEFAULT now(),
    end_time        timestamptz
);
CREATE INDEX webhook_secret_endpoint ON webhook_secret (endpoint_id, id DESC);

-- What is sent, once for all of its receivers. Outlives the event that it tells of.
CREATE TABLE webhook_message (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The header webhook-id, the same over all attempts.
    webhook_id      text NOT NULL UNIQUE,
    -- NULL for a test.
    event_id        bigint UNIQUE,
    type            text NOT NULL,
    occurred_time   timestamptz NOT NULL,
    body            text NOT NULL
);
CREATE INDEX webhook_message_time ON webhook_message (occurred_time);

CREATE TABLE webhook_delivery (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint_id     integer NOT NULL REFERENCES webhook_endpoint ON DELETE CASCADE,
    message_id      bigint NOT NULL REFERENCES webhook_message ON DELETE CASCADE,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
    created_time    timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When it is due; of a pending one.
    next_time       timestamptz NOT NULL,
    -- Attempts since it was written or replayed: the place in the schedule.
    attempts        smallint NOT NULL DEFAULT 0,
    -- Who has claimed it has until then to note what came of it; the number of the claim tells an old note from a new one.
    claimed_until   timestamptz,
    claim           integer NOT NULL DEFAULT 0,
    -- When it was delivered or given up.
    closed_time     timestamptz,
    last_status     smallint,
    last_error      text NOT NULL DEFAULT '',
    UNIQUE (message_id, endpoint_id),
    CHECK ((state = 'pending') = (closed_time IS NULL))
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_time, id) WHERE state = 'pending';
CREATE INDEX webhook_delivery_claimed ON webhook_delivery (endpoint_id) WHERE claimed_until IS NOT NULL;
CREATE INDEX webhook_delivery_endpoint ON webhook_delivery (endpoint_id, id DESC);
CREATE INDEX webhook_delivery_dead ON webhook_delivery (endpoint_id, closed_time) WHERE state = 'dead';

CREATE TABLE webhook_attempt (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_id     bigint NOT NULL REFERENCES webhook_delivery ON DELETE CASCADE,
    started_time    timestamptz NOT NULL,
    milliseconds    integer NOT NULL,
    -- The address that was connected to; NULL where it did not come to that.
    address         text,
    status          smallint,
    error           text NOT NULL DEFAULT '',
    -- The beginning of what the receiver said.
    answer          text NOT NULL DEFAULT ''
);
CREATE INDEX webhook_attempt_delivery ON webhook_attempt (delivery_id, id);
