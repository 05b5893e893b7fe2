-- name: alert_rechecks_ask
-- Asks for another look: $1 station, $2 datastream or NULL for all of the station, $3 begin, $4 end, $5 cause.
INSERT INTO alert_recheck (station_id, datastream_id, begin_time, end_time, cause) VALUES ($1, $2, $3, $4, $5);
