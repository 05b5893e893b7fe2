-- Alerts: what is looked for, what was found, what people did about it, and when they asked not to be called.
-- depends: 0009_verdicts

SET lock_timeout = '4s';

CREATE TABLE alert_rule (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN (
        'over-limit', 'tendency', 'average-exceeded', 'lost-connection', 'instrument-fault', 'stuck-calibration', 'frozen-value',
        'spike', 'saturated', 'clock-skew', 'conflict', 'unknown-symbol', 'quarantine-growing', 'job-stuck')),
    -- For whom it holds; NULL is for all. The row that names the most (station, then property, then kind of station) holds.
    station_kind    text CHECK (station_kind IN ('ambient', 'wastewater', 'flue_gas', 'groundwater')),
    observed_property_id integer REFERENCES observed_property,
    station_id      integer REFERENCES station,
    enabled         boolean NOT NULL DEFAULT true,
    severity        text NOT NULL CHECK (severity IN ('notice', 'warning', 'critical')),
    -- In phenomenon time: how long the condition must hold, and be gone.
    raise_after_seconds integer NOT NULL DEFAULT 0 CHECK (raise_after_seconds >= 0),
    clear_after_seconds integer NOT NULL DEFAULT 0 CHECK (clear_after_seconds >= 0),
    -- Share of the threshold by which a value must get better before the condition is gone.
    hysteresis      double precision NOT NULL DEFAULT 0 CHECK (hysteresis >= 0 AND hysteresis < 1),
    escalate_after_seconds integer CHECK (escalate_after_seconds > 0),
    -- What only this kind knows: share of the limit, number of equal values, rate of change.
    parameters      jsonb NOT NULL DEFAULT '{}',
    -- Where the numbers come from, and whether somebody checked them.
    source          text NOT NULL DEFAULT '',
    verified        boolean NOT NULL DEFAULT false,
    revision        integer NOT NULL DEFAULT 1,
    UNIQUE NULLS NOT DISTINCT (kind, station_kind, observed_property_id, station_id)
);
CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE ON alert_rule FOR EACH STATEMENT EXECUTE FUNCTION move_catalog_revision();

CREATE TABLE alert (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            text NOT NULL,
    severity        text NOT NULL CHECK (severity IN ('notice', 'warning', 'critical')),
    -- The subject; both NULL: the network as a whole.
    station_id      integer REFERENCES station,
    datastream_id   integer REFERENCES datastream,
    state           text NOT NULL CHECK (state IN ('raised', 'acknowledged', 'shelved', 'cleared')),
    -- In phenomenon time: when the condition began, when it was last seen, when it ended.
    raised_time     timestamptz NOT NULL,
    last_time       timestamptz NOT NULL,
    cleared_time    timestamptz,
    -- condition: it ended. by-hand: a person closed it. withdrawn: later data show that it never was. merged: it was part of another.
    cleared_reason  text CHECK (cleared_reason IN ('condition', 'by-hand', 'withdrawn', 'merged')),
    -- By the service's clock: when it was found, and when it was closed.
    detected_time   timestamptz NOT NULL,
    closed_time     timestamptz,
    historical      boolean NOT NULL DEFAULT false,
    -- The maintenance or calibration window that keeps it from calling anybody.
    muted_by        integer,
    -- Peak, threshold, unit, rule set, counts: what the kind has to say.
    detail          jsonb NOT NULL DEFAULT '{}',
    assignee        text,
    acknowledged_by text,
    acknowledged_time timestamptz,
    shelved_by      text,
    shelved_until   timestamptz,
    shelved_reason  text,
    -- The state that it returns to when shelving ends.
    shelved_from    text CHECK (shelved_from IN ('raised', 'acknowledged')),
    escalation_level smallint NOT NULL DEFAULT 0,
    escalate_time   timestamptz,
    reraised_n      integer NOT NULL DEFAULT 0,
    revision        integer NOT NULL DEFAULT 1,
    updated_time    timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'cleared') = (cleared_reason IS NOT NULL)),
    CHECK ((state = 'shelved') = (shelved_until IS NOT NULL)),
    CHECK (raised_time <= last_time),
    CHECK (cleared_time IS NULL OR cleared_time >= raised_time)
);
-- One alert per subject and kind while it lasts, whoever raises it.
CREATE UNIQUE INDEX alert_open ON alert (kind, coalesce(station_id, 0), coalesce(datastream_id, 0)) WHERE state <> 'cleared';
-- An episode is raised once, however often its data come.
CREATE UNIQUE INDEX alert_episode ON alert (kind, coalesce(station_id, 0), coalesce(datastream_id, 0), raised_time)
    WHERE cleared_reason IS NULL OR cleared_reason IN ('condition', 'by-hand');
