-- name: alert_rechecks_ask
-- Asks for another look: $1 station, $2 datastream or NULL for all of the station, $3 begin, $4 end, $5 cause.
INSERT INTO alert_recheck (station_id, datastream_id, begin_time, end_time, cause) VALUES ($1, $2, $3, $4, $5);

-- name: alert_rechecks_take
-- What is asked for the station whose turn it is, held until the transaction ends; others take another station.
SELECT r.id, r.station_id, r.begin_time, r.end_time
FROM alert_recheck r
WHERE r.station_id = (SELECT station_id FROM alert_recheck ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
ORDER BY r.begin_time, r.id
FOR UPDATE SKIP LOCKED;

-- name: alert_rechecks_done
-- Of what was asked as $1 everything before $2 was looked at; what was asked no further is gone.
WITH gone AS (
    DELETE FROM alert_recheck WHERE id = ANY ($1::bigint[]) AND end_time <= $2
)
UPDATE alert_recheck SET begin_time = greatest(begin_time, $2) WHERE id = ANY ($1::bigint[]) AND end_time > $2;
