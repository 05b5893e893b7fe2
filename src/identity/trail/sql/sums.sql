-- name: sums_lock
-- Whether this transaction is the one that sums up; it is until it ends.
SELECT pg_try_advisory_xact_lock(hashtextextended('quantrac.trail.sums', 0));

-- name: sums_transactions
-- The oldest transaction that is under way, and the one that would be next.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS oldest, pg_snapshot_xmax(pg_current_snapshot())::text AS next;

-- name: sums_newest
-- The newest day that was summed up.
SELECT max(day) AS day FROM audit_digest WHERE late_receipts IS NULL;

-- name: sums_first_receipt
-- When the first receipt came.
SELECT received_time FROM receipt ORDER BY received_time, id LIMIT 1;

-- name: sums_receipts
-- Receipts that came from $1 until before $2, but for those with a number in $3; of those in $4 only, where that is not NULL; and
-- what is committed as these are read. One row with NULLs where there are none.
SELECT s.seen, r.id, r.received_time, r.station_id, r.datastream_ids, r.stored, r.first_time, r.last_time
FROM (SELECT pg_current_snapshot()::text AS seen) s
LEFT JOIN receipt r
  ON r.received_time >= $1 AND r.received_time < $2 AND r.id <> ALL ($3::bigint[]) AND ($4::bigint[] IS NULL OR r.id = ANY ($4))
ORDER BY r.id;

-- name: sums_late
-- Receipts that came from $1 until before $2 and were not committed yet when the newest digest was made.
SELECT r.id, r.received_time
FROM receipt r,
     (SELECT seen FROM audit_digest ORDER BY id DESC LIMIT 1) d
WHERE r.transaction_id >= pg_snapshot_xmin(d.seen)
  AND NOT pg_visible_in_snapshot(r.transaction_id, d.seen)
  AND pg_snapshot_xmax(d.seen) <= pg_snapshot_xmax(pg_current_snapshot())
  AND r.received_time >= $1 AND r.received_time < $2
ORDER BY r.id;

-- name: sums_of_receipts
-- By station, the receipts that came from $1 until before $2 and have a number in $3, in the order of their numbers: number,
-- microseconds of arrival, channel, format, source, sender, the SHA-256 of the whole and of the bytes that are kept, encoding,
-- length, counts of stored, duplicate, conflicting and quarantined readings, microseconds of the first and the last one that was
-- stored, datastreams. Text is written as in an entry's hash.
SELECT coalesce(station_id, 0) AS part, count(*)::integer AS n, sha256(string_agg(convert_to(
           (SELECT string_agg(coalesce(octet_length(field) || ':' || field, '-') || ',', '' ORDER BY place)
            FROM unnest(ARRAY[
                id::text, (extract(epoch FROM received_time) * 1000000)::bigint::text, channel, format, source, sender,
                encode(r.sha256, 'hex'), encode(sha256(raw), 'hex'), raw_encoding, raw_length::text, stored::text, duplicates::text,
                conflicts::text, quarantined::text, (extract(epoch FROM first_time) * 1000000)::bigint::text,
                (extract(epoch FROM last_time) * 1000000)::bigint::text, array_to_string(datastream_ids, ' ')
            ]) WITH ORDINALITY AS f (field, place)), 'UTF8'), ''::bytea ORDER BY id)) AS sha256
FROM receipt r
WHERE received_time >= $1 AND received_time < $2 AND id IN (SELECT unnest($3::bigint[]))
GROUP BY 1;

-- name: sums_of_observations
-- By datastream, the observations of the datastreams $1 from $2 to $3 that came with the receipts $4, in the order of their times;
-- each 32 bytes, most significant first: microseconds since 2000-01-01T00:00:00Z (8), result as IEEE 754 (8), receipt (8), quality
-- reasons (4), device status (2), quality (2).
SELECT datastream_id AS part, count(*)::integer AS n, sha256(string_agg(
           timestamptz_send(phenomenon_time) || float8send(result) || int8send(receipt_id) || int4send(quality_reasons)
           || int2send(device_status) || int2send(result_quality), ''::bytea ORDER BY phenomenon_time)) AS sha256