CREATE INDEX alert_time ON alert (raised_time DESC, id DESC);
CREATE INDEX alert_station ON alert (station_id, raised_time DESC, id DESC);
CREATE INDEX alert_datastream ON alert (datastream_id, kind, raised_time);
CREATE INDEX alert_current ON alert (state, severity) WHERE state <> 'cleared';
CREATE INDEX alert_escalation ON alert (escalate_time) WHERE escalate_time IS NOT NULL;

-- Everything that happened to an alert: who, when, why.
CREATE TABLE alert_move (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id        bigint NOT NULL REFERENCES alert,
    moved_time      timestamptz NOT NULL DEFAULT clock_timestamp(),
    action          text NOT NULL,
    from_state      text,
    to_state        text NOT NULL,
    -- A person's name, or `quantrac` where the data did it.
    actor           text NOT NULL,
    reason          text NOT NULL DEFAULT '',
    detail          jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX alert_move_alert ON alert_move (alert_id, id);

-- When a station may be silent or calibrate without calling anybody.
CREATE TABLE station_window (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN ('maintenance', 'calibration')),
    station_id      integer NOT NULL REFERENCES station,
    -- NULL: every datastream of the station.
    datastream_id   integer REFERENCES datastream,
    begin_time      timestamptz NOT NULL,
    end_time        timestamptz NOT NULL,
    state           text NOT NULL CHECK (state IN ('draft', 'requested', 'accepted', 'rejected', 'cancelled')),
    -- Why, and for calibration the standards used and the tolerance.
    reason          text NOT NULL DEFAULT '',
    detail          jsonb NOT NULL DEFAULT '{}',
    requested_by    text NOT NULL,
    requested_time  timestamptz NOT NULL DEFAULT now(),
    decided_by      text,
    decided_time    timestamptz,
    decision_reason text NOT NULL DEFAULT '',
    revision        integer NOT NULL DEFAULT 1,
    CHECK (begin_time < end_time),
    CHECK ((state IN ('accepted', 'rejected')) <= (decided_by IS NOT NULL))
);
CREATE INDEX station_window_station ON station_window (station_id, begin_time);
ALTER TABLE alert ADD FOREIGN KEY (muted_by) REFERENCES station_window;
-- What holds now changes with a window's acceptance: alerts of its span are looked at again.
CREATE TABLE alert_recheck (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    station_id      integer NOT NULL REFERENCES station,
    datastream_id   integer REFERENCES datastream,
    begin_time      timestamptz NOT NULL,
    end_time        timestamptz NOT NULL,
    cause           text NOT NULL,
    asked_time      timestamptz NOT NULL DEFAULT now()
);

-- A limit that is entered, changed or withdrawn for a time that was observed changes what was over it then.
CREATE FUNCTION note_limit_for_alerts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stream integer := coalesce(NEW.datastream_id, OLD.datastream_id);
    since timestamptz := least(OLD.valid_from, NEW.valid_from);
    -- Clocks of stations may be ahead a little.
    until timestamptz := least(now() + INTERVAL '15 minutes', greatest(coalesce(OLD.valid_to, 'infinity'), coalesce(NEW.valid_to, 'infinity')));
    observed timestamptz;
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.datastream_id, OLD.basis, OLD.averaging, OLD.lower, OLD.upper, OLD.valid_from, OLD.valid_to)
            IS NOT DISTINCT FROM (NEW.datastream_id, NEW.basis, NEW.averaging, NEW.lower, NEW.upper, NEW.valid_from, NEW.valid_to)
    THEN
        RETURN NULL;
    END IF;
    SELECT phenomenon_time INTO observed FROM observation WHERE datastream_id = stream ORDER BY phenomenon_time LIMIT 1;
    IF observed < until AND since < until THEN
        INSERT INTO alert_recheck (station_id, datastream_id, begin_time, end_time, cause)
        SELECT station_id, id, greatest(since, observed), until, 'limit' FROM datastream WHERE id = stream;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER noted_for_alerts AFTER INSERT OR UPDATE OR DELETE ON datastream_limit
    FOR EACH ROW EXECUTE FUNCTION note_limit_for_alerts();

-- Times are kept as text there; those that could be read sort as they follow each other.
CREATE INDEX quarantine_unknown ON quarantine (station_id, phenomenon_time COLLATE "C") WHERE reason = 'unknown-symbol';
