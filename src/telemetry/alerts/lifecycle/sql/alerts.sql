-- name: alerts_lock
-- Alerts with the names of what they are about, by id, held until the transaction ends. $1 ids.
SELECT a.*, s.code AS station, s.kind AS station_kind, o.code AS organization, p.symbol, p.unit
FROM alert a
LEFT JOIN station s ON s.id = a.station_id
LEFT JOIN organization o ON o.id = s.organization_id
LEFT JOIN datastream d ON d.id = a.datastream_id
LEFT JOIN observed_property p ON p.id = d.observed_property_id
WHERE a.id = ANY ($1::bigint[])
ORDER BY a.id
FOR UPDATE OF a;

-- name: alerts_chosen
-- Alerts with the names of what they are about, by id. $1 ids.
SELECT a.*, s.code AS station, s.kind AS station_kind, o.code AS organization, p.symbol, p.unit
FROM alert a
LEFT JOIN station s ON s.id = a.station_id
LEFT JOIN organization o ON o.id = s.organization_id
LEFT JOIN datastream d ON d.id = a.datastream_id
LEFT JOIN observed_property p ON p.id = d.observed_property_id
WHERE a.id = ANY ($1::bigint[])
ORDER BY a.id;

-- name: alerts_page
-- Alerts by when they began, newest first. $1 states, $2 kinds, $3 severities, $4 stations, $5 organization, $6 symbol,
-- $7 and $8 span that the alert's own time overlaps, $9 historical, $10 muted, $11 assignee, $12 and $13 time and id
-- before the page, $14 rows; NULL does not restrict.
SELECT a.*, s.code AS station, s.kind AS station_kind, o.code AS organization, p.symbol, p.unit
FROM alert a
LEFT JOIN station s ON s.id = a.station_id
LEFT JOIN organization o ON o.id = s.organization_id
LEFT JOIN datastream d ON d.id = a.datastream_id
LEFT JOIN observed_property p ON p.id = d.observed_property_id
WHERE ($1::text[] IS NULL OR a.state = ANY ($1))
  AND ($2::text[] IS NULL OR a.kind = ANY ($2))
  AND ($3::text[] IS NULL OR a.severity = ANY ($3))
  AND ($4::text[] IS NULL OR s.code = ANY ($4))
  AND ($5::text IS NULL OR o.code = $5)
  AND ($6::text IS NULL OR p.symbol = $6)
  AND ($7::timestamptz IS NULL OR a.state <> 'cleared' OR coalesce(a.cleared_time, a.last_time) >= $7)
  AND ($8::timestamptz IS NULL OR a.raised_time < $8)
  AND ($9::boolean IS NULL OR a.historical = $9)
  AND ($10::boolean IS NULL OR (a.muted_by IS NOT NULL) = $10)
  AND ($11::text IS NULL OR a.assignee = $11)
  AND ($12::timestamptz IS NULL OR (a.raised_time, a.id) < ($12, $13::bigint))
ORDER BY a.raised_time DESC, a.id DESC
LIMIT $14;

-- name: alerts_numbers
-- As many new ids as $1 says.
SELECT nextval(pg_get_serial_sequence('alert', 'id')) AS id FROM generate_series(1, $1::int);

-- name: alerts_insert
-- New alerts, whose ids were taken before. $1 array of rows as JSON.
INSERT INTO alert (id, kind, severity, station_id, datastream_id, state, raised_time, last_time, cleared_time, cleared_reason,
                   detected_time, closed_time, historical, muted_by, detail, assignee, acknowledged_by, acknowledged_time,
                   shelved_by, shelved_until, shelved_reason, shelved_from, escalation_level, escalate_time, reraised_n, revision)
OVERRIDING SYSTEM VALUE
SELECT id, kind, severity, station_id, datastream_id, state, raised_time, last_time, cleared_time, cleared_reason,
       detected_time, closed_time, historical, muted_by, detail, assignee, acknowledged_by, acknowledged_time,
       shelved_by, shelved_until, shelved_reason, shelved_from, escalation_level, escalate_time, reraised_n, revision
FROM jsonb_populate_recordset(NULL::alert, $1::text::jsonb);

-- name: alerts_update
-- Alerts that were held before as they are now; what they are about never changes. $1 array of rows as JSON.
UPDATE alert a
SET severity = n.severity, state = n.state, raised_time = n.raised_time, last_time = n.last_time,
    cleared_time = n.cleared_time, cleared_reason = n.cleared_reason, closed_time = n.closed_time,
    historical = n.historical, muted_by = n.muted_by, detail = n.detail, assignee = n.assignee,
    acknowledged_by = n.acknowledged_by, acknowledged_time = n.acknowledged_time, shelved_by = n.shelved_by,
    shelved_until = n.shelved_until, shelved_reason = n.shelved_reason, shelved_from = n.shelved_from,
    escalation_level = n.escalation_level, escalate_time = n.escalate_time, reraised_n = n.reraised_n,
    revision = n.revision, updated_time = clock_timestamp()
