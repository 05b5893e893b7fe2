-- What arrived and what became of it: receipts, observations, quarantine and conflicts.
-- depends: 0001_catalog

SET lock_timeout = '4s';

-- Processes take receipt numbers in blocks of this increment, so that no insert waits for a number.
CREATE SEQUENCE receipt_id AS bigint INCREMENT BY 1000;

CREATE TABLE receipt (
    id              bigint NOT NULL,
    received_time   timestamptz NOT NULL,
    -- The station that spoke; NULL when one submission of the staff speaks of several.
    station_id      integer,
    channel         text NOT NULL,
    format          text NOT NULL,
    -- File name or MQTT topic, as sent.
    source          text NOT NULL,
    -- Key id or user that sent it.
    sender          text NOT NULL,
    sha256          bytea NOT NULL CHECK (length(sha256) = 32),
    -- The bytes as they came, in the encoding named beside them; cut at 64 KiB only where nothing could be read.
    raw             bytea NOT NULL,
    raw_encoding    text NOT NULL CHECK (raw_encoding IN ('identity', 'gzip')),
    raw_length      integer NOT NULL,
    stored          integer NOT NULL,
    duplicates      integer NOT NULL,
    conflicts       integer NOT NULL,
    quarantined     integer NOT NULL,
    PRIMARY KEY (id, received_time)
);
ALTER TABLE receipt ALTER COLUMN raw SET STORAGE EXTERNAL;
CREATE INDEX receipt_station ON receipt (station_id, received_time DESC);

CREATE TABLE observation (
    phenomenon_time timestamptz NOT NULL,
    -- In the unit of the observed property. NaN sorts above Infinity, so both bounds keep it out.
    result          double precision NOT NULL CHECK (result > '-Infinity' AND result < 'Infinity'),
    receipt_id      bigint NOT NULL,
    datastream_id   integer NOT NULL,
    -- Bits of telemetry.quality.flags.Reason.
    quality_reasons integer NOT NULL,
    -- 0 measuring, 1 calibrating, 2 faulty.
    device_status   smallint NOT NULL,
    -- QARTOD: 1 pass, 2 not evaluated, 3 suspect or of high interest, 4 fail.
    result_quality  smallint NOT NULL,
    -- A last wall behind the window that the pipeline enforces: a stray time would make a chunk of its own.
    CHECK (phenomenon_time >= '2000-01-01 00:00:00+00' AND phenomenon_time < '2100-01-01 00:00:00+00')
);
CREATE UNIQUE INDEX observation_key ON observation (datastream_id, phenomenon_time);

CREATE TABLE reading_conflict (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    datastream_id   integer NOT NULL,
    phenomenon_time timestamptz NOT NULL,
    result          double precision NOT NULL CHECK (result > '-Infinity' AND result < 'Infinity'),
    device_status   smallint NOT NULL,
    receipt_id      bigint NOT NULL,
    reading_index   integer NOT NULL,
    received_time   timestamptz NOT NULL
);
-- The same other value again is the same conflict: a resend adds nothing.
CREATE UNIQUE INDEX reading_conflict_key ON reading_conflict (datastream_id, phenomenon_time, result, device_status);
CREATE INDEX reading_conflict_time ON reading_conflict (received_time DESC, id DESC);
CREATE INDEX reading_conflict_receipt ON reading_conflict (receipt_id);

CREATE TABLE quarantine (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    receipt_id      bigint NOT NULL,
    received_time   timestamptz NOT NULL,
    station_id      integer,
    -- Position in the submission; NULL when the submission as a whole could not be read.
    reading_index   integer,
    symbol          text,
    value           text,
    unit            text,
    phenomenon_time text,
    device_status   text,
    reason          text NOT NULL,
    field           text NOT NULL,
    found           text NOT NULL,
    expected        text NOT NULL,
    resolved_time   timestamptz,
    -- replayed: a later receipt stored it; dismissed: a person decided that it stays out.
    resolution      text CHECK (resolution IN ('replayed', 'dismissed')),
    resolved_receipt_id bigint,
    resolved_note   text,
    CHECK ((resolved_time IS NULL) = (resolution IS NULL))
);
CREATE INDEX quarantine_open ON quarantine (received_time DESC, id DESC) WHERE resolved_time IS NULL;
CREATE INDEX quarantine_time ON quarantine (received_time DESC, id DESC);
CREATE INDEX quarantine_receipt ON quarantine (receipt_id);
