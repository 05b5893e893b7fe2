-- name: episodes_lock
-- Lets one transaction at a time evaluate each of the stations $2, in their order; $1 is the number of these locks.
SELECT pg_advisory_xact_lock($1::int, station) FROM unnest($2::int[]) AS station;

-- name: episodes_readings
-- Observations of datastreams $1 between $2 and $3, both included, with the $4 before and the $4 after each span: for each datastream
-- time, result, status and reasons one row behind the other in the forms of binary COPY, in no order. One value for many rows
-- costs a tenth of the rows themselves. $5 is a time before which nothing is looked for, so that only chunks since then are opened.
SELECT wanted.datastream_id, (
    SELECT string_agg(timestamptz_send(o.phenomenon_time) || float8send(o.result) || int2send(o.device_status)
                      || int4send(o.quality_reasons), ''::bytea)
    FROM (
        (SELECT phenomenon_time, result, device_status, quality_reasons FROM observation o
         WHERE o.datastream_id = wanted.datastream_id AND o.phenomenon_time < wanted.first_time AND o.phenomenon_time >= $5
         ORDER BY o.phenomenon_time DESC LIMIT $4::int)
        UNION ALL
        (SELECT phenomenon_time, result, device_status, quality_reasons FROM observation o
         WHERE o.datastream_id = wanted.datastream_id
           AND o.phenomenon_time >= wanted.first_time AND o.phenomenon_time <= wanted.last_time AND o.phenomenon_time >= $5)
        UNION ALL
        (SELECT phenomenon_time, result, device_status, quality_reasons FROM observation o
         WHERE o.datastream_id = wanted.datastream_id AND o.phenomenon_time > wanted.last_time AND o.phenomenon_time >= $5
         ORDER BY o.phenomenon_time LIMIT $4::int)
    ) o
) AS packed
FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) AS wanted (datastream_id, first_time, last_time);

-- name: episodes_standing_of_datastreams
-- Alerts of datastreams $1 that lie between $2 and $3, but those that never were or became part of others.
SELECT a.*
FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) AS wanted (datastream_id, first_time, last_time)
JOIN alert a ON a.datastream_id = wanted.datastream_id AND a.raised_time <= wanted.last_time
WHERE greatest(coalesce(a.cleared_time, 'infinity'), a.last_time) >= wanted.first_time
  AND (a.cleared_reason IS NULL OR a.cleared_reason IN ('condition', 'by-hand'))
ORDER BY a.datastream_id, a.raised_time;

-- name: episodes_standing_of_stations
-- Alerts of the kind $4 about stations $1 as a whole that lie between $2 and $3, but those that never were.
SELECT a.*
FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) AS wanted (station_id, first_time, last_time)
JOIN alert a ON a.station_id = wanted.station_id AND a.raised_time <= wanted.last_time
WHERE a.datastream_id IS NULL AND a.kind = $4
  AND greatest(coalesce(a.cleared_time, 'infinity'), a.last_time) >= wanted.first_time
  AND (a.cleared_reason IS NULL OR a.cleared_reason IN ('condition', 'by-hand'))
ORDER BY a.station_id, a.raised_time;

-- name: episodes_conflicts_of_receipts
-- Where the receipts $1 with received times from $2 on left a value that differs from the stored one: first and last time.
SELECT datastream_id, min(phenomenon_time) AS first_time, max(phenomenon_time) AS last_time
FROM reading_conflict
WHERE receipt_id = ANY ($1::bigint[]) AND received_time >= $2
GROUP BY datastream_id;

-- name: episodes_conflict_times
-- Times of datastream $1 between $2 and $3 for which it sent several values, with how many, the first of them and its status.
SELECT phenomenon_time, count(*) AS n
FROM reading_conflict
WHERE datastream_id = $1 AND phenomenon_time >= $2 AND phenomenon_time <= $3
GROUP BY phenomenon_time
ORDER BY phenomenon_time;

-- name: episodes_verdicts
-- Verdicts of datastreams $1 on periods that begin between $2 and $3, with the $4 before and the $4 after, by window and in order.
SELECT v.id, v.datastream_id, v.averaging, v.period_start, v.period_end, v.verdict, v.mean, v.valid_n, v.expected_n, l.lower,
       l.upper, coalesce(l.unit, p.unit) AS unit
FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) AS wanted (datastream_id, first_time, last_time)
CROSS JOIN (VALUES ('1h'), ('8h'), ('24h'), ('year')) AS windows (averaging)
CROSS JOIN LATERAL (
    (SELECT * FROM verdict b
     WHERE b.datastream_id = wanted.datastream_id AND b.averaging = windows.averaging AND b.period_start < wanted.first_time
     ORDER BY b.period_start DESC LIMIT $4::int)
    UNION ALL
    (SELECT * FROM verdict b
     WHERE b.datastream_id = wanted.datastream_id AND b.averaging = windows.averaging
       AND b.period_start >= wanted.first_time AND b.period_start <= wanted.last_time)
    UNION ALL
    (SELECT * FROM verdict b
     WHERE b.datastream_id = wanted.datastream_id AND b.averaging = windows.averaging AND b.period_start > wanted.last_time
     ORDER BY b.period_start LIMIT $4::int)
) v
JOIN limit_version l ON l.id = v.limit_version_id
JOIN datastream d ON d.id = v.datastream_id
JOIN observed_property p ON p.id = d.observed_property_id
ORDER BY v.datastream_id, v.averaging, v.period_start;

-- name: episodes_unknown_of_receipts
-- Readings under names that their stations do not know, in quarantine since the receipts $1: station, time as text, received time.
SELECT DISTINCT station_id, phenomenon_time, received_time
FROM quarantine
WHERE receipt_id = ANY ($1::bigint[]) AND reason = 'unknown-symbol' AND station_id IS NOT NULL;

-- name: episodes_unknown_times
-- Times (as text in UTC, which sorts as time does) from $2 to $3 for which station $1 sent names that it does not know, with how
-- many names and one of them.
SELECT phenomenon_time, count(DISTINCT symbol) AS n, min(symbol) AS symbol
FROM quarantine
WHERE station_id = $1 AND reason = 'unknown-symbol'
  AND phenomenon_time COLLATE "C" >= $2 AND phenomenon_time COLLATE "C" <= $3
GROUP BY phenomenon_time;

-- name: episodes_calibrations
-- Accepted calibration windows of datastreams $1 that reach into the span from $2 to $3.
SELECT d.id AS datastream_id, w.begin_time, w.end_time
FROM datastream d
JOIN station_window w ON w.station_id = d.station_id AND (w.datastream_id IS NULL OR w.datastream_id = d.id)
WHERE d.id = ANY ($1::int[]) AND w.kind = 'calibration' AND w.state = 'accepted' AND w.begin_time <= $3 AND w.end_time > $2
ORDER BY d.id, w.begin_time;
