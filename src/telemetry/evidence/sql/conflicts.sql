-- name: conflict_page
-- Refused values beside the kept ones, newest first: station code $1, symbol $2, receipt of the refused one $3, received from $4
-- until before $5, position behind the last one of the page before ($6 received time, $7 id), most rows $8.
SELECT c.id, c.received_time, s.code AS station, p.symbol, p.unit, c.phenomenon_time,
       c.result, c.device_status, c.receipt_id, c.reading_index,
       o.result AS kept_result, o.device_status AS kept_device_status, o.receipt_id AS kept_receipt_id
FROM reading_conflict c
JOIN datastream d ON d.id = c.datastream_id
JOIN station s ON s.id = d.station_id
JOIN observed_property p ON p.id = d.observed_property_id
LEFT JOIN observation o ON o.datastream_id = c.datastream_id AND o.phenomenon_time = c.phenomenon_time
WHERE ($1::text IS NULL OR s.code = $1)
  AND ($2::text IS NULL OR p.symbol = $2)
  AND ($3::bigint IS NULL OR c.receipt_id = $3)
  AND ($4::timestamptz IS NULL OR c.received_time >= $4)
  AND ($5::timestamptz IS NULL OR c.received_time < $5)
  AND ($6::timestamptz IS NULL OR (c.received_time, c.id) < ($6, $7::bigint))
ORDER BY c.received_time DESC, c.id DESC
LIMIT $8;
