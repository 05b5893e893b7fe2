-- Averages, their verdicts and what they were before.
-- depends: 0008_change_feed

SET lock_timeout = '4s';

-- Oxygen content in % that a limit refers to: results are corrected by (20.9 - reference) / (20.9 - measured) before they are
-- judged. And the unit that the limit is written in, where that is not the observed property's.
ALTER TABLE rule_limit ADD COLUMN oxygen_reference double precision CHECK (oxygen_reference >= 0 AND oxygen_reference < 20.9);
ALTER TABLE rule_limit ADD COLUMN unit text CHECK (unit <> '');
ALTER TABLE datastream_limit ADD COLUMN oxygen_reference double precision CHECK (oxygen_reference >= 0 AND oxygen_reference < 20.9);
ALTER TABLE datastream_limit ADD COLUMN unit text CHECK (unit <> '');

-- How averages are made. For a limit holds the row of its rule set, else the one of the station's kind, else the one of neither.
CREATE TABLE averaging_policy (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_set_id     integer REFERENCES rule_set,
    station_kind    text CHECK (station_kind IN ('ambient', 'wastewater', 'flue_gas', 'groundwater')),
    averaging       text NOT NULL CHECK (averaging IN ('1h', '8h', '24h', 'year')),
    -- Share of the expected observations that must be valid, or there is no verdict.
    minimum_share   double precision NOT NULL CHECK (minimum_share > 0 AND minimum_share <= 1),
    -- Whether a period is called by its end instead of its beginning.
    label_end       boolean NOT NULL,
    source          text NOT NULL,
    confidence      text NOT NULL,
    verified        boolean NOT NULL DEFAULT false,
    revision        integer NOT NULL DEFAULT 1,
    updated_time    timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (rule_set_id, station_kind, averaging),
    CHECK (rule_set_id IS NULL OR station_kind IS NULL)
);
INSERT INTO averaging_policy (averaging, minimum_share, label_end, source, confidence)
SELECT averaging, 0.75, false, 'Policy of this service',
       'Unverified: 75 % is commonly used, 60 %; no legal text that names a share was confirmed.'
FROM (VALUES ('1h'), ('8h'), ('24h'), ('year')) AS windows (averaging);

