-- name: enrolments_of_station
-- The enrolments of station $1 by its code, newest first; $2: the id of one of them, or NULL for all.
SELECT e.id, s.code AS station, e.label, e.key_expires_time, e.created_by, e.created_time, e.expires_time, e.used_time,
       host(e.used_address) AS used_address, e.key_id AS key,
       CASE WHEN e.used_time IS NOT NULL THEN 'used'
            WHEN e.withdrawn_time IS NOT NULL THEN 'withdrawn'
            WHEN e.expires_time <= now() THEN 'expired'
            ELSE 'open' END AS state
FROM station_enrolment e JOIN station s ON s.id = e.station_id
WHERE s.code = $1 AND ($2::int IS NULL OR e.id = $2)
ORDER BY e.id DESC
LIMIT 1000;

-- name: enrolment_insert
-- $1 station id, $2 sha256 of the code, $3 label, $4 when the key will expire, $5 who, $6 how long the code is good.
INSERT INTO station_enrolment (station_id, sha256, label, key_expires_time, created_by, expires_time)
VALUES ($1, $2, $3, $4, $5, now() + $6::interval)
RETURNING id;

-- name: enrolment_withdraw
-- $1 station code, $2 id. Nothing where it is over already.
UPDATE station_enrolment e SET withdrawn_time = now()
FROM station s
WHERE s.id = e.station_id AND s.code = $1 AND e.id = $2
  AND e.used_time IS NULL AND e.withdrawn_time IS NULL AND e.expires_time > now()
RETURNING e.id;

-- name: enrolment_held
-- The enrolment with the code's sha256 $1, held until the transaction ends: of two that come at once the second one waits.
SELECT e.id, e.station_id, s.code AS station, e.label, e.key_expires_time,
       e.used_time IS NULL AND e.withdrawn_time IS NULL AND e.expires_time > now() AS is_open
FROM station_enrolment e JOIN station s ON s.id = e.station_id
WHERE e.sha256 = $1
FOR UPDATE OF e;

-- name: enrolment_used
-- Enrolment $1 was used from address $2 for key $3.
UPDATE station_enrolment SET used_time = now(), used_address = $2::text::inet, key_id = $3 WHERE id = $1;