FROM observation
WHERE datastream_id = ANY ($1::integer[]) AND phenomenon_time >= $2 AND phenomenon_time <= $3 AND receipt_id IN (SELECT unnest($4::bigint[]))
GROUP BY 1;

-- name: sums_of_observations_apart
-- As above, where they lie in several spans, from $5 to $6 each, between $2 and $3.
SELECT o.datastream_id AS part, count(*)::integer AS n, sha256(string_agg(
           timestamptz_send(o.phenomenon_time) || float8send(o.result) || int8send(o.receipt_id) || int4send(o.quality_reasons)
           || int2send(o.device_status) || int2send(o.result_quality), ''::bytea ORDER BY o.phenomenon_time)) AS sha256
FROM unnest($5::timestamptz[], $6::timestamptz[]) AS span (first, last)
JOIN observation o ON o.phenomenon_time >= span.first AND o.phenomenon_time <= span.last
WHERE o.datastream_id = ANY ($1::integer[]) AND o.phenomenon_time >= $2 AND o.phenomenon_time <= $3
  AND o.receipt_id IN (SELECT unnest($4::bigint[]))
GROUP BY 1;

-- name: sums_streams
-- Every datastream with its station.
SELECT id, station_id FROM datastream ORDER BY id;

-- name: sums_rows
-- Observations of the datastream $1 from $2 to $3 that came with the receipts $4, in the order of their times.
SELECT phenomenon_time, result, device_status, receipt_id
FROM observation
WHERE datastream_id = $1 AND phenomenon_time >= $2 AND phenomenon_time <= $3 AND receipt_id IN (SELECT unnest($4::bigint[]))
ORDER BY phenomenon_time;

-- name: sums_of_conflicts
-- By datastream, the conflicts that came from $1 until before $2 with the receipts $3, in the order of their times, results and
-- statuses; each as an observation without its quality, then its position in the receipt (4) and microseconds of arrival (8).
SELECT datastream_id AS part, count(*)::integer AS n, sha256(string_agg(
           timestamptz_send(phenomenon_time) || float8send(result) || int8send(receipt_id) || int2send(device_status)
           || int4send(reading_index) || timestamptz_send(received_time), ''::bytea
           ORDER BY phenomenon_time, result, device_status)) AS sha256
FROM reading_conflict
WHERE received_time >= $1 AND received_time < $2 AND receipt_id IN (SELECT unnest($3::bigint[]))
GROUP BY 1;

-- name: sums_of_quarantine
-- By station, the entries of quarantine that came from $1 until before $2 with the receipts $3, in the order of their ids; what
-- was sent and why it was not stored, as text in the order of the columns. What is decided later is told by the trail itself.
SELECT coalesce(station_id, 0) AS part, count(*)::integer AS n, sha256(string_agg(convert_to(
           (SELECT string_agg(coalesce(octet_length(member) || ':' || member, '-') || ',', '' ORDER BY place)
            FROM unnest(ARRAY[
                id::text, receipt_id::text, reading_index::text, symbol, value, unit, phenomenon_time, device_status, reason, field,
                found, expected
            ]) WITH ORDINALITY AS f (member, place)), 'UTF8'), ''::bytea ORDER BY id)) AS sha256
FROM quarantine
WHERE received_time >= $1 AND received_time < $2 AND receipt_id IN (SELECT unnest($3::bigint[]))
GROUP BY 1;

-- name: sums_note
-- Notes a digest: day $1, late receipts $2, how many receipts $3, observations $4, conflicts $5 and entries of quarantine $6, root
-- $7, seen by the snapshot $8.
INSERT INTO audit_digest (day, late_receipts, receipts_n, observations_n, conflicts_n, quarantined_n, root, seen)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::pg_snapshot)
RETURNING id;

