-- How stations use their keys, how much each may send, what was odd about it, and one-time codes that keys are fetched with.
-- depends: 0015_identity

SET lock_timeout = '4s';

-- From where each key was used, and when last. Kept apart from the key, so that use does not move the catalogue's revision.
CREATE TABLE station_key_use (
    key_id          text NOT NULL REFERENCES station_key,
    channel         text NOT NULL CHECK (channel IN ('http', 'mqtt')),
    -- /24 of IPv4, /64 of IPv6: a modem changes its address within it.
    network         cidr NOT NULL,
    address         inet NOT NULL,
    first_time      timestamptz NOT NULL,
    last_time       timestamptz NOT NULL,
    uses            bigint NOT NULL,
    PRIMARY KEY (key_id, channel, network)
);

-- A row for each key and time of expiry that was told; a key that is given another time is told again.
CREATE TABLE station_key_notice (
    key_id          text NOT NULL REFERENCES station_key,
    expires_time    timestamptz NOT NULL,
    told_time       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (key_id, expires_time)
);

-- What a station may send in a minute, where that differs from the settings; NULL: as the settings say.
CREATE TABLE station_quota (
    station_id      integer PRIMARY KEY REFERENCES station,
    requests        integer CHECK (requests > 0),
    readings        integer CHECK (readings > 0),
    bytes           integer CHECK (bytes > 0),
    revision        integer NOT NULL DEFAULT 1
);
CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE ON station_quota FOR EACH STATEMENT EXECUTE FUNCTION move_catalog_revision();

-- Until when the broker shall not let a station in, because it sent more than it may.
CREATE TABLE station_pause (
    station_id      integer PRIMARY KEY REFERENCES station,
    until_time      timestamptz NOT NULL
);

-- What was odd about the use of a key or the sending of a station: a row for each kind, station, key and day (UTC).
CREATE TABLE station_anomaly (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            text NOT NULL CHECK (kind ~ '^[a-z]+(-[a-z]+)*$'),
    station_id      integer NOT NULL REFERENCES station,
    key_id          text REFERENCES station_key,
    day             date NOT NULL,
    channel         text NOT NULL CHECK (channel IN ('http', 'mqtt')),
    -- Where it was seen last; NULL where that is not known.
    address         inet,
    -- What was found, for people.
    detail          text NOT NULL DEFAULT '' CHECK (length(detail) <= 300),
    first_time      timestamptz NOT NULL,
    last_time       timestamptz NOT NULL,
    times           bigint NOT NULL,
    UNIQUE NULLS NOT DISTINCT (kind, station_id, key_id, day)
);
CREATE INDEX station_anomaly_time ON station_anomaly (last_time, id);
CREATE INDEX station_anomaly_station ON station_anomaly (station_id, last_time, id);

-- One-time codes by which a station fetches its key; of the code only its hash is kept.
CREATE TABLE station_enrolment (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    station_id      integer NOT NULL REFERENCES station,
    sha256          bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    label           text NOT NULL DEFAULT '',
    -- When the key that is fetched will expire; NULL: it will not.
    key_expires_time timestamptz,
    created_by      text NOT NULL,
    created_time    timestamptz NOT NULL DEFAULT now(),
    expires_time    timestamptz NOT NULL,
    withdrawn_time  timestamptz,
    used_time       timestamptz,
    used_address    inet,
    key_id          text REFERENCES station_key,
    CHECK ((used_time IS NULL) = (key_id IS NULL))
);
CREATE INDEX station_enrolment_station ON station_enrolment (station_id);

INSERT INTO relation_right (role, relation, privileges) VALUES
    ('quantrac_ingest', 'station_key_use', 'SELECT, INSERT, UPDATE, DELETE'),
    ('quantrac_ingest', 'station_quota', 'SELECT'),
    ('quantrac_ingest', 'station_pause', 'SELECT, INSERT, UPDATE'),
    ('quantrac_ingest', 'station_anomaly', 'SELECT, INSERT, UPDATE'),
    -- The consumer tells what it sees as well; what others told it does not read.
    ('quantrac_ingest', 'event', 'INSERT'),
    ('quantrac_watch', 'station_quota', 'SELECT'),
    ('quantrac_watch', 'station_key_use', 'SELECT'),
    ('quantrac_watch', 'station_key_notice', 'SELECT, INSERT'),
    ('quantrac_staff', 'station_key_use', 'SELECT, INSERT, UPDATE, DELETE'),
    ('quantrac_staff', 'station_quota', 'SELECT, INSERT, UPDATE'),
    ('quantrac_staff', 'station_pause', 'SELECT, INSERT, UPDATE'),
    ('quantrac_staff', 'station_anomaly', 'SELECT, INSERT, UPDATE'),
    ('quantrac_staff', 'station_enrolment', 'SELECT, INSERT, UPDATE');
DO $$ BEGIN PERFORM settle_rights(); END $$;