FROM jsonb_populate_recordset(NULL::alert, $1::text::jsonb) n
WHERE a.id = n.id;

-- name: alerts_progress
-- What goes on without a move: $1 ids, $2 when the condition was last seen, $3 details as JSON text.
UPDATE alert a
SET last_time = n.last_time, detail = n.detail::jsonb, updated_time = clock_timestamp()
FROM unnest($1::bigint[], $2::timestamptz[], $3::text[]) AS n (id, last_time, detail)
WHERE a.id = n.id;

-- name: alert_moves_insert
-- Moves in the order in which they were made: $1 alerts, $2 times, $3 actions, $4 former states, $5 states, $6 actors,
-- $7 reasons, $8 details as JSON text.
INSERT INTO alert_move (alert_id, moved_time, action, from_state, to_state, actor, reason, detail)
SELECT n.alert_id, n.moved_time, n.action, n.from_state, n.to_state, n.actor, n.reason, n.detail::jsonb
FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
     WITH ORDINALITY AS n (alert_id, moved_time, action, from_state, to_state, actor, reason, detail, place)
ORDER BY n.place;

-- name: alert_moves
-- Everything that happened to an alert, in order; the last $3 moves behind the id $2. $1 alert.
SELECT id, moved_time, action, from_state, to_state, actor, reason, detail
FROM alert_move
WHERE alert_id = $1 AND id > $2
ORDER BY id
LIMIT $3;

-- name: alerts_tally
-- Open alerts by kind, severity, state and kind of station, and how many of them are muted. $1 organization,
-- $2 stations.
SELECT a.kind, a.severity, a.state, s.kind AS station_kind, count(*) AS n,
       count(*) FILTER (WHERE a.muted_by IS NOT NULL) AS muted_n
FROM alert a
LEFT JOIN station s ON s.id = a.station_id
LEFT JOIN organization o ON o.id = s.organization_id
WHERE a.state <> 'cleared' AND ($1::text IS NULL OR o.code = $1) AND ($2::text[] IS NULL OR s.code = ANY ($2))
GROUP BY a.kind, a.severity, a.state, s.kind;

-- name: alerts_stations
-- Stations that are not retired by kind and state: the first that is true of lost, over-limit, faulty, calibrating, tendency.
-- Calibrating and faulty are also told by the newest row of a datastream that is younger than $2 and the cadence.
-- $1 organization, $2 seconds, $3 now, $4 stations.
SELECT kind, state, count(*) AS n
FROM (
    SELECT s.kind,
           CASE WHEN coalesce(open.lost, false) THEN 'lost'
                WHEN coalesce(open.over, false) THEN 'over-limit'
                WHEN coalesce(open.faulty, false) OR coalesce(newest.faulty, false) THEN 'faulty'
                WHEN coalesce(open.calibrating, false) OR coalesce(newest.calibrating, false) OR planned.there THEN 'calibrating'
                WHEN coalesce(open.tendency, false) THEN 'tendency'
                ELSE 'good' END AS state
    FROM station s
    JOIN organization o ON o.id = s.organization_id
    LEFT JOIN LATERAL (
        SELECT bool_or(a.kind = 'lost-connection') AS lost,
               bool_or(a.kind IN ('over-limit', 'average-exceeded')) AS over,
               bool_or(a.kind = 'instrument-fault') AS faulty,
               bool_or(a.kind = 'stuck-calibration') AS calibrating,
               bool_or(a.kind = 'tendency') AS tendency
        FROM alert a WHERE a.station_id = s.id AND a.state <> 'cleared'
    ) AS open ON true
    LEFT JOIN LATERAL (
        SELECT bool_or(row.device_status = 2) AS faulty, bool_or(row.device_status = 1) AS calibrating
        FROM datastream d
        CROSS JOIN LATERAL (
            SELECT b.device_status
            FROM observation b
            WHERE b.datastream_id = d.id AND b.phenomenon_time > $3::timestamptz - make_interval(secs => $2::int + s.cadence_seconds)
            ORDER BY b.phenomenon_time DESC
            LIMIT 1
        ) AS row
        WHERE d.station_id = s.id AND d.status = 'active'
    ) AS newest ON true
    CROSS JOIN LATERAL (
        SELECT EXISTS (
            SELECT FROM station_window w
            WHERE w.station_id = s.id AND w.kind = 'calibration' AND w.state = 'accepted'
              AND w.begin_time <= $3::timestamptz AND w.end_time > $3
        ) AS there
    ) AS planned
    WHERE s.status <> 'retired' AND ($1::text IS NULL OR o.code = $1) AND ($4::text[] IS NULL OR s.code = ANY ($4))
) AS found
GROUP BY kind, state;

