-- name: deadlines_newest
-- The newest phenomenon time after $1 of each active station.
SELECT d.station_id, max(newest.phenomenon_time) AS phenomenon_time
FROM station s
JOIN datastream d ON d.station_id = s.id
CROSS JOIN LATERAL (
    SELECT o.phenomenon_time FROM observation o
    WHERE o.datastream_id = d.id AND o.phenomenon_time > $1
    ORDER BY o.phenomenon_time DESC LIMIT 1
) newest
WHERE s.status = 'active'
GROUP BY d.station_id;

-- name: deadlines_open
-- Open alerts of the kinds $1.
SELECT * FROM alert WHERE kind = ANY ($1::text[]) AND state <> 'cleared';
