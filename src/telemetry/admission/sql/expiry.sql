-- name: admission_expiring_keys
-- Live keys that expire within $1 and were not told yet for that time; told from now on.
WITH due AS (
    SELECT k.id, k.station_id, k.label, k.expires_time
    FROM station_key k
    WHERE k.revoked_time IS NULL AND k.expires_time > now() AND k.expires_time <= now() + $1::interval
), told AS (
    INSERT INTO station_key_notice (key_id, expires_time)
    SELECT id, expires_time FROM due
    ON CONFLICT (key_id, expires_time) DO NOTHING
    RETURNING key_id
)
SELECT d.id, d.station_id, s.code AS station, d.label, d.expires_time,
       (SELECT max(u.last_time) FROM station_key_use u WHERE u.key_id = d.id) AS last_used_time
FROM due d JOIN told t ON t.key_id = d.id JOIN station s ON s.id = d.station_id
ORDER BY d.expires_time, d.id;
