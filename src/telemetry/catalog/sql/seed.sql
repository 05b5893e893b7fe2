-- name: seed_lock
-- One process seeds at a time: limits have no unique key that would keep two apart.
SELECT pg_advisory_xact_lock(hashtextextended('quantrac.seed', 0));

-- name: seed_properties
-- $1: JSON array of records. Every statement here answers with the number of rows that it added.
WITH added AS (
    INSERT INTO observed_property (symbol, unit, name_vi, name_en)
    SELECT symbol, unit, name_vi, name_en
    FROM jsonb_to_recordset($1::jsonb) AS seed (symbol text, unit text, name_vi text, name_en text)
    ON CONFLICT (symbol) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM added;

-- name: seed_organizations
-- $1: JSON array of records.
WITH added AS (
    INSERT INTO organization (code, kind, demonstration, name_vi, name_en)
    SELECT code, kind, demonstration, name_vi, name_en
    FROM jsonb_to_recordset($1::jsonb)
        AS seed (code text, kind text, demonstration boolean, name_vi text, name_en text)
    ON CONFLICT (code) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM added;

-- name: seed_stations
-- $1: JSON array of records. Every station of the seed is a demonstration.
WITH added AS (
    INSERT INTO station (code, kind, organization_id, name_vi, name_en, file_code, latitude, longitude, cadence_seconds,
                         demonstration)
    SELECT seed.code, seed.kind, o.id, seed.name_vi, seed.name_en, seed.file_code, seed.latitude, seed.longitude,
           seed.cadence_seconds, true
    FROM jsonb_to_recordset($1::jsonb)
        AS seed (code text, kind text, organization text, name_vi text, name_en text, file_code text,
                 latitude double precision, longitude double precision, cadence_seconds integer)
    JOIN organization o ON o.code = seed.organization
    ON CONFLICT (code) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM added;

-- name: seed_datastreams
-- $1: JSON array of records.
WITH added AS (
    INSERT INTO datastream (station_id, observed_property_id, reported_unit, reported_as, factor, range_min, range_max,
                            mandatory)
    SELECT s.id, p.id, seed.reported_unit, seed.reported_as, seed.factor, seed.range_min, seed.range_max, seed.mandatory
    FROM jsonb_to_recordset($1::jsonb)
        AS seed (station text, symbol text, reported_unit text, reported_as text, factor double precision,
                 range_min double precision, range_max double precision, mandatory boolean)
    JOIN station s ON s.code = seed.station
    JOIN observed_property p ON p.symbol = seed.symbol
    ON CONFLICT (station_id, observed_property_id) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM added;

-- name: seed_aliases
-- $1: JSON array of records.
WITH added AS (
    INSERT INTO datastream_alias (station_id, alias, datastream_id)
    SELECT s.id, seed.alias, d.id
    FROM jsonb_to_recordset($1::jsonb) AS seed (station text, symbol text, alias text)
    JOIN station s ON s.code = seed.station
    JOIN observed_property p ON p.symbol = seed.symbol
    JOIN datastream d ON d.station_id = s.id AND d.observed_property_id = p.id
    ON CONFLICT (station_id, alias) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM added;

-- name: seed_rule_sets
-- $1: JSON array of records.
WITH added AS (
    INSERT INTO rule_set (code, name_vi, name_en, legal_source, confidence, verified)
    SELECT code, name_vi, name_en, legal_source, confidence, verified
    FROM jsonb_to_recordset($1::jsonb)
        AS seed (code text, name_vi text, name_en text, legal_source text, confidence text, verified boolean)
    ON CONFLICT (code) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM added;

-- name: seed_rule_limits
-- $1: JSON array of records.
WITH added AS (
    INSERT INTO rule_limit (rule_set_id, observed_property_id, averaging, lower, upper, scaled, oxygen_reference, unit)
    SELECT r.id, p.id, seed.averaging, seed.lower, seed.upper, seed.scaled, seed.oxygen_reference, seed.limit_unit
    FROM jsonb_to_recordset($1::jsonb)
        AS seed (rule_set text, symbol text, averaging text, lower double precision, upper double precision, scaled boolean,
                 oxygen_reference double precision, limit_unit text)
    JOIN rule_set r ON r.code = seed.rule_set
    JOIN observed_property p ON p.symbol = seed.symbol
    ON CONFLICT (rule_set_id, observed_property_id, averaging) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM added;

-- name: seed_limits
-- $1: JSON array of records; rule_set null for a permit's. A datastream that has any limit of the same rule set (or of a
-- permit) for the same averaging window was looked after already: whatever the staff made of it stays.
WITH added AS (
    INSERT INTO datastream_limit (datastream_id, rule_set_id, basis, averaging, base_lower, base_upper, coefficients,
                                  lower, upper, oxygen_reference, unit, valid_from, valid_to, legal_source, confidence,
                                  verified)
    SELECT d.id, r.id, CASE WHEN r.id IS NULL THEN 'permit' ELSE 'rule_set' END, seed.averaging, seed.base_lower,
           seed.base_upper, seed.coefficients, seed.lower, seed.upper, seed.oxygen_reference, seed.limit_unit,
           seed.valid_from, seed.valid_to, seed.legal_source, seed.confidence, seed.verified
    FROM jsonb_to_recordset($1::jsonb)
        AS seed (station text, symbol text, rule_set text, averaging text, base_lower double precision,
                 base_upper double precision, coefficients jsonb, lower double precision, upper double precision,
                 oxygen_reference double precision, limit_unit text, valid_from timestamptz, valid_to timestamptz, legal_source text, confidence text, verified boolean)
    JOIN station s ON s.code = seed.station
    JOIN observed_property p ON p.symbol = seed.symbol
    JOIN datastream d ON d.station_id = s.id AND d.observed_property_id = p.id
    LEFT JOIN rule_set r ON r.code = seed.rule_set
    WHERE NOT EXISTS (
        SELECT FROM datastream_limit l
        WHERE l.datastream_id = d.id AND l.averaging = seed.averaging AND l.rule_set_id IS NOT DISTINCT FROM r.id
    )
    RETURNING 1
)
SELECT count(*) FROM added;

-- name: seed_policies
-- $1: JSON array of records.
WITH added AS (
    INSERT INTO averaging_policy (rule_set_id, station_kind, averaging, minimum_share, label_end, source, confidence, verified)
    SELECT r.id, seed.station_kind, seed.averaging, seed.minimum_share, seed.label_end, seed.source, seed.confidence,
           seed.verified
    FROM jsonb_to_recordset($1::jsonb)
        AS seed (rule_set text, station_kind text, averaging text, minimum_share double precision, label_end boolean, source text,
                 confidence text, verified boolean)
    LEFT JOIN rule_set r ON r.code = seed.rule_set
    ON CONFLICT (rule_set_id, station_kind, averaging) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM added;
