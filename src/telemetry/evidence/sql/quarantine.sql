-- name: quarantine_page
-- Quarantined readings, newest first: reason $1, symbol as sent $2, receipt $3, received from $4 until before $5, state $6 (open,
-- resolved, NULL for both), position behind the last one of the page before ($7 received time, $8 id), most rows $9. A filter
-- that is NULL is off.
SELECT q.id, q.receipt_id, q.received_time, s.code AS station, q.reading_index, q.symbol, q.value, q.unit, q.phenomenon_time,
       q.device_status, q.reason, q.field, q.found, q.expected, q.resolved_time, q.resolution, q.resolved_receipt_id,
       q.resolved_note
FROM quarantine q
LEFT JOIN station s ON s.id = q.station_id
WHERE ($1::text IS NULL OR q.reason = $1)
  AND ($2::text IS NULL OR q.symbol = $2)
  AND ($3::bigint IS NULL OR q.receipt_id = $3)
  AND ($4::timestamptz IS NULL OR q.received_time >= $4)
  AND ($5::timestamptz IS NULL OR q.received_time < $5)
  AND ($6::text IS NULL OR ($6 = 'open') = (q.resolved_time IS NULL))
  AND ($7::timestamptz IS NULL OR (q.received_time, q.id) < ($7, $8::bigint))
ORDER BY q.received_time DESC, q.id DESC
LIMIT $9;

-- name: quarantine_page_of_stations
-- The same of the stations with the codes $10 alone: $1 to $9 as in quarantine_page. At most a page is read of each of them,
-- however many the others have. Where they are many, the newest few of each say how far back a page can reach.
WITH reach AS MATERIALIZED (
    SELECT id, code FROM station WHERE code = ANY ($10::text[])
), bound AS MATERIALIZED (
    SELECT CASE WHEN cardinality($10::text[]) > 8 THEN (
        SELECT sample.received_time
        FROM reach
        CROSS JOIN LATERAL (
            SELECT received_time
            FROM quarantine
            WHERE station_id = reach.id
              AND ($1::text IS NULL OR reason = $1)
              AND ($2::text IS NULL OR symbol = $2)
              AND ($3::bigint IS NULL OR receipt_id = $3)
              AND ($4::timestamptz IS NULL OR received_time >= $4)
              AND ($5::timestamptz IS NULL OR received_time < $5)
              AND ($6::text IS NULL OR ($6 = 'open') = (resolved_time IS NULL))
              AND ($7::timestamptz IS NULL OR (received_time, id) < ($7, $8::bigint))
            ORDER BY received_time DESC, id DESC
            LIMIT least($9, 8 * (($9::bigint - 1) / cardinality($10::text[]) + 1))
        ) AS sample
        ORDER BY sample.received_time DESC
        OFFSET $9 - 1 LIMIT 1
    ) END AS received_time
)
SELECT q.id, q.receipt_id, q.received_time, reach.code AS station, q.reading_index, q.symbol, q.value, q.unit, q.phenomenon_time,
       q.device_status, q.reason, q.field, q.found, q.expected, q.resolved_time, q.resolution, q.resolved_receipt_id,
       q.resolved_note
FROM reach
CROSS JOIN LATERAL (
    SELECT *
    FROM quarantine
    WHERE station_id = reach.id
      AND ($1::text IS NULL OR reason = $1)
      AND ($2::text IS NULL OR symbol = $2)
      AND ($3::bigint IS NULL OR receipt_id = $3)
      AND ($4::timestamptz IS NULL OR received_time >= $4)
      AND ($5::timestamptz IS NULL OR received_time < $5)
      AND ($6::text IS NULL OR ($6 = 'open') = (resolved_time IS NULL))
      AND ($7::timestamptz IS NULL OR (received_time, id) < ($7, $8::bigint))
      AND received_time >= coalesce((SELECT received_time FROM bound), '-infinity')
    ORDER BY received_time DESC, id DESC
    LIMIT $9
) AS q
ORDER BY q.received_time DESC, q.id DESC
LIMIT $9;

