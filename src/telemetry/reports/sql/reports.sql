-- name: reports_hours
-- Hours of the datastreams $1 that begin from $2 to before $3, both starts of hours; those with observations only. Their begin is
-- in seconds since the Unix epoch, and what has no valid observation has NaN.
SELECT datastream_id, date_part('epoch', bucket), received_n, valid_n, coalesce(result_mean, 'NaN'), coalesce(result_min, 'NaN'),
       coalesce(result_max, 'NaN')
FROM observation_hourly_between($1::integer[], $2, $3);

-- name: reports_windows
-- Accepted windows of maintenance and calibration of the stations $1 that touch the time from $2 to before $3.
SELECT id, kind, station_id, datastream_id, begin_time, end_time
FROM station_window
WHERE station_id = ANY ($1::integer[]) AND state = 'accepted' AND begin_time < $3 AND end_time > $2
ORDER BY begin_time, id;

-- name: reports_last_before
-- When each station whose datastreams stand in $1, with the station of each in $2, was last observed before $3 and not before $4.
SELECT wanted.station_id, max(newest.phenomenon_time) AS last_time
FROM unnest($1::integer[], $2::integer[]) AS wanted (id, station_id)
CROSS JOIN LATERAL (
    SELECT o.phenomenon_time
    FROM observation o
    WHERE o.datastream_id = wanted.id AND o.phenomenon_time < $3 AND o.phenomenon_time >= $4
    ORDER BY o.phenomenon_time DESC
    LIMIT 1
) AS newest
GROUP BY wanted.station_id;

-- name: reports_first_after
-- When each station whose datastreams stand in $1, with the station of each in $2, was first observed at $3 or later, before $4.
SELECT wanted.station_id, min(oldest.phenomenon_time) AS first_time
FROM unnest($1::integer[], $2::integer[]) AS wanted (id, station_id)
CROSS JOIN LATERAL (
    SELECT o.phenomenon_time
    FROM observation o
    WHERE o.datastream_id = wanted.id AND o.phenomenon_time >= $3 AND o.phenomenon_time < $4
    ORDER BY o.phenomenon_time
    LIMIT 1
) AS oldest
GROUP BY wanted.station_id;

-- name: reports_silences
-- Of the silences between the times $2 and $3, both excluded, what is left when the datastream in $1 is heard too: spans
-- without its observations that are longer than $4 (interval[]). The place among the arguments comes with each.
SELECT wanted.place, heard.since, heard.until
FROM unnest($1::integer[], $2::timestamptz[], $3::timestamptz[], $4::interval[])
     WITH ORDINALITY AS wanted (id, since, until, longest, place)
CROSS JOIN LATERAL (
    SELECT lag(o.phenomenon_time, 1, wanted.since) OVER (ORDER BY o.phenomenon_time) AS since, o.phenomenon_time AS until
    FROM observation o
    WHERE o.datastream_id = wanted.id AND o.phenomenon_time > wanted.since AND o.phenomenon_time < wanted.until
    UNION ALL
    SELECT coalesce((
        SELECT max(o.phenomenon_time)
        FROM observation o
        WHERE o.datastream_id = wanted.id AND o.phenomenon_time > wanted.since AND o.phenomenon_time < wanted.until
    ), wanted.since), wanted.until
) AS heard
WHERE heard.until - heard.since > wanted.longest
ORDER BY wanted.place, heard.since;

-- name: reports_outage_alerts
-- Alerts of lost connections of the stations $1 that touch the time from $2 to before $3; what is part of another is left out.
SELECT id, station_id, raised_time, cleared_time
FROM alert
WHERE kind = 'lost-connection' AND station_id = ANY ($1::integer[]) AND raised_time < $3
  AND (cleared_time IS NULL OR cleared_time > $2) AND cleared_reason IS DISTINCT FROM 'merged'
ORDER BY raised_time, id;

-- name: reports_organization
-- The organization with the code $1, and its stations.
SELECT o.id, array_agg(s.id) FILTER (WHERE s.id IS NOT NULL) AS stations
FROM organization o
LEFT JOIN station s ON s.organization_id = o.id
WHERE o.code = $1
GROUP BY o.id;

-- name: reports_exceedances
-- Verdicts `exceeded` of the datastreams $1 on periods that end after $2 and not after $3, with the limit as it was when it was
-- judged by, and how often each was judged otherwise before.
SELECT v.id, v.datastream_id, v.averaging, v.period_start, v.period_end, v.mean, v.minimum, v.minimum_time, v.maximum, v.maximum_time,
       v.valid_n, v.received_n, v.expected_n, v.minimum_share, v.judged_time, l.lower, l.upper, l.unit, l.rule_set, l.basis,
       l.legal_source, l.verified,
       (SELECT count(*) FROM verdict_former f
        WHERE f.datastream_id = v.datastream_id AND f.averaging = v.averaging AND f.period_start = v.period_start) AS former_n
FROM verdict v
JOIN limit_version l ON l.id = v.limit_version_id
WHERE v.datastream_id = ANY ($1::integer[]) AND v.verdict = 'exceeded' AND v.period_end > $2 AND v.period_end <= $3
ORDER BY v.period_end, v.id;

-- name: reports_judged
-- How many verdicts of each kind the datastreams $1 have on periods that end after $2 and not after $3.
SELECT verdict, count(*) AS verdict_n
FROM verdict
WHERE datastream_id = ANY ($1::integer[]) AND period_end > $2 AND period_end <= $3
GROUP BY verdict;
