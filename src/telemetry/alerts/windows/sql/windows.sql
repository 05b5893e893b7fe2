-- name: windows_page
-- Windows by beginning, latest first. $1 stations, $2 kind, $3 state, $4 and $5 span that they overlap, $6 and $7 time and id before
-- the page, $8 rows; NULL does not restrict.
SELECT w.*, s.code AS station, p.symbol
FROM station_window w
JOIN station s ON s.id = w.station_id
LEFT JOIN datastream d ON d.id = w.datastream_id
LEFT JOIN observed_property p ON p.id = d.observed_property_id
WHERE ($1::text[] IS NULL OR s.code = ANY ($1))
  AND ($2::text IS NULL OR w.kind = $2)
  AND ($3::text IS NULL OR w.state = $3)
  AND ($4::timestamptz IS NULL OR w.end_time > $4)
  AND ($5::timestamptz IS NULL OR w.begin_time < $5)
  AND ($6::timestamptz IS NULL OR (w.begin_time, w.id) < ($6, $7::int))
ORDER BY w.begin_time DESC, w.id DESC
LIMIT $8;

-- name: window_by_id
-- One window. $1 id.
SELECT w.*, s.code AS station, p.symbol
FROM station_window w
JOIN station s ON s.id = w.station_id
LEFT JOIN datastream d ON d.id = w.datastream_id
LEFT JOIN observed_property p ON p.id = d.observed_property_id
WHERE w.id = $1;

-- name: windows_serialize
-- Lets windows of one station be asked for and accepted one after the other. $1 station.
SELECT pg_advisory_xact_lock(hashtextextended('quantrac.windows', $1::int));

-- name: windows_overlapping
-- Ids of windows that were asked for or accepted and share time and subject: $1 kind, $2 station, $3 datastream or NULL, $4 begin,
-- $5 end, $6 a window that does not count.
SELECT id FROM station_window
WHERE kind = $1 AND station_id = $2 AND state IN ('requested', 'accepted')
  AND ($3::int IS NULL OR datastream_id IS NULL OR datastream_id = $3)
  AND begin_time < $5 AND end_time > $4 AND id <> $6
ORDER BY id;

-- name: windows_datastream
-- The datastream of a symbol at a station. $1 station, $2 symbol.
SELECT d.id FROM datastream d
JOIN observed_property p ON p.id = d.observed_property_id
WHERE d.station_id = $1 AND p.symbol = $2;

-- name: window_insert
-- $1 kind, $2 station, $3 datastream, $4 begin, $5 end, $6 state, $7 reason, $8 detail as JSON text, $9 who asks, $10 now.
INSERT INTO station_window (kind, station_id, datastream_id, begin_time, end_time, state, reason, detail, requested_by, requested_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9, $10)
RETURNING id;

-- name: window_update
-- $1 id, $2 datastream, $3 begin, $4 end, $5 state, $6 reason, $7 detail as JSON text, $8 who decided, $9 when, $10 why.
UPDATE station_window
SET datastream_id = $2, begin_time = $3, end_time = $4, state = $5, reason = $6, detail = $7::text::jsonb, decided_by = $8,
    decided_time = $9, decision_reason = $10, revision = revision + 1
WHERE id = $1;

-- name: windows_covering
-- The accepted window that mutes each of the alerts-to-be, at its place from 0: $1 kinds, $2 stations, $3 datastreams, $4 when they
-- began, $5 when they ended or NULL, $6 now, $7 kinds that calibrations mute. What outlives its window is not muted by it.
SELECT DISTINCT ON (n.place) (n.place - 1)::int AS place, w.id
FROM unnest($1::text[], $2::int[], $3::int[], $4::timestamptz[], $5::timestamptz[])
     WITH ORDINALITY AS n (kind, station_id, datastream_id, raised_time, cleared_time, place)
JOIN station_window w ON w.station_id = n.station_id
WHERE w.state = 'accepted'
  AND (w.datastream_id IS NULL OR w.datastream_id = n.datastream_id)
  AND (w.kind = 'maintenance' OR n.kind = ANY ($7::text[]))
  AND w.begin_time <= n.raised_time AND n.raised_time < w.end_time
  AND coalesce(n.cleared_time, $6) < w.end_time
ORDER BY n.place, w.end_time DESC, w.id;
