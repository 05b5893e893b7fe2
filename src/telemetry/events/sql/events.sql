-- name: events_append
-- Writes events: types $1, times $2, stations $3, organizations $4, alert kinds $5, severities $6, historical $7, payloads $8.
-- An event of a station that names no organization is its station's organization's. They are numbered in this order.
INSERT INTO event (type, occurred_time, station_id, organization_id, alert_kind, severity, historical, payload)
SELECT e.type, e.occurred_time, e.station_id, coalesce(e.organization_id, s.organization_id), e.alert_kind, e.severity,
       e.historical, e.payload::jsonb
FROM unnest($1::text[], $2::timestamptz[], $3::int[], $4::int[], $5::text[], $6::text[], $7::boolean[], $8::text[])
    WITH ORDINALITY AS e (type, occurred_time, station_id, organization_id, alert_kind, severity, historical, payload, place)
LEFT JOIN station s ON s.id = e.station_id
ORDER BY e.place;

-- name: events_page
-- Events that came to be since a position; see core.feeds for $1..$5.
SELECT transaction_id::text AS transaction_id, id, occurred_time, type, station_id, organization_id, alert_kind, severity, historical,
       payload::text AS payload
FROM event
WHERE transaction_id >= pg_snapshot_xmin($1::text::pg_snapshot)
  AND transaction_id < pg_snapshot_xmax($2::text::pg_snapshot)
  AND NOT pg_visible_in_snapshot(transaction_id, $1::text::pg_snapshot)
  AND pg_visible_in_snapshot(transaction_id, $2::text::pg_snapshot)
  AND (transaction_id, id) > ($3::text::xid8, $4::bigint)
ORDER BY event.transaction_id, event.id
LIMIT $5;

-- name: events_forget
-- Takes out events that occurred before $1 and that every reader has seen; returns how many.
WITH gone AS (
    DELETE FROM event
    WHERE occurred_time < $1
      AND NOT EXISTS (SELECT FROM feed_position p WHERE NOT pg_visible_in_snapshot(event.transaction_id, p.seen))
    RETURNING 1
)
SELECT count(*) FROM gone;
