-- name: judging_catalog_revision
-- Moves with every change of the catalogue, its limits and the averaging policies.
SELECT revision FROM catalog_revision;

-- name: judging_streams
-- Datastreams that have a limit for an average, and their station's oxygen, whose symbol is $1.
SELECT d.id, d.station_id, s.kind, p.symbol, p.unit, s.cadence_seconds,
       d.status = 'active' AND s.status <> 'retired' AS active,
       coalesce((SELECT o.id FROM datastream o JOIN observed_property q ON q.id = o.observed_property_id
                 WHERE o.station_id = d.station_id AND q.symbol = $1), 0) AS oxygen_stream
FROM datastream d
JOIN station s ON s.id = d.station_id
JOIN observed_property p ON p.id = d.observed_property_id
WHERE EXISTS (SELECT FROM datastream_limit l WHERE l.datastream_id = d.id AND l.averaging <> 'instant')
ORDER BY d.id;

-- name: judging_limits
-- Limits of datastreams that have one for an average, in their newest version; instant ones too, because a permit goes first.
SELECT l.id, v.id AS version, l.datastream_id, l.averaging, l.basis = 'permit' AS permit, l.rule_set_id, l.lower, l.upper, l.unit,
       l.oxygen_reference, l.valid_from, l.valid_to
FROM datastream_limit l
CROSS JOIN LATERAL (SELECT max(id) AS id FROM limit_version WHERE limit_id = l.id) v
WHERE EXISTS (SELECT FROM datastream_limit o WHERE o.datastream_id = l.datastream_id AND o.averaging <> 'instant')
ORDER BY l.datastream_id, l.id;

-- name: judging_policies
SELECT id, rule_set_id, station_kind, averaging, minimum_share, revision FROM averaging_policy ORDER BY id;

-- name: judging_rows
-- What was observed by datastreams $1 from $2 to before $3, places of the same length. No column is ever NULL, so that
-- every row has the same width in binary.
SELECT o.datastream_id, o.phenomenon_time, o.result, o.result_quality, o.receipt_id
FROM unnest($1::integer[], $2::timestamptz[], $3::timestamptz[]) AS wanted (datastream_id, begin_time, end_time)
CROSS JOIN LATERAL (
    SELECT * FROM observation o
    WHERE o.datastream_id = wanted.datastream_id
      AND o.phenomenon_time >= wanted.begin_time AND o.phenomenon_time < wanted.end_time
    ORDER BY o.phenomenon_time
) o;

-- name: judging_rows_together
-- The same for datastreams $1 that are asked about from $2 to before $3, all of them.
SELECT datastream_id, phenomenon_time, result, result_quality, receipt_id
FROM observation
WHERE datastream_id = ANY ($1::integer[]) AND phenomenon_time >= $2::timestamptz AND phenomenon_time < $3::timestamptz;

-- name: judging_hours
-- Hours of the datastream $1 from $2 to before $3, from the hourly aggregate.
SELECT bucket, received_n, valid_n, result_mean, result_min, result_max
FROM observation_hourly_between(ARRAY[$1::integer], $2, $3)
ORDER BY bucket;

-- name: judging_aggregated
-- Whether the hourly aggregate is kept by TimescaleDB, and may lie behind the observations.
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb');

-- name: judging_refreshed
-- TimescaleDB only. When the newest refresh of the hourly aggregate began; NULL where it did not end well, or not yet.
SELECT s.last_run_started_at
FROM timescaledb_information.continuous_aggregates a
JOIN timescaledb_information.job_stats s ON s.hypertable_name = a.materialization_hypertable_name
JOIN timescaledb_information.jobs j ON j.job_id = s.job_id
WHERE a.view_name = 'observation_hourly' AND j.proc_name = 'policy_refresh_continuous_aggregate'
  AND s.last_run_status = 'Success' AND s.last_successful_finish >= s.last_run_started_at;

-- name: judging_lately_stored
-- Spans that receipts of the station of datastream $1 stored something in since $2.
SELECT r.first_time, r.last_time
FROM receipt r
JOIN datastream d ON d.id = $1::integer
WHERE (r.station_id = d.station_id OR (r.station_id IS NULL AND d.id = ANY (r.datastream_ids)))
  AND r.received_time >= $2 AND r.first_time IS NOT NULL;
