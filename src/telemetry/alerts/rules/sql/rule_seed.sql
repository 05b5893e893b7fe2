-- name: rule_seed_lock
-- One process seeds at a time.
SELECT pg_advisory_xact_lock(hashtextextended('quantrac.seed', 0));

-- name: rule_seed_add
-- Adds rules, $1 a JSON array of them, of which the table has none for the same kind and subject; answers with how many. Rules for
-- properties or stations that the catalogue does not have are left out.
WITH added AS (
    INSERT INTO alert_rule (kind, station_kind, observed_property_id, station_id, enabled, severity, raise_after_seconds,
                            clear_after_seconds, hysteresis, escalate_after_seconds, parameters, source, verified)
    SELECT seed.kind, seed.station_kind, p.id, s.id, seed.enabled, seed.severity, seed.raise_after_seconds,
           seed.clear_after_seconds, seed.hysteresis, seed.escalate_after_seconds, seed.parameters, seed.source, seed.verified
    FROM jsonb_to_recordset($1::text::jsonb)
        AS seed (kind text, station_kind text, symbol text, station text, enabled boolean, severity text,
                 raise_after_seconds integer, clear_after_seconds integer, hysteresis double precision,
                 escalate_after_seconds integer, parameters jsonb, source text, verified boolean)
    LEFT JOIN observed_property p ON p.symbol = seed.symbol
    LEFT JOIN station s ON s.code = seed.station
    WHERE (seed.symbol IS NULL) = (p.id IS NULL) AND (seed.station IS NULL) = (s.id IS NULL)
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM added;
