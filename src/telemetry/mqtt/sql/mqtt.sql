-- name: mqtt_broker_users
-- Keys that may connect now: not revoked, not expired, and not of a station that is paused because it sent too much. Those of
-- a retired station too, as over HTTP, so that its logger can empty its memory.
SELECT k.id AS key_id, s.code AS station, k.nats_bcrypt, k.mosquitto_pbkdf2
FROM station_key k JOIN station s ON s.id = k.station_id
WHERE k.revoked_time IS NULL AND (k.expires_time IS NULL OR k.expires_time > now())
  AND NOT EXISTS (SELECT FROM station_pause p WHERE p.station_id = s.id AND p.until_time > now())
ORDER BY k.id;

-- name: mqtt_session_open
-- The session of client id $1, or the generated one where $1 is null, made where it is not known yet.
WITH made AS (
    INSERT INTO mqtt_session (client_id) SELECT $1::text WHERE $1::text IS NOT NULL
    ON CONFLICT (client_id) DO NOTHING
    RETURNING client_id, subscribed_time
)
SELECT client_id, subscribed_time IS NOT NULL AS expected FROM made
UNION ALL
SELECT client_id, subscribed_time IS NOT NULL FROM mqtt_session
WHERE client_id = $1::text OR ($1::text IS NULL AND generated)
LIMIT 1;

-- name: mqtt_session_subscribed
-- The broker keeps the subscriptions of client id $1 from now on.
UPDATE mqtt_session SET subscribed_time = now() WHERE client_id = $1 AND subscribed_time IS NULL;

-- name: mqtt_session_take
-- Whether this database session is now the only consumer of client id $1; held until it is left or the session ends.
SELECT pg_try_advisory_lock(hashtextextended('quantrac mqtt consumer ' || $1::text, 0));

-- name: mqtt_session_leave
-- Whether this database session was the consumer of client id $1, and is no longer.
SELECT pg_advisory_unlock(hashtextextended('quantrac mqtt consumer ' || $1::text, 0));

-- name: mqtt_session_held
-- Nothing is asked; the answer says that the database session, and with it the lock, lives.
SELECT true;
