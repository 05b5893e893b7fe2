-- name: running_demonstration_stations
-- Codes of the stations that `quantrac run` may simulate.
SELECT code FROM station WHERE demonstration AND status = 'active' ORDER BY code;

-- name: running_received
-- What receipts from after $1 to $2 say.
SELECT count(*) AS receipts,
       coalesce(sum(stored), 0) AS stored,
       coalesce(sum(duplicates), 0) AS duplicates,
       coalesce(sum(conflicts), 0) AS conflicts,
       coalesce(sum(quarantined), 0) AS quarantined
FROM receipt WHERE received_time > $1 AND received_time <= $2;

-- name: running_judged
-- How the readings were judged that were received after $1 and until $2 and measured in the day before.
WITH heard AS (SELECT id FROM receipt WHERE received_time > $1 AND received_time <= $2)
SELECT coalesce(sum(found.suspect), 0) AS suspect, coalesce(sum(found.failed), 0) AS failed
FROM datastream d CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE o.result_quality = 3) AS suspect, count(*) FILTER (WHERE o.result_quality = 4) AS failed
    FROM observation o
    WHERE o.datastream_id = d.id AND o.phenomenon_time > $1::timestamptz - INTERVAL '1 day'
      AND o.receipt_id IN (SELECT id FROM heard)
) AS found;

-- name: running_reporting
-- Stations that should report, and those of them that were heard within two of their cycles and a minute.
SELECT count(*) AS expected,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM receipt r
           WHERE r.station_id = s.id
             AND r.received_time > now() - make_interval(secs => 2 * s.cadence_seconds + 60))) AS reporting
FROM station s WHERE s.status = 'active';
