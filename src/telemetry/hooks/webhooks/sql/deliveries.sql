-- name: deliveries_matches
-- Which of the events $1 goes to which webhooks. A filter takes only events that have what it names; what happens to webhooks
-- themselves goes to those that name it.
SELECT e.id AS event_id, array_agg(w.id ORDER BY w.id) AS endpoint_ids
FROM event e
LEFT JOIN station s ON s.id = e.station_id
JOIN webhook_endpoint w
  ON w.enabled
 AND (w.history OR NOT e.historical)
 AND CASE WHEN w.event_types IS NULL THEN e.type NOT LIKE ALL ('{webhook.%,trail.%}')
          ELSE e.type = ANY (w.event_types) OR split_part(e.type, '.', 1) || '.*' = ANY (w.event_types) END
 AND (w.alert_kinds IS NULL OR e.alert_kind = ANY (w.alert_kinds))
 AND (w.least_severity IS NULL
      OR array_position(ARRAY['notice', 'warning', 'critical'], e.severity)
         >= array_position(ARRAY['notice', 'warning', 'critical'], w.least_severity))
 AND (w.station_ids IS NULL OR e.station_id = ANY (w.station_ids))
 AND (w.station_kinds IS NULL OR s.kind = ANY (w.station_kinds))
 AND (w.organization_ids IS NULL OR e.organization_id = ANY (w.organization_ids))
WHERE e.id = ANY ($1::bigint[])
GROUP BY e.id
ORDER BY e.id;

-- name: deliveries_write
-- Writes messages (webhook ids $1, events $2, types $3, times $4, bodies $5) and their deliveries, due at $8: the
-- message at place $6 goes to the webhook $7, element by element.
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::timestamptz[], $5::text[])
        WITH ORDINALITY AS m (webhook_id, event_id, type, occurred_time, body, place)
), written AS (
    INSERT INTO webhook_message (webhook_id, event_id, type, occurred_time, body)
    SELECT webhook_id, event_id, type, occurred_time, body FROM given ORDER BY place
    RETURNING id, webhook_id
)
INSERT INTO webhook_delivery (endpoint_id, message_id, next_time)
SELECT t.endpoint_id, w.id, $8
FROM unnest($6::bigint[], $7::int[]) AS t (place, endpoint_id)
JOIN given g ON g.place = t.place
JOIN written w ON w.webhook_id = g.webhook_id
ORDER BY t.place, t.endpoint_id
RETURNING id;

-- name: deliveries_ready
-- Webhooks that have something due at $1, held until the transaction ends; those that work first, in any order. $2 rows.
SELECT w.id, w.failures_in_row > 0 AS failing
FROM webhook_endpoint w
WHERE w.enabled
  AND (w.paused_until IS NULL OR w.paused_until <= $1)
  AND EXISTS (SELECT FROM webhook_delivery d
              WHERE d.endpoint_id = w.id AND d.state = 'pending' AND d.next_time <= $1
                AND (d.claimed_until IS NULL OR d.claimed_until <= clock_timestamp()))
ORDER BY w.failures_in_row > 0, random()
LIMIT $2
FOR NO KEY UPDATE OF w SKIP LOCKED;

-- name: deliveries_lightly
-- Lets this transaction commit without waiting for the disk: what a crash of the server undoes is sent once more.
SELECT set_config('synchronous_commit', 'off', true);

-- name: deliveries_claim
-- Claims what is due at $2 of the webhooks $1, in the order that it is due: $3 of one that works, and beside what is
-- claimed already $4 in all; one of one that fails. A claim lasts $5 seconds by the server's clock.
WITH due AS (
    SELECT d.id
    FROM webhook_endpoint w
    CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM webhook_delivery f WHERE f.endpoint_id = w.id AND f.claimed_until > clock_timestamp()
    ) claimed
    CROSS JOIN LATERAL (
        SELECT p.id
        FROM webhook_delivery p
        WHERE p.endpoint_id = w.id AND p.state = 'pending' AND p.next_time <= $2
          AND (p.claimed_until IS NULL OR p.claimed_until <= clock_timestamp())
        ORDER BY p.next_time, p.id
        LIMIT greatest(0, CASE WHEN w.failures_in_row > 0 THEN 1 - claimed.n WHEN claimed.n = 0 THEN $3::bigint
                               ELSE $4::bigint - claimed.n END)
        FOR NO KEY UPDATE SKIP LOCKED
    ) d
    WHERE w.id = ANY ($1::int[])
), taken AS (
    UPDATE webhook_delivery d
    SET claimed_until = clock_timestamp() + $5 * INTERVAL '1 second', claim = d.claim + 1
    FROM due WHERE d.id = due.id
    RETURNING d.id, d.endpoint_id, d.message_id, d.next_time, d.attempts, d.claim
)
SELECT t.id, t.endpoint_id, t.attempts, t.claim, m.webhook_id, m.type, m.body, w.url, w.failures_in_row > 0 AS failing,
       ARRAY(SELECT s.sealed FROM webhook_secret s
             WHERE s.endpoint_id = t.endpoint_id AND (s.end_time IS NULL OR s.end_time > $2) ORDER BY s.id DESC) AS sealed
FROM taken t
JOIN webhook_message m ON m.id = t.message_id
JOIN webhook_endpoint w ON w.id = t.endpoint_id
ORDER BY t.next_time, t.id;

-- name: deliveries_release
-- Gives back the claims $2 of the deliveries $1.
UPDATE webhook_delivery d SET claimed_until = NULL
FROM unnest($1::bigint[], $2::int[]) AS given (id, claim)
WHERE d.id = given.id AND d.claim = given.claim AND d.state = 'pending';

