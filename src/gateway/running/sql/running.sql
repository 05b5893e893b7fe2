-- name: running_demonstration_stations
-- Codes of the stations that `quantrac run` may simulate.
SELECT code FROM station WHERE demonstration AND status = 'active' ORDER BY code;

-- name: running_received
-- What receipts from after $1 to $2 say; what the staff replays was received before.
SELECT count(*) AS receipts,
       coalesce(sum(stored), 0) AS stored,
       coalesce(sum(duplicates), 0) AS duplicates,
       coalesce(sum(conflicts), 0) AS conflicts,
       coalesce(sum(quarantined), 0) AS quarantined
FROM receipt WHERE received_time > $1 AND received_time <= $2 AND channel <> 'replay';

-- name: running_reporting
-- Stations that should report, and those of them that were heard within two of their cycles and a minute. A replay
-- by the staff is not their voice.
SELECT count(*) AS expected,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM receipt r
           WHERE r.station_id = s.id AND r.channel <> 'replay'
             AND r.received_time > now() - make_interval(secs => 2 * s.cadence_seconds + 60))) AS reporting
FROM station s WHERE s.status = 'active';
