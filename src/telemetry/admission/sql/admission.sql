-- name: admission_owners
-- The stations of keys $1.
SELECT id, station_id FROM station_key WHERE id = ANY($1::text[]);

-- name: admission_known_networks
-- The networks that keys $1 were used from, newest last.
SELECT key_id, channel, network::text AS network, last_time
FROM station_key_use WHERE key_id = ANY($1::text[])
ORDER BY last_time;

-- name: admission_note_uses
-- Notes uses: keys $1, channels $2, networks $3, addresses $4, first times $5, last times $6, numbers $7. One row for each
-- key, channel and network; of those of one network the newest address stays. Rows are locked in the same order by everybody.
INSERT INTO station_key_use AS known (key_id, channel, network, address, first_time, last_time, uses)
SELECT u.key_id, u.channel, u.network::cidr, (array_agg(u.address ORDER BY u.last_time DESC))[1]::inet,
       min(u.first_time), max(u.last_time), sum(u.uses)
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::bigint[])
    AS u (key_id, channel, network, address, first_time, last_time, uses)
GROUP BY u.key_id, u.channel, u.network
ORDER BY u.key_id, u.channel, u.network
ON CONFLICT (key_id, channel, network) DO UPDATE
SET address = CASE WHEN excluded.last_time >= known.last_time THEN excluded.address ELSE known.address END,
    last_time = greatest(known.last_time, excluded.last_time),
    uses = known.uses + excluded.uses;

-- name: admission_forget_networks
-- Of keys $1 all networks but the $2 that were used last.
DELETE FROM station_key_use u
USING (
    SELECT key_id, channel, network, row_number() OVER (PARTITION BY key_id, channel ORDER BY last_time DESC) AS place
    FROM station_key_use WHERE key_id = ANY($1::text[])
) ranked
WHERE ranked.place > $2::int
  AND u.key_id = ranked.key_id AND u.channel = ranked.channel AND u.network = ranked.network;

-- name: admission_note_anomalies
-- Notes anomalies: kinds $1, stations $2, keys $3, channels $4, addresses $5, details $6, first times $7, last times $8,
-- numbers $9. The same kind of the same station and key on the same day is counted; `is_new` says which were not there.
INSERT INTO station_anomaly AS known
    (kind, station_id, key_id, day, channel, address, detail, first_time, last_time, times)
SELECT a.kind, a.station_id, a.key_id, (a.first_time AT TIME ZONE 'UTC')::date, a.channel, a.address::inet, a.detail,
       a.first_time, a.last_time, a.times
FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[],
            $9::bigint[])
    AS a (kind, station_id, key_id, channel, address, detail, first_time, last_time, times)
ORDER BY a.kind, a.station_id, a.key_id
ON CONFLICT (kind, station_id, key_id, day) DO UPDATE
SET channel = excluded.channel, address = excluded.address, detail = excluded.detail,
    last_time = greatest(known.last_time, excluded.last_time), times = known.times + excluded.times
RETURNING id, (known.xmax = 0) AS is_new;

-- name: admission_anomalies
-- Anomalies, the one that was seen last first: of stations $1 (NULL: all), of kind $2, seen at $3 or later, before
-- (time $4, id $5), at most $6.
SELECT a.id, a.kind, s.code AS station, a.key_id AS key, a.channel, host(a.address) AS address, a.detail, a.first_time,
       a.last_time, a.times
FROM station_anomaly a JOIN station s ON s.id = a.station_id
WHERE ($1::text[] IS NULL OR s.code = ANY($1))
  AND ($2::text IS NULL OR a.kind = $2)
  AND ($3::timestamptz IS NULL OR a.last_time >= $3)
  AND ($4::timestamptz IS NULL OR (a.last_time, a.id) < ($4, $5::bigint))
ORDER BY a.last_time DESC, a.id DESC
LIMIT $6;

-- name: admission_told_anomalies
-- The anomalies $1, as they are shown.
SELECT a.id, a.kind, s.code AS station, a.key_id AS key, a.channel, host(a.address) AS address, a.detail, a.first_time,
       a.last_time, a.times, a.station_id
FROM station_anomaly a JOIN station s ON s.id = a.station_id
WHERE a.id = ANY($1::bigint[])
ORDER BY a.id;

-- name: admission_pause
-- The broker shall let stations $1 in again at times $2; a pause never becomes shorter.
INSERT INTO station_pause AS known (station_id, until_time)
SELECT p.station_id, p.until_time FROM unnest($1::int[], $2::timestamptz[]) AS p (station_id, until_time)
ORDER BY p.station_id
ON CONFLICT (station_id) DO UPDATE SET until_time = greatest(known.until_time, excluded.until_time);