-- name: alerts_shelved_too_long
-- Alerts whose time of shelving is over at $1, at most $2, which no other process holds; held until the transaction ends.
SELECT a.*, s.code AS station, s.kind AS station_kind, o.code AS organization, p.symbol, p.unit
FROM alert a
LEFT JOIN station s ON s.id = a.station_id
LEFT JOIN organization o ON o.id = s.organization_id
LEFT JOIN datastream d ON d.id = a.datastream_id
LEFT JOIN observed_property p ON p.id = d.observed_property_id
WHERE a.state = 'shelved' AND a.shelved_until <= $1
ORDER BY a.shelved_until, a.id
LIMIT $2
FOR UPDATE OF a SKIP LOCKED;

-- name: alerts_unacknowledged
-- Alerts that nobody acknowledged until they escalate, at $1; as alerts_shelved_too_long. Muted ones call nobody.
SELECT a.*, s.code AS station, s.kind AS station_kind, o.code AS organization, p.symbol, p.unit
FROM alert a
LEFT JOIN station s ON s.id = a.station_id
LEFT JOIN organization o ON o.id = s.organization_id
LEFT JOIN datastream d ON d.id = a.datastream_id
LEFT JOIN observed_property p ON p.id = d.observed_property_id
WHERE a.state = 'raised' AND a.escalate_time <= $1 AND a.muted_by IS NULL
ORDER BY a.escalate_time, a.id
LIMIT $2
FOR UPDATE OF a SKIP LOCKED;

-- name: alerts_muted_no_longer
-- Open alerts whose window has ended at $1 or no longer holds; as alerts_shelved_too_long.
SELECT a.*, s.code AS station, s.kind AS station_kind, o.code AS organization, p.symbol, p.unit
FROM alert a
JOIN station_window w ON w.id = a.muted_by
LEFT JOIN station s ON s.id = a.station_id
LEFT JOIN organization o ON o.id = s.organization_id
LEFT JOIN datastream d ON d.id = a.datastream_id
LEFT JOIN observed_property p ON p.id = d.observed_property_id
WHERE a.state <> 'cleared' AND (w.end_time <= $1 OR w.state <> 'accepted')
ORDER BY a.id
LIMIT $2
FOR UPDATE OF a SKIP LOCKED;

-- name: alerts_to_mute
-- Open alerts that call people although an accepted window of their own covers them at $1, at most $2, $3 kinds that calibrations
-- mute; with `window_id`, as alerts_shelved_too_long.
SELECT a.*, s.code AS station, s.kind AS station_kind, o.code AS organization, p.symbol, p.unit, w.id AS window_id
FROM alert a
JOIN station_window w ON w.station_id = a.station_id
LEFT JOIN station s ON s.id = a.station_id
LEFT JOIN organization o ON o.id = s.organization_id
LEFT JOIN datastream d ON d.id = a.datastream_id
LEFT JOIN observed_property p ON p.id = d.observed_property_id
WHERE a.state <> 'cleared' AND a.muted_by IS NULL AND w.state = 'accepted' AND w.end_time > $1
  AND (w.datastream_id IS NULL OR w.datastream_id = a.datastream_id)
  AND (w.kind = 'maintenance' OR a.kind = ANY ($3::text[]))
  AND w.begin_time <= a.raised_time AND a.raised_time < w.end_time
ORDER BY a.id
LIMIT $2
FOR UPDATE OF a SKIP LOCKED;

-- name: alerts_ended_within
-- Cleared alerts that the window $1 covers and none mutes yet, $2 kinds that calibrations mute; held until the transaction ends.
SELECT a.*, s.code AS station, s.kind AS station_kind, o.code AS organization, p.symbol, p.unit
FROM alert a
JOIN station_window w ON w.id = $1
LEFT JOIN station s ON s.id = a.station_id
LEFT JOIN organization o ON o.id = s.organization_id
LEFT JOIN datastream d ON d.id = a.datastream_id
LEFT JOIN observed_property p ON p.id = d.observed_property_id
WHERE a.station_id = w.station_id AND a.state = 'cleared' AND a.muted_by IS NULL
  AND (w.datastream_id IS NULL OR w.datastream_id = a.datastream_id)
  AND (w.kind = 'maintenance' OR a.kind = ANY ($2::text[]))
  AND w.begin_time <= a.raised_time AND a.raised_time < w.end_time AND coalesce(a.cleared_time, a.last_time) < w.end_time
ORDER BY a.id
FOR UPDATE OF a;

-- name: alerts_muted_by
-- Cleared alerts that the window $1 mutes; held until the transaction ends.
SELECT a.*, s.code AS station, s.kind AS station_kind, o.code AS organization, p.symbol, p.unit
FROM alert a
LEFT JOIN station s ON s.id = a.station_id
LEFT JOIN organization o ON o.id = s.organization_id
LEFT JOIN datastream d ON d.id = a.datastream_id
LEFT JOIN observed_property p ON p.id = d.observed_property_id
WHERE a.muted_by = $1 AND a.state = 'cleared'
ORDER BY a.id
FOR UPDATE OF a;
