-- name: keys_of_station
-- The station's keys, newest first, without anything secret. $1 station code, $2 id of one key or NULL for all.
SELECT k.id, s.code AS station, k.label, k.created_time, k.expires_time, k.revoked_time,
       CASE WHEN k.revoked_time IS NOT NULL THEN 'revoked'
            WHEN k.expires_time <= now() THEN 'expired'
            ELSE 'live' END AS state,
       u.last_time AS last_used_time, host(u.address) AS last_used_address, u.channel AS last_used_channel
FROM station_key k
JOIN station s ON s.id = k.station_id
LEFT JOIN LATERAL (
    SELECT last_time, address, channel FROM station_key_use WHERE key_id = k.id ORDER BY last_time DESC LIMIT 1
) u ON true
WHERE s.code = $1 AND ($2::text IS NULL OR k.id = $2)
ORDER BY k.created_time DESC, k.id;

-- name: keys_page
-- Keys of stations $1 (codes; NULL: all), in state $2, that expire within $3, and were not used for $4; those that expire
-- first come first, those that never do last. After (expires_time $5, 2200 for never; id $6), at most $7.
SELECT found.id, found.station, found.label, found.created_time, found.expires_time, found.revoked_time, found.state,
       found.last_used_time, found.last_used_address, found.last_used_channel
FROM (
    SELECT k.id, s.code AS station, k.label, k.created_time, k.expires_time, k.revoked_time,
           CASE WHEN k.revoked_time IS NOT NULL THEN 'revoked'
                WHEN k.expires_time <= now() THEN 'expired'
                ELSE 'live' END AS state,
           u.last_time AS last_used_time, host(u.address) AS last_used_address, u.channel AS last_used_channel,
           coalesce(k.expires_time, '2200-01-01T00:00:00Z') AS place
    FROM station_key k
    JOIN station s ON s.id = k.station_id
    LEFT JOIN LATERAL (
        SELECT last_time, address, channel FROM station_key_use WHERE key_id = k.id ORDER BY last_time DESC LIMIT 1
    ) u ON true
) found
WHERE ($1::text[] IS NULL OR found.station = ANY($1))
  AND ($2::text IS NULL OR found.state = $2)
  AND ($3::interval IS NULL OR (found.state = 'live' AND found.expires_time <= now() + $3))
  AND ($4::interval IS NULL OR found.last_used_time IS NULL OR found.last_used_time < now() - $4)
  AND ($5::timestamptz IS NULL OR (found.place, found.id) > ($5, $6::text))
ORDER BY found.place, found.id
LIMIT $7;

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

-- name: key_update
-- Key $1 has label $2 and expires at $3.
UPDATE station_key SET label = $2, expires_time = $3 WHERE id = $1;
