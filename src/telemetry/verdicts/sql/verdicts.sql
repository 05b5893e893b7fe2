-- name: verdicts_prefer_indexes
-- Until the end of the transaction.
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true);

-- name: verdicts_standing
-- Verdicts of datastreams $1 in windows $2 whose periods begin from $3 to $4, both included, places of the same length.
SELECT v.id, v.datastream_id, v.averaging, v.period_start, v.verdict, v.reason, v.limit_id, l.unit, l.oxygen_reference, l.lower,
       l.upper, v.split, v.mean, v.minimum, v.minimum_time, v.maximum, v.maximum_time, v.valid_n, v.received_n, v.expected_n
FROM unnest($1::integer[], $2::text[], $3::timestamptz[], $4::timestamptz[]) AS wanted (datastream_id, averaging, first, last)
JOIN verdict v ON v.datastream_id = wanted.datastream_id AND v.averaging = wanted.averaging
              AND v.period_start BETWEEN wanted.first AND wanted.last
JOIN limit_version l ON l.id = v.limit_version_id;

-- name: verdicts_insert
-- New verdicts, columns of the same length: $1 datastream, $2 window, $3 and $4 period, $5 verdict, $6 reason, $7 limit,
-- $8 its version, $9 split, $10 policy, $11 its revision, $12 share, $13 mean, $14 minimum and $15 its time, $16 maximum and
-- $17 its time, $18 valid, $19 received, $20 expected, $21 covered, $22 first and $23 last receipt; for all $24 when.
INSERT INTO verdict (datastream_id, averaging, period_start, period_end, verdict, reason, limit_id, limit_version_id, split,
                     policy_id, policy_revision, minimum_share, mean, minimum, minimum_time, maximum, maximum_time, valid_n,
                     received_n, expected_n, covered_n, first_receipt_id, last_receipt_id, judged_time)
SELECT *, $24::timestamptz
FROM unnest($1::integer[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[], $7::integer[], $8::bigint[],
            $9::boolean[], $10::integer[], $11::integer[], $12::float8[], $13::float8[], $14::float8[], $15::timestamptz[],
            $16::float8[], $17::timestamptz[], $18::integer[], $19::integer[], $20::integer[], $21::integer[], $22::bigint[],
            $23::bigint[]);

-- name: verdicts_keep_former
-- Keeps the verdicts $1 as they are before they change or go, each for its cause $2 with receipt $3, limit $4, policy $5 and
-- person $6, places of the same length; for all $7 when, $8 whether nothing takes their place.
INSERT INTO verdict_former (id, transaction_id, datastream_id, averaging, period_start, period_end, verdict, reason, limit_id,
                            limit_version_id, split, policy_id, policy_revision, minimum_share, mean, minimum, minimum_time,
                            maximum, maximum_time, valid_n, received_n, expected_n, covered_n, first_receipt_id,
                            last_receipt_id, judged_time, replaced_time, cause, cause_receipt_id, cause_limit_id,
                            cause_policy_id, cause_person, withdrawn)
SELECT v.id, pg_current_xact_id(), v.datastream_id, v.averaging, v.period_start, v.period_end, v.verdict, v.reason, v.limit_id,
       v.limit_version_id, v.split, v.policy_id, v.policy_revision, v.minimum_share, v.mean, v.minimum, v.minimum_time,
       v.maximum, v.maximum_time, v.valid_n, v.received_n, v.expected_n, v.covered_n, v.first_receipt_id,
       v.last_receipt_id, v.judged_time, $7, changed.cause, changed.receipt_id, changed.limit_id,
       changed.policy_id, changed.person, $8
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::integer[], $5::integer[], $6::text[])
    AS changed (id, cause, receipt_id, limit_id, policy_id, person)
JOIN verdict v ON v.id = changed.id;

-- name: verdicts_update
-- Verdicts in another state; the parameters of verdicts_insert, by datastream, window and begin of the period.
UPDATE verdict v
SET transaction_id = pg_current_xact_id(), verdict = now.verdict, reason = now.reason, limit_id = now.limit_id,
    limit_version_id = now.limit_version_id, split = now.split, policy_id = now.policy_id, policy_revision = now.policy_revision,
    minimum_share = now.minimum_share, mean = now.mean, minimum = now.minimum, minimum_time = now.minimum_time,
    maximum = now.maximum, maximum_time = now.maximum_time, valid_n = now.valid_n, received_n = now.received_n,
    expected_n = now.expected_n, covered_n = now.covered_n, first_receipt_id = now.first_receipt_id,
    last_receipt_id = now.last_receipt_id, judged_time = $24::timestamptz
