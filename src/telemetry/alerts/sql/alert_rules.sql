-- name: alert_rules_all
-- Every rule of the table with the names of what it holds for, from the widest to the narrowest.
SELECT r.id, r.kind, r.station_kind, p.symbol, s.code AS station, r.enabled, r.severity, r.raise_after_seconds,
       r.clear_after_seconds, r.hysteresis, r.escalate_after_seconds, r.parameters, r.source, r.verified, r.revision
FROM alert_rule r
LEFT JOIN station s ON s.id = r.station_id
LEFT JOIN observed_property p ON p.id = r.observed_property_id
ORDER BY r.kind, s.code COLLATE "C" NULLS FIRST, p.symbol COLLATE "C" NULLS FIRST, r.station_kind NULLS FIRST;
