-- name: outbox_matches
-- Which of the events $1 goes to which subscribers, and how they want it. A filter takes only events that have what it names;
-- nobody is called for an alert in an accepted maintenance or calibration window.
SELECT e.id AS event_id, e.severity, m.id AS subscription_id, m.digest_minutes, m.quiet_from, m.quiet_to, m.break_through
FROM event e
LEFT JOIN station s ON s.id = e.station_id
JOIN mail_subscription m
  ON m.enabled
 AND (m.history OR NOT e.historical)
 AND CASE WHEN m.event_types IS NULL THEN e.type NOT LIKE ALL ('{webhook.%,trail.%}')
          ELSE e.type = ANY (m.event_types) OR split_part(e.type, '.', 1) || '.*' = ANY (m.event_types) END
 AND (m.alert_kinds IS NULL OR e.alert_kind = ANY (m.alert_kinds))
 AND (m.least_severity IS NULL
      OR array_position(ARRAY['notice', 'warning', 'critical'], e.severity)
         >= array_position(ARRAY['notice', 'warning', 'critical'], m.least_severity))
 AND (m.station_ids IS NULL OR e.station_id = ANY (m.station_ids))
 AND (m.station_kinds IS NULL OR s.kind = ANY (m.station_kinds))
 AND (m.organization_ids IS NULL OR e.organization_id = ANY (m.organization_ids))
WHERE e.id = ANY ($1::bigint[])
  AND NOT coalesce(e.payload #> '{alert,muted}' = 'true'::jsonb, false)
ORDER BY e.id, m.id;

-- name: outbox_recent
-- How many mails each of the subscriptions $1 has had since $2.
SELECT subscription_id, count(*) AS mails FROM mail_message
WHERE subscription_id = ANY ($1::int[]) AND created_time > $2 GROUP BY subscription_id;

-- name: outbox_write
-- Writes down at $5 that subscriptions $1 are told of events $2 at the times $3; those that have a token $4 are told in a
-- mail of their own.
WITH given AS (
    SELECT g.* FROM unnest($1::int[], $2::bigint[], $3::timestamptz[], $4::text[])
        WITH ORDINALITY AS g (subscription_id, event_id, due_time, token, place)
    WHERE NOT EXISTS (SELECT FROM mail_item i WHERE i.subscription_id = g.subscription_id AND i.event_id = g.event_id)
), written AS (
    INSERT INTO mail_message (subscription_id, token, created_time, next_time)
    SELECT subscription_id, token, $5, $5 FROM given WHERE token IS NOT NULL ORDER BY place
    RETURNING id, token
)
INSERT INTO mail_item (subscription_id, event_id, type, occurred_time, severity, historical, payload, due_time, message_id)
SELECT g.subscription_id, e.id, e.type, e.occurred_time, e.severity, e.historical, e.payload, g.due_time, w.id
FROM given g
JOIN event e ON e.id = g.event_id
LEFT JOIN written w ON w.token = g.token
ORDER BY g.place;

-- name: outbox_ripe
-- Subscriptions that something waits for which is due at $1, held until the transaction ends; $2 at most.
SELECT m.id FROM mail_subscription m
WHERE m.enabled
  AND EXISTS (SELECT FROM mail_item i WHERE i.subscription_id = m.id AND i.message_id IS NULL AND i.due_time <= $1)
ORDER BY m.id
LIMIT $2
FOR NO KEY UPDATE SKIP LOCKED;

-- name: outbox_collect
-- Puts all that waits for the subscription $1 into one mail with the token $2, due at $3.
WITH written AS (
    INSERT INTO mail_message (subscription_id, token, created_time, next_time) VALUES ($1, $2, $3, $3) RETURNING id
)
UPDATE mail_item i SET message_id = w.id FROM written w WHERE i.subscription_id = $1 AND i.message_id IS NULL;

-- name: outbox_test
-- Queues a test for the subscription $1 with the token $2, due at $3; its id.
INSERT INTO mail_message (subscription_id, token, test, created_time, next_time) VALUES ($1, $2, true, $3, $3) RETURNING id;

-- name: outbox_claim
-- Claims the mail that is due at $1 for the longest time, for $2 seconds.
UPDATE mail_message c
SET claimed_until = $1 + $2 * INTERVAL '1 second', claim = c.claim + 1
FROM mail_subscription s
WHERE c.id = (
    SELECT m.id FROM mail_message m JOIN mail_subscription o ON o.id = m.subscription_id
    WHERE m.state = 'pending' AND m.next_time <= $1 AND (m.claimed_until IS NULL OR m.claimed_until <= $1) AND o.enabled
    ORDER BY m.next_time, m.id
    LIMIT 1
    FOR NO KEY UPDATE OF m SKIP LOCKED
  )
  AND s.id = c.subscription_id
RETURNING c.id, c.token, c.test, c.created_time, c.attempts, c.claim, c.subscription_id, s.address, s.language;

-- name: outbox_items
-- What the mail $1 tells of, in the order that it happened, $2 at most, with how much there is in all.
SELECT type, occurred_time, severity, historical, payload::text AS payload, count(*) OVER () AS items
FROM mail_item WHERE message_id = $1 ORDER BY occurred_time, id LIMIT $2;

-- name: outbox_note
-- What came of the claim $2 of the mail $1: state $3, due $4, closed $5, code $6, error $7, attempts that count $8. NULL where
-- the claim was lost in the meantime.
UPDATE mail_message
SET state = $3, next_time = coalesce($4, next_time), closed_time = $5, last_code = $6, last_error = $7, attempts = attempts + $8,
    claimed_until = NULL
WHERE id = $1 AND claim = $2 AND state = 'pending'
RETURNING id;

-- name: outbox_page
-- Mails, newest first: of the subscription $1 in the state $2 (NULL: any), or the one with the id $3; before the id $4, $5 rows.
SELECT m.id, m.token, m.test, (SELECT count(*) FROM mail_item i WHERE i.message_id = m.id) AS events, m.state, m.created_time,
       m.attempts, CASE WHEN m.state = 'pending' THEN m.next_time END AS next_time, m.closed_time, m.last_code, m.last_error
FROM mail_message m
WHERE m.subscription_id = $1 AND ($2::text IS NULL OR m.state = $2) AND ($3::bigint IS NULL OR m.id = $3)
  AND ($4::bigint IS NULL OR m.id < $4)
ORDER BY m.id DESC
LIMIT $5;

-- name: outbox_replay
-- Makes dead letters of the subscription $1 due at $2 as if they were new: the one with the id $3, or all (NULL) that were
-- given up at $4 or later; how many.
WITH again AS (
    UPDATE mail_message
    SET state = 'pending', next_time = $2, attempts = 0, closed_time = NULL
    WHERE subscription_id = $1 AND state = 'dead' AND ($3::bigint IS NULL OR id = $3)
      AND ($4::timestamptz IS NULL OR closed_time >= $4)
    RETURNING 1
)
SELECT count(*) FROM again;

-- name: outbox_forget
-- Takes out mails that were closed before $1, at most $2; how many.
WITH old AS (
    SELECT id FROM mail_message WHERE state <> 'pending' AND closed_time < $1 ORDER BY closed_time LIMIT $2
), gone AS (
    DELETE FROM mail_message m USING old WHERE m.id = old.id RETURNING 1
)
SELECT count(*) FROM gone;
