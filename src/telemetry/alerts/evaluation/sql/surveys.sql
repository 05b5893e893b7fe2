-- name: surveys_lags
-- For each station and each of its cadences since $1: when it first sent, and by how many seconds its freshest readings were behind
-- our clock. What is replayed was received long ago.
SELECT r.station_id, min(r.received_time) AS received_time,
       min(extract(epoch FROM r.received_time - coalesce(r.last_time, c.phenomenon_time)))::float8 AS lag
FROM receipt r
JOIN station s ON s.id = r.station_id
LEFT JOIN LATERAL (
    SELECT max(phenomenon_time) AS phenomenon_time FROM reading_conflict
    WHERE receipt_id = r.id AND r.conflicts > 0 AND r.last_time IS NULL
) c ON true
WHERE r.received_time > $1 AND r.channel <> 'replay' AND s.status = 'active'
  AND coalesce(r.last_time, c.phenomenon_time) IS NOT NULL
GROUP BY r.station_id, floor(extract(epoch FROM r.received_time) / s.cadence_seconds)
ORDER BY r.station_id, min(r.received_time);

-- name: surveys_ahead
-- Receipts since $1 of which readings stay out because their time is ahead of our clock, with the latest of these times as text.
SELECT station_id, received_time, max(phenomenon_time COLLATE "C") AS phenomenon_time
FROM quarantine
WHERE received_time > $1 AND reason = 'in-future' AND station_id IS NOT NULL
GROUP BY station_id, receipt_id, received_time
ORDER BY station_id, received_time;

-- name: surveys_quarantined
-- How many open readings each station has in quarantine that were received since $1; without a station NULL.
SELECT station_id, count(*) AS n FROM quarantine WHERE resolved_time IS NULL AND received_time > $1 GROUP BY station_id;

-- name: surveys_readers
-- When each reader of a feed last noted where it stands.
SELECT reader, moved_time FROM feed_position;

-- name: surveys_timescale
-- Whether the database has background jobs.
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb');

-- name: surveys_jobs
-- Background jobs with their intervals and when each last succeeded or is to begin.
-- TimescaleDB only.
SELECT concat_ws(' ', j.proc_name, j.hypertable_name) AS job, extract(epoch FROM j.schedule_interval)::float8 AS seconds,
       nullif(s.last_successful_finish, '-infinity') AS succeeded, nullif(s.next_start, '-infinity') AS next_start,
       coalesce(s.total_failures, 0) AS failures
FROM timescaledb_information.jobs j
LEFT JOIN timescaledb_information.job_stats s USING (job_id)
WHERE j.scheduled AND j.job_id >= 1000
ORDER BY j.job_id;

-- name: surveys_latest
-- When the newest alert of kind $1 that is over ended, by station, and when a person closed it.
SELECT DISTINCT ON (station_id) station_id, greatest(raised_time, cleared_time) AS ended,
       CASE WHEN cleared_reason = 'by-hand' THEN closed_time END AS closed
FROM alert
WHERE kind = $1 AND cleared_reason IN ('condition', 'by-hand')
ORDER BY station_id, raised_time DESC;
