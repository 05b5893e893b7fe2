-- name: catalog_revision
-- The number of the newest change of any catalogue table.
SELECT revision FROM catalog_revision;

-- name: snapshot_stations
-- Every station, retired ones too: late readings of a retired station still have an owner.
SELECT s.id, s.code, s.kind, s.status, s.cadence_seconds, s.file_code, o.code AS organization, s.district
FROM station s JOIN organization o ON o.id = s.organization_id;

-- name: snapshot_datastreams
SELECT d.id, d.station_id, p.symbol, p.unit, d.reported_unit, d.factor, d.range_min, d.range_max, d.status
FROM datastream d JOIN observed_property p ON p.id = d.observed_property_id;

-- name: snapshot_aliases
SELECT station_id, alias, datastream_id FROM datastream_alias;

-- name: snapshot_limits
-- For each datastream and moment the one limit that single readings are compared with: the permit's before the rule set's,
-- the shortest averaging window first, the newest valid_from first. Spans are cut where another one begins or ends. A limit
-- in another unit or at a reference oxygen is nothing that a single reading as it was measured can be compared with.
WITH boundary AS (
    SELECT datastream_id, valid_from AS at FROM datastream_limit
    UNION
    SELECT datastream_id, valid_to FROM datastream_limit WHERE valid_to IS NOT NULL
), span AS (
    SELECT datastream_id, at AS valid_from, lead(at) OVER (PARTITION BY datastream_id ORDER BY at) AS valid_to
    FROM boundary
)
SELECT s.datastream_id, s.valid_from, s.valid_to, l.lower, l.upper, l.verified
FROM span s
CROSS JOIN LATERAL (
    SELECT CASE WHEN comparable THEN lower END AS lower, CASE WHEN comparable THEN upper END AS upper, verified
    FROM datastream_limit l
    CROSS JOIN LATERAL (SELECT l.unit IS NULL AND l.oxygen_reference IS NULL AS comparable) c
    WHERE l.datastream_id = s.datastream_id AND l.valid_from <= s.valid_from
      AND (l.valid_to IS NULL OR l.valid_to > s.valid_from)
    ORDER BY (l.basis = 'permit') DESC,
             array_position(ARRAY['instant', '1h', '8h', '24h', 'year'], l.averaging),
             l.valid_from DESC, l.id DESC
    LIMIT 1
) l
ORDER BY s.datastream_id, s.valid_from;

-- name: snapshot_keys
SELECT id, station_id, sha256, expires_time, revoked_time IS NOT NULL AS revoked FROM station_key;

-- name: snapshot_quotas
SELECT station_id, requests, readings, bytes FROM station_quota;