-- Every state that a limit was ever in, so that a verdict can say by what it was reached long after the limit is gone.
CREATE TABLE limit_version (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    limit_id        integer NOT NULL,
    datastream_id   integer NOT NULL,
    basis           text NOT NULL,
    rule_set        text,
    averaging       text NOT NULL,
    base_lower      double precision,
    base_upper      double precision,
    coefficients    jsonb NOT NULL,
    lower           double precision,
    upper           double precision,
    unit            text,
    oxygen_reference double precision,
    valid_from      timestamptz NOT NULL,
    valid_to        timestamptz,
    legal_source    text NOT NULL,
    confidence      text NOT NULL,
    verified        boolean NOT NULL,
    recorded_time   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX limit_version_limit ON limit_version (limit_id, id DESC);

-- Rows of what it refers to are never taken out, so that thousands of verdicts a turn need not look each of them up.
CREATE TABLE verdict (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id  xid8 NOT NULL DEFAULT pg_current_xact_id(),
    datastream_id   integer NOT NULL,
    averaging       text NOT NULL CHECK (averaging IN ('1h', '8h', '24h', 'year')),
    period_start    timestamptz NOT NULL,
    period_end      timestamptz NOT NULL,
    verdict         text NOT NULL CHECK (verdict IN ('compliant', 'exceeded', 'insufficient-data', 'cannot-be-judged')),
    -- Why it cannot be judged.
    reason          text,
    -- The limit as it was when it was judged by; limit_id names it even when it was taken out since.
    limit_id        integer NOT NULL,
    limit_version_id bigint NOT NULL,
    -- Another limit, or none, held during a part of the period.
    split           boolean NOT NULL,
    policy_id       integer NOT NULL,
    policy_revision integer NOT NULL,
    minimum_share   double precision NOT NULL,
    -- Of the valid rows, in the limit's unit and corrected where the limit asks for it; NULL where there are none.
    mean            double precision,
    minimum         double precision,
    minimum_time    timestamptz,
    maximum         double precision,
    maximum_time    timestamptz,
    valid_n         integer NOT NULL,
    received_n      integer NOT NULL,
    expected_n      integer NOT NULL,
    -- Valid rows, of which no hour counts more than it was expected to have: what the share is taken of.
    covered_n       integer NOT NULL,
    -- Receipts of the first and the last row of the period.
    first_receipt_id bigint,
    last_receipt_id bigint,
    judged_time     timestamptz NOT NULL,
    CHECK (period_start < period_end),
    CHECK ((verdict = 'cannot-be-judged') = (reason IS NOT NULL)),
    CHECK (verdict NOT IN ('compliant', 'exceeded') OR mean IS NOT NULL)
);
-- One verdict in force for each period; also the way to a datastream's verdicts in order of time.
CREATE UNIQUE INDEX verdict_period ON verdict (datastream_id, averaging, period_start);
CREATE INDEX verdict_time ON verdict (period_end DESC, id DESC);
CREATE INDEX verdict_found ON verdict (verdict, period_end DESC, id DESC) WHERE verdict <> 'compliant';
CREATE INDEX verdict_transaction ON verdict (transaction_id, id);

-- What a verdict was before, until when, and what changed it.
CREATE TABLE verdict_former (
    former_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    LIKE verdict,
    replaced_time   timestamptz NOT NULL,
    cause           text NOT NULL CHECK (cause IN ('late-data', 'limit-changed', 'policy-changed', 'asked')),
    -- The receipt, limit, policy or person behind the cause.
    cause_receipt_id bigint,
    cause_limit_id  integer,
    cause_policy_id integer,
    cause_person    text,
    -- No verdict took its place: no limit held at the end of the period.
    withdrawn       boolean NOT NULL
);
CREATE INDEX verdict_former_period ON verdict_former (datastream_id, averaging, period_start, former_id);
CREATE INDEX verdict_former_verdict ON verdict_former (id);
CREATE INDEX verdict_former_withdrawn ON verdict_former (transaction_id, id) WHERE withdrawn;

-- Verdicts with everything that is told of them: whose they are, and by what limit they were reached.
CREATE VIEW verdict_told AS
SELECT v.*, s.id AS station_id, s.code AS station, p.symbol, coalesce(l.unit, p.unit) AS unit, p.unit AS kept_unit, a.label_end,
       a.verified AS policy_verified, l.basis, l.rule_set, l.base_lower, l.base_upper, l.coefficients, l.lower, l.upper,
       l.oxygen_reference, l.valid_from, l.valid_to, l.legal_source, l.confidence, l.verified
FROM verdict v
JOIN datastream d ON d.id = v.datastream_id
JOIN station s ON s.id = d.station_id
JOIN observed_property p ON p.id = d.observed_property_id
JOIN averaging_policy a ON a.id = v.policy_id
JOIN limit_version l ON l.id = v.limit_version_id;
CREATE VIEW verdict_former_told AS
SELECT v.*, s.id AS station_id, s.code AS station, p.symbol, coalesce(l.unit, p.unit) AS unit, p.unit AS kept_unit, a.label_end,
       a.verified AS policy_verified, l.basis, l.rule_set, l.base_lower, l.base_upper, l.coefficients, l.lower, l.upper,
       l.oxygen_reference, l.valid_from, l.valid_to, l.legal_source, l.confidence, l.verified
FROM verdict_former v
JOIN datastream d ON d.id = v.datastream_id
JOIN station s ON s.id = d.station_id
JOIN observed_property p ON p.id = d.observed_property_id
JOIN averaging_policy a ON a.id = v.policy_id
JOIN limit_version l ON l.id = v.limit_version_id;

-- Up to where each window was judged for everybody, and since when: periods that end in between have verdicts.
CREATE TABLE judging_progress (
    averaging       text PRIMARY KEY CHECK (averaging IN ('1h', '8h', '24h', 'year')),
    judged_from     timestamptz NOT NULL,
    judged_until    timestamptz NOT NULL,
    CHECK (judged_from <= judged_until)
);

-- Spans whose closed periods are to be judged again; the end is excluded.
CREATE TABLE judging_due (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    datastream_id   integer NOT NULL,
    begin_time      timestamptz NOT NULL,
    end_time        timestamptz NOT NULL,
    cause           text NOT NULL CHECK (cause IN ('late-data', 'limit-changed', 'policy-changed', 'asked')),
    receipt_id      bigint,
    limit_id        integer,
    policy_id       integer,
    person          text,
    asked_time      timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (begin_time < end_time)
);
-- Late data and what was asked for first: the rest may take a while.
CREATE INDEX judging_due_order ON judging_due ((cause IN ('limit-changed', 'policy-changed')), id);

CREATE FUNCTION note_limit_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz;
    until timestamptz;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO limit_version (limit_id, datastream_id, basis, rule_set, averaging, base_lower, base_upper, coefficients, lower,
                                   upper, unit, oxygen_reference, valid_from, valid_to, legal_source, confidence, verified)
        VALUES (NEW.id, NEW.datastream_id, NEW.basis, (SELECT code FROM rule_set WHERE id = NEW.rule_set_id), NEW.averaging,
                NEW.base_lower, NEW.base_upper, NEW.coefficients, NEW.lower, NEW.upper, NEW.unit, NEW.oxygen_reference,
                NEW.valid_from, NEW.valid_to, NEW.legal_source, NEW.confidence, NEW.verified);
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.datastream_id, NEW.basis, NEW.averaging, NEW.valid_from)
               IS NOT DISTINCT FROM (OLD.datastream_id, OLD.basis, OLD.averaging, OLD.valid_from)
           AND (NEW.rule_set_id, NEW.lower, NEW.upper, NEW.unit, NEW.oxygen_reference)
               IS NOT DISTINCT FROM (OLD.rule_set_id, OLD.lower, OLD.upper, OLD.unit, OLD.oxygen_reference)
        THEN
            -- Nothing but its end moved, or only what is told about it: nothing before the earlier end is judged otherwise.
            since := LEAST(coalesce(OLD.valid_to, 'infinity'), coalesce(NEW.valid_to, 'infinity'));
            until := GREATEST(coalesce(OLD.valid_to, 'infinity'), coalesce(NEW.valid_to, 'infinity'));
            IF since < until THEN
                INSERT INTO judging_due (datastream_id, begin_time, end_time, cause, limit_id)
                VALUES (NEW.datastream_id, since, until, 'limit-changed', NEW.id);
            END IF;
            RETURN NULL;
        END IF;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO judging_due (datastream_id, begin_time, end_time, cause, limit_id)
        VALUES (OLD.datastream_id, OLD.valid_from, coalesce(OLD.valid_to, 'infinity'), 'limit-changed', OLD.id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO judging_due (datastream_id, begin_time, end_time, cause, limit_id)
        VALUES (NEW.datastream_id, NEW.valid_from, coalesce(NEW.valid_to, 'infinity'), 'limit-changed', NEW.id);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON datastream_limit FOR EACH ROW EXECUTE FUNCTION note_limit_change();

INSERT INTO limit_version (limit_id, datastream_id, basis, rule_set, averaging, base_lower, base_upper, coefficients, lower, upper,
                           valid_from, valid_to, legal_source, confidence, verified)
SELECT l.id, l.datastream_id, l.basis, r.code, l.averaging, l.base_lower, l.base_upper, l.coefficients, l.lower, l.upper,
       l.valid_from, l.valid_to, l.legal_source, l.confidence, l.verified
FROM datastream_limit l
LEFT JOIN rule_set r ON r.id = l.rule_set_id;
-- Limits that were there before are judged by from what was observed on.
INSERT INTO judging_due (datastream_id, begin_time, end_time, cause, limit_id)
SELECT datastream_id, valid_from, coalesce(valid_to, 'infinity'), 'limit-changed', id FROM datastream_limit WHERE averaging <> 'instant';

-- A policy that asks for another share is applied to what was judged before, too.
CREATE FUNCTION note_policy_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.minimum_share = OLD.minimum_share THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO judging_due (datastream_id, begin_time, end_time, cause, policy_id)
    SELECT l.datastream_id, min(l.valid_from), max(coalesce(l.valid_to, 'infinity')), 'policy-changed', NEW.id
    FROM datastream_limit l
    JOIN datastream d ON d.id = l.datastream_id
    JOIN station s ON s.id = d.station_id
    WHERE l.averaging = NEW.averaging
      AND (NEW.rule_set_id IS NULL OR l.rule_set_id = NEW.rule_set_id)
      AND (NEW.station_kind IS NULL OR s.kind = NEW.station_kind)
    GROUP BY l.datastream_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER noted AFTER INSERT OR UPDATE ON averaging_policy FOR EACH ROW EXECUTE FUNCTION note_policy_change();
CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE ON averaging_policy FOR EACH STATEMENT EXECUTE FUNCTION move_catalog_revision();
