-- name: judging_lock
-- Whether this transaction is the one that judges; it is until it ends. What is judged by two at once could be judged from
-- the older data last.
SELECT pg_try_advisory_xact_lock(hashtextextended('quantrac.judging', 0));

-- name: judging_lock_waiting
-- The same, once the one that judges has ended.
SELECT pg_advisory_xact_lock(hashtextextended('quantrac.judging', 0));

-- name: judging_progress
SELECT averaging, judged_from, judged_until FROM judging_progress;

-- name: judging_begin
-- Lets the windows $1 begin at $2, places of the same length, unless they have begun.
INSERT INTO judging_progress (averaging, judged_from, judged_until)
SELECT averaging, at, at FROM unnest($1::text[], $2::timestamptz[]) AS begun (averaging, at)
ON CONFLICT DO NOTHING;

-- name: judging_advance
-- The window $1 is judged until $2.
UPDATE judging_progress SET judged_until = $2 WHERE averaging = $1;

-- name: judging_due_append
-- Spans of datastreams $1 from $2 to before $3 are due because of the receipts $4, places of the same length.
INSERT INTO judging_due (datastream_id, begin_time, end_time, cause, receipt_id)
SELECT datastream_id, begin_time, end_time, 'late-data', receipt_id
FROM unnest($1::integer[], $2::timestamptz[], $3::timestamptz[], $4::bigint[])
    AS late (datastream_id, begin_time, end_time, receipt_id);

-- name: judging_due_asked
-- The person $4 asks for the datastreams $1 from $2 to before $3.
INSERT INTO judging_due (datastream_id, begin_time, end_time, cause, person)
SELECT datastream_id, $2::timestamptz, $3::timestamptz, 'asked', $4::text FROM unnest($1::integer[]) AS datastream_id;

-- name: judging_due_page
-- What is due, late data and what was asked for first, at most $1 spans, each not before its datastream was observed nor before $2, and
-- not after $3.
SELECT j.id, j.datastream_id, j.cause, j.receipt_id, j.limit_id, j.policy_id, j.person, j.begin_time,
       LEAST(j.end_time, $3::timestamptz) AS end_time,
       GREATEST(j.begin_time, LEAST($2::timestamptz, o.first_time)) AS since
FROM (SELECT * FROM judging_due ORDER BY (cause IN ('limit-changed', 'policy-changed')), id LIMIT $1) j
LEFT JOIN LATERAL (
    SELECT phenomenon_time AS first_time FROM observation o
    WHERE o.datastream_id = j.datastream_id
    ORDER BY phenomenon_time
    LIMIT 1
) o ON true
ORDER BY (j.cause IN ('limit-changed', 'policy-changed')), j.id;

-- name: judging_due_done
-- $1 ids.
DELETE FROM judging_due WHERE id = ANY ($1::bigint[]);

-- name: judging_due_shorten
-- Of what is due under $1, all before $2 is done.
UPDATE judging_due SET begin_time = $2 WHERE id = $1;

-- name: judging_due_count
SELECT count(*) FROM judging_due;
