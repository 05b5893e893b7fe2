-- name: policies_all
-- Those of rule sets first, then those of kinds of stations, then those for all. $1 id; NULL does not restrict.
SELECT a.id, r.code AS rule_set, a.station_kind, a.averaging, a.minimum_share, a.label_end, a.source, a.confidence, a.verified,
       a.revision, a.updated_time
FROM averaging_policy a
LEFT JOIN rule_set r ON r.id = a.rule_set_id
WHERE $1::integer IS NULL OR a.id = $1
ORDER BY r.code COLLATE "C" NULLS LAST, a.station_kind NULLS LAST,
         array_position(ARRAY['1h', '8h', '24h', 'year'], a.averaging);

-- name: policies_lock
-- Holds the row until the transaction ends. $1 id.
SELECT id FROM averaging_policy WHERE id = $1 FOR UPDATE;

-- name: policies_insert
-- $1 rule set code, $2 station kind, $3 window, $4 minimum_share, $5 label_end, $6 source, $7 confidence, $8 verified. The new
-- id; NULL where there is such a policy.
INSERT INTO averaging_policy (rule_set_id, station_kind, averaging, minimum_share, label_end, source, confidence, verified)
SELECT (SELECT id FROM rule_set WHERE code = $1::text), $2::text, $3, $4, $5, $6, $7, $8
ON CONFLICT (rule_set_id, station_kind, averaging) DO NOTHING
RETURNING id;

-- name: policies_update
-- $1 id, $2 minimum_share, $3 label_end, $4 source, $5 confidence, $6 verified.
UPDATE averaging_policy
SET minimum_share = $2, label_end = $3, source = $4, confidence = $5, verified = $6, revision = revision + 1,
    updated_time = now()
WHERE id = $1;
