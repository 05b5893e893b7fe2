-- name: intake_next_receipts
-- Takes the next block of receipt numbers: the first of as many as the sequence's increment.
SELECT nextval('receipt_id');

-- name: intake_committed_receipts
-- Which of the receipts $1 (bigint[]) with received times from $2 to $3 are in the table.
SELECT id FROM receipt WHERE id = ANY ($1::bigint[]) AND received_time BETWEEN $2 AND $3;

-- name: intake_create_incoming
-- Readings that may meet rows with the same key; one for each connection, empty at each transaction's end.
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
    phenomenon_time timestamptz NOT NULL,
    result          double precision NOT NULL,
    receipt_id      bigint NOT NULL,
    datastream_id   integer NOT NULL,
    quality_reasons integer NOT NULL,
    device_status   smallint NOT NULL,
    result_quality  smallint NOT NULL,
    ordinal         integer NOT NULL
) ON COMMIT DELETE ROWS;

-- name: intake_insert_incoming
-- Stores what is new, in key order, so that two writers never wait for each other in a circle.
INSERT INTO observation
    (phenomenon_time, result, receipt_id, datastream_id, quality_reasons, device_status, result_quality)
SELECT phenomenon_time, result, receipt_id, datastream_id, quality_reasons, device_status, result_quality
FROM incoming
ORDER BY datastream_id, phenomenon_time
ON CONFLICT DO NOTHING;

-- name: intake_already_there
-- The observations that stand where incoming rows wanted to; $1 and $2 are the first and last phenomenon time of the group.
-- The lateral subquery keeps the planner on one index look-up a row.
SELECT i.ordinal, o.result, o.device_status
FROM incoming i
CROSS JOIN LATERAL (
    SELECT result, device_status, receipt_id
    FROM observation o
    WHERE o.datastream_id = i.datastream_id AND o.phenomenon_time = i.phenomenon_time
      AND o.phenomenon_time BETWEEN $1::timestamptz AND $2::timestamptz
    LIMIT 1
) o
WHERE o.receipt_id <> i.receipt_id;

-- name: intake_insert_conflicts
-- Keeps readings that differ from the stored one: datastream ids $1, times $2, results $3, statuses $4, receipts $5, positions $6,
-- received times $7.
INSERT INTO reading_conflict
    (datastream_id, phenomenon_time, result, device_status, receipt_id, reading_index, received_time)
SELECT * FROM unnest($1::int[], $2::timestamptz[], $3::float8[], $4::smallint[], $5::bigint[], $6::int[], $7::timestamptz[])
ON CONFLICT DO NOTHING;

-- name: intake_lift_decompression_limit
-- For this transaction TimescaleDB may decompress any number of rows; without the extension the setting means nothing.
SELECT set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true);
