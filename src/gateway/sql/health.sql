-- name: health_answers
SELECT 1;

-- name: health_station_ages
-- When each station that is not retired was last heard; what the staff replays is not its voice.
SELECT s.code, r.received_time
FROM station s
CROSS JOIN LATERAL (
    SELECT received_time FROM receipt r WHERE r.station_id = s.id AND r.channel <> 'replay' ORDER BY received_time DESC LIMIT 1
) r
WHERE s.status <> 'retired';