FROM unnest($1::integer[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[], $7::integer[], $8::bigint[],
            $9::boolean[], $10::integer[], $11::integer[], $12::float8[], $13::float8[], $14::float8[], $15::timestamptz[],
            $16::float8[], $17::timestamptz[], $18::integer[], $19::integer[], $20::integer[], $21::integer[], $22::bigint[],
            $23::bigint[])
    AS now (datastream_id, averaging, period_start, period_end, verdict, reason, limit_id, limit_version_id, split,
            policy_id, policy_revision, minimum_share, mean, minimum, minimum_time, maximum, maximum_time, valid_n,
            received_n, expected_n, covered_n, first_receipt_id, last_receipt_id)
WHERE v.datastream_id = now.datastream_id AND v.averaging = now.averaging AND v.period_start = now.period_start;

-- name: verdicts_withdraw
-- $1 ids.
DELETE FROM verdict WHERE id = ANY ($1::bigint[]);

-- name: verdicts_by_ids
-- $1 ids.
SELECT * FROM verdict_told WHERE id = ANY ($1::bigint[]) ORDER BY id;

-- name: verdicts_of_periods
-- Of datastreams $1 in windows $2 for periods that begin at $3, places of the same length.
SELECT v.*
FROM unnest($1::integer[], $2::text[], $3::timestamptz[]) AS wanted (datastream_id, averaging, period_start)
JOIN verdict_told v USING (datastream_id, averaging, period_start)
ORDER BY v.period_end, v.id;

-- name: verdicts_plan_anew
-- Until the end of the transaction statements are planned for the parameters that they have.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: verdicts_page
-- Newest period first: of stations $1, symbol $2, window $3, verdict $4, whose periods end after $5 and begin before $6; $7 and
-- $8 end and id before the page, $9 rows.
SELECT *
FROM verdict_told
WHERE ($1::text[] IS NULL OR station = ANY ($1))
  AND ($2::text IS NULL OR symbol = $2)
  AND ($3::text IS NULL OR averaging = $3)
  AND ($4::text IS NULL OR verdict = $4)
  AND ($5::timestamptz IS NULL OR period_end > $5)
  AND ($6::timestamptz IS NULL OR period_start < $6)
  AND ($7::timestamptz IS NULL OR (period_end, id) < ($7, $8::bigint))
ORDER BY period_end DESC, id DESC
LIMIT $9;

-- name: verdicts_former
-- What the verdict $1 was before, oldest first.
SELECT * FROM verdict_former_told WHERE id = $1 ORDER BY former_id;

-- name: verdicts_former_of_period
-- What was said before of the period of datastream $1 in window $2 that begins at $3, oldest first.
SELECT * FROM verdict_former_told WHERE datastream_id = $1 AND averaging = $2 AND period_start = $3 ORDER BY former_id;

-- name: verdicts_feed
-- Verdicts that came to be, changed or went since a position; see core.feeds for $1..$5. The id is the verdict's.
SELECT f.transaction_id::text AS transaction_id, f.id, f.datastream_id, f.averaging, f.period_start, f.period_end, f.verdict,
       f.reason, f.limit_id, l.lower, l.upper, coalesce(l.unit, p.unit) AS unit, f.mean, f.maximum, f.maximum_time, f.minimum,
       f.minimum_time, f.valid_n, f.expected_n, f.judged_time, f.withdrawn
FROM (
    (SELECT transaction_id, id, datastream_id, averaging, period_start, period_end, verdict, reason, limit_id, limit_version_id,
            mean, maximum, maximum_time, minimum, minimum_time, valid_n, expected_n, judged_time, false AS withdrawn
     FROM verdict
     WHERE transaction_id >= pg_snapshot_xmin($1::text::pg_snapshot)
       AND transaction_id < pg_snapshot_xmax($2::text::pg_snapshot)
       AND NOT pg_visible_in_snapshot(transaction_id, $1::text::pg_snapshot)
       AND pg_visible_in_snapshot(transaction_id, $2::text::pg_snapshot)
       AND (transaction_id, id) > ($3::text::xid8, $4::bigint)
     ORDER BY transaction_id, id
     LIMIT $5)
    UNION ALL
    (SELECT transaction_id, id, datastream_id, averaging, period_start, period_end, verdict, reason, limit_id, limit_version_id,
            mean, maximum, maximum_time, minimum, minimum_time, valid_n, expected_n, replaced_time, true
     FROM verdict_former
     WHERE withdrawn
       AND transaction_id >= pg_snapshot_xmin($1::text::pg_snapshot)
       AND transaction_id < pg_snapshot_xmax($2::text::pg_snapshot)
       AND NOT pg_visible_in_snapshot(transaction_id, $1::text::pg_snapshot)
       AND pg_visible_in_snapshot(transaction_id, $2::text::pg_snapshot)
       AND (transaction_id, id) > ($3::text::xid8, $4::bigint)
     ORDER BY transaction_id, id
     LIMIT $5)
) f
JOIN limit_version l ON l.id = f.limit_version_id
JOIN datastream d ON d.id = f.datastream_id
JOIN observed_property p ON p.id = d.observed_property_id
ORDER BY f.transaction_id, f.id
LIMIT $5;

-- name: verdicts_observations
-- The observations of datastream $1 from $2 to before $3 in order of time, at most $4.
SELECT phenomenon_time, result, device_status, result_quality, receipt_id
FROM observation
WHERE datastream_id = $1 AND phenomenon_time >= $2 AND phenomenon_time < $3
ORDER BY phenomenon_time
LIMIT $4;

-- name: verdicts_receipts
-- Receipts $1, received from $2 on.
SELECT id, received_time, channel, source, encode(sha256, 'hex') AS sha256
FROM receipt
WHERE id = ANY ($1::bigint[]) AND received_time >= $2
ORDER BY received_time, id;

-- name: verdicts_beside
-- The same of another property, $2, at the station of datastream $1, from $3 to before $4.
SELECT o.phenomenon_time, o.result, o.result_quality
FROM datastream d
JOIN datastream other ON other.station_id = d.station_id
JOIN observed_property p ON p.id = other.observed_property_id AND p.symbol = $2
JOIN observation o ON o.datastream_id = other.id AND o.phenomenon_time >= $3 AND o.phenomenon_time < $4
WHERE d.id = $1;

-- name: verdicts_streams
-- Datastreams of station $1, of its property $2 or all.
SELECT d.id
FROM datastream d
JOIN station s ON s.id = d.station_id
JOIN observed_property p ON p.id = d.observed_property_id
WHERE s.code = $1 AND ($2::text IS NULL OR p.symbol = $2)
ORDER BY d.id;
