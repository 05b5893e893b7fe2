-- name: mail_subscriptions_page
-- Subscriptions in the order that they were made. $1 one id or NULL for all, $2 the id before the page, $3 rows.
SELECT m.id, m.address, m.description, m.language, m.event_types, m.alert_kinds, m.least_severity, m.station_kinds, m.history,
       (SELECT array_agg(s.code ORDER BY s.code COLLATE "C") FROM station s WHERE s.id = ANY (m.station_ids)) AS stations,
       (SELECT array_agg(o.code ORDER BY o.code COLLATE "C") FROM organization o WHERE o.id = ANY (m.organization_ids))
           AS organizations,
       m.digest_minutes, m.quiet_from, m.quiet_to, m.break_through, m.enabled, m.created_by, m.created_time, m.revision,
       (SELECT count(*) FROM mail_item i WHERE i.subscription_id = m.id AND i.message_id IS NULL) AS waiting,
       (SELECT count(*) FROM mail_message p WHERE p.subscription_id = m.id AND p.state = 'pending') AS pending,
       (SELECT count(*) FROM mail_message d WHERE d.subscription_id = m.id AND d.state = 'dead') AS dead
FROM mail_subscription m
WHERE ($1::int IS NULL OR m.id = $1) AND ($2::int IS NULL OR m.id > $2)
ORDER BY m.id
LIMIT $3;

-- name: mail_subscription_lock
-- Holds the subscription $1 until the transaction ends.
SELECT id FROM mail_subscription WHERE id = $1 FOR NO KEY UPDATE;

-- name: mail_subscription_insert
-- $1 address, $2 description, $3 language, $4 event types, $5 alert kinds, $6 least severity, $7 stations, $8 station kinds,
-- $9 organizations, $10 history, $11 digest minutes, $12 and $13 quiet hours, $14 what breaks through, $15 enabled, $16 who.
INSERT INTO mail_subscription (address, description, language, event_types, alert_kinds, least_severity, station_ids, station_kinds,
                               organization_ids, history, digest_minutes, quiet_from, quiet_to, break_through, enabled, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
RETURNING id;

-- name: mail_subscription_update
-- $1 id, then as for mail_subscription_insert up to $16 enabled.
UPDATE mail_subscription
SET address = $2, description = $3, language = $4, event_types = $5, alert_kinds = $6, least_severity = $7, station_ids = $8,
    station_kinds = $9, organization_ids = $10, history = $11, digest_minutes = $12, quiet_from = $13, quiet_to = $14,
    break_through = $15, enabled = $16, revision = revision + 1
WHERE id = $1;

-- name: mail_subscription_delete
-- Takes out the subscription $1 with all that waits for it.
DELETE FROM mail_subscription WHERE id = $1;

-- name: mail_subscription_drop_items
-- Drops what waits for a digest of the subscription $1.
DELETE FROM mail_item WHERE subscription_id = $1 AND message_id IS NULL;

-- name: mail_subscription_bury
-- Gives up at $2 the mails of the subscription $1 that wait for the server.
UPDATE mail_message
SET state = 'dead', closed_time = $2, claimed_until = NULL, last_error = 'the subscription was disabled'
WHERE subscription_id = $1 AND state = 'pending';
