-- name: changes_page
-- Receipts that came to be since a position; see core.feeds for $1..$6.
-- The chunks since then hold them all: nobody commits a receipt two weeks after it was received.
SELECT transaction_id::text AS transaction_id, id, received_time, station_id, channel, first_time, last_time, datastream_ids,
       stored, duplicates, conflicts, quarantined
FROM receipt
WHERE received_time > coalesce($6::timestamptz, now()) - INTERVAL '14 days'
  AND transaction_id >= pg_snapshot_xmin($1::text::pg_snapshot)
  AND transaction_id < pg_snapshot_xmax($2::text::pg_snapshot)
  AND NOT pg_visible_in_snapshot(transaction_id, $1::text::pg_snapshot)
  AND pg_visible_in_snapshot(transaction_id, $2::text::pg_snapshot)
  AND (transaction_id, id) > ($3::text::xid8, $4::bigint)
ORDER BY receipt.transaction_id, receipt.id
LIMIT $5;

-- name: changes_observations
-- Observations of datastreams $1 between their times $2 and $3, both included, in order of datastream and time.
SELECT o.datastream_id, o.phenomenon_time, o.result, o.device_status, o.result_quality, o.quality_reasons, o.receipt_id
FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) AS wanted (datastream_id, first_time, last_time)
CROSS JOIN LATERAL (
    SELECT * FROM observation o
    WHERE o.datastream_id = wanted.datastream_id
      AND o.phenomenon_time >= wanted.first_time AND o.phenomenon_time <= wanted.last_time
) o
ORDER BY o.datastream_id, o.phenomenon_time;
