-- name: keys_of_station
-- The station's keys, newest first, without anything secret. $1 station code, $2 id of one key or NULL for all.
SELECT k.id, s.code AS station, k.label, k.created_time, k.expires_time, k.revoked_time,
       CASE WHEN k.revoked_time IS NOT NULL THEN 'revoked'
            WHEN k.expires_time <= now() THEN 'expired'
            ELSE 'live' END AS state
FROM station_key k
JOIN station s ON s.id = k.station_id
WHERE s.code = $1 AND ($2::text IS NULL OR k.id = $2)
ORDER BY k.created_time DESC, k.id;

-- name: keys_live
-- Ids of the station's keys that still open. $1 station id.
SELECT id FROM station_key
WHERE station_id = $1 AND revoked_time IS NULL AND (expires_time IS NULL OR expires_time > now())
ORDER BY created_time;

-- name: key_insert
-- $1 id, $2 station id, $3 sha256, $4 nats_bcrypt, $5 mosquitto_pbkdf2, $6 label, $7 expires_time.
INSERT INTO station_key (id, station_id, sha256, nats_bcrypt, mosquitto_pbkdf2, label, expires_time)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: key_revoke
-- The first revocation stays. $1 station code, $2 key id.
UPDATE station_key k
SET revoked_time = now()
FROM station s
WHERE s.id = k.station_id AND s.code = $1 AND k.id = $2 AND k.revoked_time IS NULL
RETURNING k.id;