-- name: deliveries_delivered
-- Notes that deliveries $1 arrived under the claims $2 at the times $3, and their attempts: begun $4, milliseconds $5,
-- addresses $6, statuses $7, answers $8. Waits for no disk, as deliveries_lightly; what lost its claim is logged only.
WITH given AS (
    SELECT * FROM unnest($1::bigint[], $2::int[], $3::timestamptz[], $4::timestamptz[], $5::int[], $6::text[],
                         $7::smallint[], $8::text[])
        AS g (id, claim, closed_time, started_time, milliseconds, address, status, answer)
), noted AS (
    UPDATE webhook_delivery d
    SET state = 'delivered', closed_time = g.closed_time, last_status = g.status, last_error = '',
        attempts = d.attempts + 1, claimed_until = NULL
    FROM given g
    WHERE d.id = g.id AND d.claim = g.claim AND d.state = 'pending'
    RETURNING d.id
), logged AS (
    INSERT INTO webhook_attempt (delivery_id, started_time, milliseconds, address, status, answer)
    SELECT d.id, g.started_time, g.milliseconds, g.address, g.status, g.answer
    FROM given g JOIN webhook_delivery d ON d.id = g.id
)
SELECT (SELECT count(*) FROM noted) AS noted, set_config('synchronous_commit', 'off', true);

-- name: deliveries_note
-- What came of the claim $2 of the delivery $1: state $3, due $4, closed $5, status $6, error $7. NULL where the claim was
-- lost in the meantime.
UPDATE webhook_delivery
SET state = $3, next_time = coalesce($4, next_time), closed_time = $5, last_status = $6, last_error = $7,
    attempts = attempts + 1, claimed_until = NULL
WHERE id = $1 AND claim = $2 AND state = 'pending'
RETURNING id;

-- name: deliveries_attempted
-- Adds an attempt to the log: delivery $1, begun $2, milliseconds $3, address $4, status $5, error $6, answer $7.
INSERT INTO webhook_attempt (delivery_id, started_time, milliseconds, address, status, error, answer)
SELECT d.id, $2, $3, $4, $5, $6, $7 FROM webhook_delivery d WHERE d.id = $1;

-- name: deliveries_arrived
-- Notes that something arrived at the webhook $1.
UPDATE webhook_endpoint SET failures_in_row = 0, failing_since = NULL, paused_until = NULL
WHERE id = $1 AND (failures_in_row > 0 OR paused_until IS NOT NULL);

-- name: deliveries_failed
-- Notes at $2 that a delivery to the webhook $1 failed; how many have in a row, and since when.
UPDATE webhook_endpoint
SET failures_in_row = failures_in_row + 1, failing_since = coalesce(failing_since, $2)
WHERE id = $1
RETURNING failures_in_row, failing_since;

-- name: deliveries_pause
-- Sends nothing to the webhook $1 until $2, or later where it is paused for longer.
UPDATE webhook_endpoint SET paused_until = greatest(paused_until, $2) WHERE id = $1;

-- name: deliveries_page
-- Deliveries, newest first: of the webhook $1 in the state $2 (NULL: any), or the one with the id $3; before the id $4, $5 rows.
SELECT d.id, m.webhook_id, m.event_id, m.type, m.occurred_time, d.state, d.created_time, d.attempts,
       CASE WHEN d.state = 'pending' THEN d.next_time END AS next_time, d.closed_time, d.last_status, d.last_error
FROM webhook_delivery d
JOIN webhook_message m ON m.id = d.message_id
WHERE d.endpoint_id = $1 AND ($2::text IS NULL OR d.state = $2) AND ($3::bigint IS NULL OR d.id = $3)
  AND ($4::bigint IS NULL OR d.id < $4)
ORDER BY d.id DESC
LIMIT $5;

-- name: deliveries_attempts
-- The attempts of the delivery $1, first to last.
SELECT started_time, milliseconds, address, status, error, answer FROM webhook_attempt WHERE delivery_id = $1 ORDER BY id;

-- name: deliveries_body
-- What the delivery $1 carries.
SELECT m.body FROM webhook_delivery d JOIN webhook_message m ON m.id = d.message_id WHERE d.id = $1;

-- name: deliveries_replay_one
-- Makes the delivery $2 of the webhook $1 due at $3, as if it were new.
UPDATE webhook_delivery
SET state = 'pending', next_time = $3, attempts = 0, closed_time = NULL
WHERE endpoint_id = $1 AND id = $2
RETURNING id;

-- name: deliveries_replay
-- Makes all dead letters of the webhook $1 that were given up at $2 or later due at $3, as if they were new; how many.
WITH again AS (
    UPDATE webhook_delivery
    SET state = 'pending', next_time = $3, attempts = 0, closed_time = NULL
    WHERE endpoint_id = $1 AND state = 'dead' AND closed_time >= $2
    RETURNING 1
)
SELECT count(*) FROM again;

-- name: deliveries_forget
-- Takes out messages that occurred before $1 and wait for nothing, with their deliveries, at most $2; how many.
WITH old AS (
    SELECT m.id FROM webhook_message m
    WHERE m.occurred_time < $1
      AND NOT EXISTS (SELECT FROM webhook_delivery d
                      WHERE d.message_id = m.id AND (d.state = 'pending' OR d.closed_time >= $1))
    ORDER BY m.occurred_time
    LIMIT $2
), gone AS (
    DELETE FROM webhook_message m USING old WHERE m.id = old.id RETURNING 1
)
SELECT count(*) FROM gone;
