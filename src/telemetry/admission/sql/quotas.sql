-- name: admission_quota
-- The quota of station $1 by its code, with what the settings decide as NULL.
SELECT s.id AS station_id, q.requests, q.readings, q.bytes, coalesce(q.revision, 0) AS revision,
       (SELECT p.until_time FROM station_pause p WHERE p.station_id = s.id AND p.until_time > now()) AS paused_until
FROM station s LEFT JOIN station_quota q ON q.station_id = s.id
WHERE s.code = $1;

-- name: admission_set_quota
-- Station $1 may send $2 requests, $3 readings, $4 bytes a minute; NULL: as the settings say.
INSERT INTO station_quota (station_id, requests, readings, bytes) VALUES ($1, $2, $3, $4)
ON CONFLICT (station_id) DO UPDATE
SET requests = excluded.requests, readings = excluded.readings, bytes = excluded.bytes,
    revision = station_quota.revision + 1;