-- name: quarantine_one
SELECT q.id, q.receipt_id, q.received_time, s.code AS station, q.reading_index, q.symbol, q.value, q.unit, q.phenomenon_time,
       q.device_status, q.reason, q.field, q.found, q.expected, q.resolved_time, q.resolution, q.resolved_receipt_id,
       q.resolved_note
FROM quarantine q
LEFT JOIN station s ON s.id = q.station_id
WHERE q.id = $1;

-- name: quarantine_dismiss
-- Closes the open reading $1 with the note $2; no row when it is not open.
UPDATE quarantine SET resolved_time = now(), resolution = 'dismissed', resolved_note = $2
WHERE id = $1 AND resolved_time IS NULL
RETURNING id;

-- name: quarantine_resolve
-- Closes those of the open readings $1 (bigint[]) that were kept under the receipt $2, with the note $3; returns them.
UPDATE quarantine SET resolved_time = now(), resolution = 'replayed', resolved_receipt_id = $2, resolved_note = $3
WHERE id = ANY ($1::bigint[]) AND resolved_time IS NULL
RETURNING id;

-- name: quarantine_receipts
-- Receipts that have open readings, by number: station codes $1, reason $2, symbol as sent $3, receipt $4, received from $5 until
-- before $6, reading $7, receipts after $8 only, at most $9. A filter that is NULL is off.
SELECT q.receipt_id, array_agg(q.id ORDER BY q.id) AS ids
FROM quarantine q
WHERE q.resolved_time IS NULL
  AND ($1::text[] IS NULL OR q.station_id = ANY (ARRAY(SELECT id FROM station WHERE code = ANY ($1))))
  AND ($2::text IS NULL OR q.reason = $2)
  AND ($3::text IS NULL OR q.symbol = $3)
  AND ($4::bigint IS NULL OR q.receipt_id = $4)
  AND ($5::timestamptz IS NULL OR q.received_time >= $5)
  AND ($6::timestamptz IS NULL OR q.received_time < $6)
  AND ($7::bigint IS NULL OR q.id = $7)
  AND q.receipt_id > $8
GROUP BY q.receipt_id
ORDER BY q.receipt_id
LIMIT $9;

-- name: quarantine_open_of_receipt
-- The open readings among $1 (bigint[]), with their position and their text as sent.
SELECT id, reading_index, symbol, reason, field, found, expected
FROM quarantine
WHERE id = ANY ($1::bigint[]) AND resolved_time IS NULL
ORDER BY reading_index NULLS FIRST, id;

-- name: quarantine_open_count
-- How many readings are open: filters $1 to $7 as in quarantine_receipts.
SELECT count(*)
FROM quarantine q
WHERE q.resolved_time IS NULL
  AND ($1::text[] IS NULL OR q.station_id = ANY (ARRAY(SELECT id FROM station WHERE code = ANY ($1))))
  AND ($2::text IS NULL OR q.reason = $2)
  AND ($3::text IS NULL OR q.symbol = $3)
  AND ($4::bigint IS NULL OR q.receipt_id = $4)
  AND ($5::timestamptz IS NULL OR q.received_time >= $5)
  AND ($6::timestamptz IS NULL OR q.received_time < $6)
  AND ($7::bigint IS NULL OR q.id = $7);

-- name: quarantine_observations
-- What already stands at the keys of datastreams $1 (int[]) and times $2 (timestamptz[]), by position in the arrays from 1.
SELECT k.position, o.result, o.device_status
FROM unnest($1::int[], $2::timestamptz[]) WITH ORDINALITY AS k (datastream_id, phenomenon_time, position)
JOIN observation o ON o.datastream_id = k.datastream_id AND o.phenomenon_time = k.phenomenon_time;
