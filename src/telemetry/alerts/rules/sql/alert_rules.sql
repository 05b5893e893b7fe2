-- name: alert_rules_all
-- Every rule of the table with the names of what it holds for, from the widest to the narrowest.
SELECT r.id, r.kind, r.station_kind, p.symbol, s.code AS station, r.enabled, r.severity, r.raise_after_seconds,
       r.clear_after_seconds, r.hysteresis, r.escalate_after_seconds, r.parameters, r.source, r.verified, r.revision
FROM alert_rule r
LEFT JOIN station s ON s.id = r.station_id
LEFT JOIN observed_property p ON p.id = r.observed_property_id
ORDER BY r.kind, s.code COLLATE "C" NULLS FIRST, p.symbol COLLATE "C" NULLS FIRST, r.station_kind NULLS FIRST;

-- name: alert_rule_by_id
-- One rule of the table. $1 id.
SELECT r.id, r.kind, r.station_kind, p.symbol, s.code AS station, r.enabled, r.severity, r.raise_after_seconds,
       r.clear_after_seconds, r.hysteresis, r.escalate_after_seconds, r.parameters, r.source, r.verified, r.revision
FROM alert_rule r
LEFT JOIN station s ON s.id = r.station_id
LEFT JOIN observed_property p ON p.id = r.observed_property_id
WHERE r.id = $1;

-- name: alert_rule_lock
-- The same, held until the transaction ends. $1 id.
SELECT r.id, r.kind, r.station_kind, p.symbol, s.code AS station, r.enabled, r.severity, r.raise_after_seconds,
       r.clear_after_seconds, r.hysteresis, r.escalate_after_seconds, r.parameters, r.source, r.verified, r.revision
FROM alert_rule r
LEFT JOIN station s ON s.id = r.station_id
LEFT JOIN observed_property p ON p.id = r.observed_property_id
WHERE r.id = $1
FOR UPDATE OF r;

-- name: alert_rule_insert
-- $1 kind, $2 kind of station, $3 symbol, $4 station, $5 enabled, $6 severity, $7 raise, $8 clear, $9 hysteresis, $10 escalation,
-- $11 parameters as JSON text, $12 source, $13 verified.
INSERT INTO alert_rule (kind, station_kind, observed_property_id, station_id, enabled, severity, raise_after_seconds,
                        clear_after_seconds, hysteresis, escalate_after_seconds, parameters, source, verified)
VALUES ($1, $2, (SELECT id FROM observed_property WHERE symbol = $3), (SELECT id FROM station WHERE code = $4), $5, $6, $7, $8,
        $9, $10, $11::text::jsonb, $12, $13)
RETURNING id;

-- name: alert_rule_update
-- $1 id, $2 enabled, $3 severity, $4 raise, $5 clear, $6 hysteresis, $7 escalation, $8 parameters as JSON text, $9 source,
-- $10 verified.
UPDATE alert_rule
SET enabled = $2, severity = $3, raise_after_seconds = $4, clear_after_seconds = $5, hysteresis = $6,
    escalate_after_seconds = $7, parameters = $8::text::jsonb, source = $9, verified = $10, revision = revision + 1
WHERE id = $1;

-- name: alert_rule_delete
-- $1 id.
DELETE FROM alert_rule WHERE id = $1;
