-- name: streaming_newest
-- The newest observation that each receipt $1 stored of each datastream $2, no more than an hour before the receipt's last
-- time $4 and not before its first $3; times that none of them goes beyond are $5 and $6.
SELECT wanted.receipt_id, o.datastream_id, o.phenomenon_time, o.result, o.device_status, o.result_quality, o.quality_reasons
FROM unnest($1::bigint[], $2::int[], $3::timestamptz[], $4::timestamptz[]) AS wanted (receipt_id, datastream_id, first_time, last_time)
CROSS JOIN LATERAL (
    SELECT * FROM observation o
    WHERE o.datastream_id = wanted.datastream_id AND o.receipt_id = wanted.receipt_id
      AND o.phenomenon_time >= greatest(wanted.first_time, wanted.last_time - INTERVAL '1 hour')
      AND o.phenomenon_time <= wanted.last_time
      AND o.phenomenon_time >= $5 AND o.phenomenon_time <= $6
    ORDER BY o.phenomenon_time DESC LIMIT 1
) o
ORDER BY wanted.receipt_id, o.datastream_id;

-- name: streaming_stations_of
-- The stations of an organization $1 with the organization's id; one row without a station where it has none.
SELECT o.id AS organization_id, s.id AS station_id
FROM organization o LEFT JOIN station s ON s.organization_id = o.id
WHERE o.code = $1;
