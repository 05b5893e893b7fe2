-- name: receipt_page
-- Receipts, newest first: channel $1, received from $2 until before $3, fate that at least one reading has $4, position behind
-- the last one of the page before ($5 received time, $6 id), most rows $7. A filter that is NULL is off.
SELECT r.id, r.received_time, s.code AS station, r.channel, r.format, r.source, r.sender, r.sha256, r.raw_encoding,
       r.raw_length, r.stored, r.duplicates, r.conflicts, r.quarantined
FROM receipt r
LEFT JOIN station s ON s.id = r.station_id
WHERE ($1::text IS NULL OR r.channel = $1)
  AND ($2::timestamptz IS NULL OR r.received_time >= $2)
  AND ($3::timestamptz IS NULL OR r.received_time < $3)
  AND ($4::text IS NULL OR CASE $4 WHEN 'stored' THEN r.stored WHEN 'duplicate' THEN r.duplicates
                                   WHEN 'conflict' THEN r.conflicts WHEN 'quarantined' THEN r.quarantined END > 0)
  AND ($5::timestamptz IS NULL OR (r.received_time, r.id) < ($5, $6::bigint))
ORDER BY r.received_time DESC, r.id DESC
LIMIT $7;

-- name: receipt_page_of_stations
-- The same of the stations with the codes $8 alone: $1 to $7 as in receipt_page. At most a page is read of each of them,
-- however many receipts the others have. Where they are many, the newest few of each say how far back a page can reach.
WITH reach AS MATERIALIZED (
    SELECT id, code FROM station WHERE code = ANY ($8::text[])
), bound AS MATERIALIZED (
    SELECT CASE WHEN cardinality($8::text[]) > 8 THEN (
        SELECT sample.received_time
        FROM reach
        CROSS JOIN LATERAL (
            SELECT r.received_time
            FROM receipt r
            WHERE r.station_id = reach.id
              AND ($1::text IS NULL OR r.channel = $1)
              AND ($2::timestamptz IS NULL OR r.received_time >= $2)
              AND ($3::timestamptz IS NULL OR r.received_time < $3)
              AND ($4::text IS NULL OR CASE $4 WHEN 'stored' THEN r.stored WHEN 'duplicate' THEN r.duplicates
                                               WHEN 'conflict' THEN r.conflicts WHEN 'quarantined' THEN r.quarantined END > 0)
              AND ($5::timestamptz IS NULL OR (r.received_time, r.id) < ($5, $6::bigint))
            ORDER BY r.received_time DESC, r.id DESC
            LIMIT least($7, 8 * (($7::bigint - 1) / cardinality($8::text[]) + 1))
        ) AS sample
        ORDER BY sample.received_time DESC
        OFFSET $7 - 1 LIMIT 1
    ) END AS received_time
)
SELECT newest.id, newest.received_time, reach.code AS station, newest.channel, newest.format, newest.source, newest.sender,
       newest.sha256, newest.raw_encoding, newest.raw_length, newest.stored, newest.duplicates, newest.conflicts,
       newest.quarantined
FROM reach
CROSS JOIN LATERAL (
    SELECT r.id, r.received_time, r.channel, r.format, r.source, r.sender, r.sha256, r.raw_encoding, r.raw_length, r.stored,
           r.duplicates, r.conflicts, r.quarantined
    FROM receipt r
    WHERE r.station_id = reach.id
      AND ($1::text IS NULL OR r.channel = $1)
      AND ($2::timestamptz IS NULL OR r.received_time >= $2)
      AND ($3::timestamptz IS NULL OR r.received_time < $3)
      AND ($4::text IS NULL OR CASE $4 WHEN 'stored' THEN r.stored WHEN 'duplicate' THEN r.duplicates
                                       WHEN 'conflict' THEN r.conflicts WHEN 'quarantined' THEN r.quarantined END > 0)
      AND ($5::timestamptz IS NULL OR (r.received_time, r.id) < ($5, $6::bigint))
      AND r.received_time >= coalesce((SELECT received_time FROM bound), '-infinity')
    ORDER BY r.received_time DESC, r.id DESC
    LIMIT $7
) AS newest
ORDER BY newest.received_time DESC, newest.id DESC
LIMIT $7;

-- name: receipt_one
-- The receipt $1, without its bytes.
SELECT r.id, r.received_time, s.code AS station, r.channel, r.format, r.source, r.sender, r.sha256, r.raw_encoding,
       r.raw_length, r.stored, r.duplicates, r.conflicts, r.quarantined, length(r.raw) AS kept_length
FROM receipt r
LEFT JOIN station s ON s.id = r.station_id
WHERE r.id = $1;

-- name: receipt_raw
-- The bytes of the receipt $1 as they came, and what is needed to read them again.
SELECT r.id, r.received_time, r.station_id, s.code AS station, r.channel, r.format, r.source, r.sha256, r.raw, r.raw_encoding,
       r.raw_length
FROM receipt r
LEFT JOIN station s ON s.id = r.station_id
WHERE r.id = $1;

-- name: receipt_verdicts
-- Readings of the receipt $1 that were not simply stored, in the order of the submission; at most $2.
SELECT reading_index, symbol, 'quarantined' AS outcome, reason, field, found, expected, id AS quarantine_id,
       NULL::bigint AS conflict_id, resolution
FROM quarantine
WHERE receipt_id = $1
UNION ALL
SELECT c.reading_index, p.symbol, 'conflict', 'same-time-other-value', 'result', c.result::text, coalesce(o.result::text, ''),
       NULL, c.id, NULL
FROM reading_conflict c
JOIN datastream d ON d.id = c.datastream_id
JOIN observed_property p ON p.id = d.observed_property_id
LEFT JOIN observation o ON o.datastream_id = c.datastream_id AND o.phenomenon_time = c.phenomenon_time
WHERE c.receipt_id = $1
ORDER BY reading_index NULLS FIRST
LIMIT $2;

-- name: receipt_replays
-- The receipts under which readings of the receipt $1 were kept later.
SELECT DISTINCT resolved_receipt_id AS id
FROM quarantine
WHERE receipt_id = $1 AND resolved_receipt_id IS NOT NULL
ORDER BY id;

-- name: receipt_replayed
-- The receipts whose readings were kept under the receipt $1.
SELECT DISTINCT receipt_id AS id FROM quarantine WHERE resolved_receipt_id = $1 ORDER BY id;
