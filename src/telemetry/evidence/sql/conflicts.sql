-- name: conflict_page
-- Refused values beside the kept ones, newest first: symbol $1, receipt of the refused one $2, received from $3 until before $4,
-- position behind the last one of the page before ($5 received time, $6 id), most rows $7. A filter that is NULL is off. The page
-- is cut before anything is joined to it.
SELECT c.id, c.received_time, s.code AS station, p.symbol, p.unit, c.phenomenon_time,
       c.result, c.device_status, c.receipt_id, c.reading_index,
       o.result AS kept_result, o.device_status AS kept_device_status, o.receipt_id AS kept_receipt_id
FROM (
    SELECT *
    FROM reading_conflict
    WHERE ($1::text IS NULL OR datastream_id IN (
              SELECT d.id FROM datastream d JOIN observed_property p ON p.id = d.observed_property_id WHERE p.symbol = $1))
      AND ($2::bigint IS NULL OR receipt_id = $2)
      AND ($3::timestamptz IS NULL OR received_time >= $3)
      AND ($4::timestamptz IS NULL OR received_time < $4)
      AND ($5::timestamptz IS NULL OR (received_time, id) < ($5, $6::bigint))
    ORDER BY received_time DESC, id DESC
    LIMIT $7
) AS c
JOIN datastream d ON d.id = c.datastream_id
JOIN station s ON s.id = d.station_id
JOIN observed_property p ON p.id = d.observed_property_id
LEFT JOIN observation o ON o.datastream_id = c.datastream_id AND o.phenomenon_time = c.phenomenon_time
ORDER BY c.received_time DESC, c.id DESC;

-- name: conflict_page_of_stations
-- The same of the stations with the codes $8 alone: $1 to $7 as in conflict_page. At most a page is read of each of their
-- datastreams, however many conflicts the others have.
SELECT c.id, c.received_time, c.station, c.symbol, c.unit, c.phenomenon_time,
       c.result, c.device_status, c.receipt_id, c.reading_index,
       o.result AS kept_result, o.device_status AS kept_device_status, o.receipt_id AS kept_receipt_id
FROM (
    SELECT newest.*, s.code AS station, p.symbol, p.unit
    FROM station s
    JOIN datastream d ON d.station_id = s.id
    JOIN observed_property p ON p.id = d.observed_property_id
    CROSS JOIN LATERAL (
        SELECT *
        FROM reading_conflict
        WHERE datastream_id = d.id
          AND ($2::bigint IS NULL OR receipt_id = $2)
          AND ($3::timestamptz IS NULL OR received_time >= $3)
          AND ($4::timestamptz IS NULL OR received_time < $4)
          AND ($5::timestamptz IS NULL OR (received_time, id) < ($5, $6::bigint))
        ORDER BY received_time DESC, id DESC
        LIMIT $7
    ) AS newest
    WHERE s.code = ANY ($8::text[]) AND ($1::text IS NULL OR p.symbol = $1)
    ORDER BY newest.received_time DESC, newest.id DESC
    LIMIT $7
) AS c
LEFT JOIN observation o ON o.datastream_id = c.datastream_id AND o.phenomenon_time = c.phenomenon_time
ORDER BY c.received_time DESC, c.id DESC;
