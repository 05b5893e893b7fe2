-- name: series_latest
-- The newest observation of each datastream in $1, not older than $2.
SELECT newest.*
FROM unnest($1::integer[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT o.datastream_id, o.phenomenon_time, o.result, o.result_quality, o.quality_reasons, o.device_status, o.receipt_id
    FROM observation o
    WHERE o.datastream_id = wanted.id AND o.phenomenon_time >= $2
    ORDER BY o.phenomenon_time DESC
    LIMIT 1
) AS newest;

-- name: series_raw
-- Observations of the datastreams $1 from $2 to before $3 in order of time; at most $4, all where it is null.
SELECT phenomenon_time, datastream_id, result, result_quality, quality_reasons, device_status, receipt_id
FROM observation
WHERE datastream_id = ANY ($1::integer[]) AND phenomenon_time >= $2 AND phenomenon_time < $3
ORDER BY phenomenon_time, datastream_id
LIMIT $4;

-- name: series_hourly
-- Hours of the datastreams $1 that begin from $2 to before $3, both starts of hours; those with observations only.
SELECT bucket, datastream_id, received_n, valid_n, suspect_n, result_mean, result_min, result_max
FROM observation_hourly_between($1::integer[], $2, $3)
ORDER BY bucket, datastream_id;

-- name: series_daily
-- Days of UTC+7 of the datastreams $1 that begin from $2 to before $3, both starts of days; those with observations only.
SELECT bucket, datastream_id, received_n, valid_n, suspect_n, result_mean, result_min, result_max
FROM observation_daily_between($1::integer[], $2, $3)
ORDER BY bucket, datastream_id;

-- name: series_counts
-- In how many steps of its cadence, at its place in $4 (interval[]), each datastream in $1 has an observation, and in how many
-- a valid one; the steps begin at the time at its place in $2 and end before the one in $3. The key gives the steps in order,
-- so that distinct ones cost one comparison each; grouping by them would hash every observation.
SELECT wanted.id AS datastream_id, counted.received_n, counted.valid_n
FROM unnest($1::integer[], $2::timestamptz[], $3::timestamptz[], $4::interval[]) AS wanted (id, since, until, cadence)
CROSS JOIN LATERAL (
    SELECT count(DISTINCT found.step) AS received_n, count(DISTINCT found.step) FILTER (WHERE found.valid) AS valid_n
    FROM (
        SELECT date_bin(wanted.cadence, o.phenomenon_time, wanted.since) AS step, o.result_quality < 4 AS valid
        FROM observation o
        WHERE o.datastream_id = wanted.id AND o.phenomenon_time >= wanted.since AND o.phenomenon_time < wanted.until
    ) AS found
) AS counted;
