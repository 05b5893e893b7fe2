-- name: ledger_observations
-- Every observation with its receipt, for the comparison with a sender's ledger.
SELECT datastream_id, (extract(epoch FROM phenomenon_time) * 1000000)::bigint AS time_us, result, receipt_id
FROM observation;

-- name: ledger_conflicts
SELECT datastream_id, (extract(epoch FROM phenomenon_time) * 1000000)::bigint AS time_us, result
FROM reading_conflict;

-- name: ledger_receipts
SELECT id, station_id, encode(sha256, 'hex') AS sha256
FROM receipt;

-- name: ledger_quarantine
SELECT receipt_id, reading_index
FROM quarantine;