-- name: sums_note_leaves
-- The leaves of the digest $1: kinds $2, parts $3, counts $4, hashes $5.
INSERT INTO audit_leaf (digest_id, kind, part, n, sha256)
SELECT $1, * FROM unnest($2::text[], $3::integer[], $4::integer[], $5::bytea[]);

-- name: sums_digests
-- Digests of the days $1 to $2, with what their entries in the trail say of them; NULL is open.
SELECT d.id, d.day, d.late_receipts, d.root, e.number, (e.after ->> 'root') AS root_said
FROM audit_digest d
LEFT JOIN audit_entry e ON e.relation = 'audit_digest' AND e.subject = d.day::text AND (e.after ->> 'id')::integer = d.id
WHERE ($1::date IS NULL OR d.day >= $1) AND ($2::date IS NULL OR d.day <= $2)
ORDER BY d.day, d.id;

-- name: sums_lost
-- Entries of digests that are not there any more, of the days $1 to $2; NULL is open.
SELECT e.number, e.subject
FROM audit_entry e
WHERE e.relation = 'audit_digest'
  AND ($1::date IS NULL OR e.subject >= $1::text) AND ($2::date IS NULL OR e.subject <= $2::text)
  AND NOT EXISTS (SELECT FROM audit_digest d WHERE d.id = (e.after ->> 'id')::integer AND d.day::text = e.subject)
ORDER BY e.number;

-- name: sums_leaves
-- The leaves of the digest $1.
SELECT kind, part, n, sha256 FROM audit_leaf WHERE digest_id = $1;

-- name: sums_broken_receipts
-- Which of the receipts of the station $1 (0: of none) that came from $2 until before $3 have bytes that are not those whose
-- SHA-256 was noted when they came.
SELECT id
FROM receipt
WHERE received_time >= $2 AND received_time < $3 AND coalesce(station_id, 0) = $1
  AND length(raw) = raw_length AND sha256(raw) <> sha256
ORDER BY id;

-- name: sums_strays
-- Observations from $1 until before $2 whose receipt does not cover them, or is not there; most rows $3. Receipts that came long
-- after are looked up one by one.
WITH near AS MATERIALIZED (
    SELECT id, station_id, datastream_ids, first_time, last_time
    FROM receipt
    WHERE received_time >= $1::timestamptz - INTERVAL '1 hour' AND received_time < $2::timestamptz + INTERVAL '1 day'
), doubtful AS MATERIALIZED (
    SELECT o.datastream_id, o.phenomenon_time, o.receipt_id, d.station_id
    FROM observation o
    JOIN datastream d ON d.id = o.datastream_id
    LEFT JOIN near r ON r.id = o.receipt_id
    WHERE o.phenomenon_time >= $1 AND o.phenomenon_time < $2
      AND ((r.first_time IS NULL OR o.phenomenon_time BETWEEN r.first_time AND r.last_time)
           AND (r.station_id = d.station_id OR r.station_id IS NULL AND (r.datastream_ids IS NULL OR d.id = ANY (r.datastream_ids)))
           AND r.id IS NOT NULL) IS NOT TRUE
)
SELECT x.datastream_id, x.phenomenon_time, x.receipt_id
FROM doubtful x
WHERE NOT EXISTS (
    SELECT FROM receipt r
    WHERE r.id = x.receipt_id
      AND (r.first_time IS NULL OR x.phenomenon_time BETWEEN r.first_time AND r.last_time)
      AND (r.station_id = x.station_id
           OR r.station_id IS NULL AND (r.datastream_ids IS NULL OR x.datastream_id = ANY (r.datastream_ids)))
)
ORDER BY x.phenomenon_time, x.datastream_id
LIMIT $3;

-- name: sums_span
-- Times of the first and the last observation.
SELECT (SELECT phenomenon_time FROM observation ORDER BY phenomenon_time LIMIT 1) AS first,
       (SELECT phenomenon_time FROM observation ORDER BY phenomenon_time DESC LIMIT 1) AS last;
