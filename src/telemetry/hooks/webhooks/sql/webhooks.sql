-- name: webhooks_page
-- Webhooks in the order that they were made. $1 one id or NULL for all, $2 the id before the page, $3 rows.
SELECT w.id, w.url, w.description, w.event_types, w.alert_kinds, w.least_severity, w.station_kinds, w.history,
       (SELECT array_agg(s.code ORDER BY s.code COLLATE "C") FROM station s WHERE s.id = ANY (w.station_ids)) AS stations,
       (SELECT array_agg(o.code ORDER BY o.code COLLATE "C") FROM organization o WHERE o.id = ANY (w.organization_ids))
           AS organizations,
       w.enabled, w.disabled_reason, w.disabled_time, w.failures_in_row, w.failing_since, w.paused_until,
       w.created_by, w.created_time, w.revision,
       (SELECT count(*) FROM webhook_secret k WHERE k.endpoint_id = w.id AND (k.end_time IS NULL OR k.end_time > now())) AS secrets,
       (SELECT max(k.end_time) FROM webhook_secret k WHERE k.endpoint_id = w.id AND k.end_time > now()) AS former_secret_until,
       (SELECT count(*) FROM webhook_delivery d WHERE d.endpoint_id = w.id AND d.state = 'pending') AS pending,
       (SELECT count(*) FROM webhook_delivery d WHERE d.endpoint_id = w.id AND d.state = 'dead') AS dead
FROM webhook_endpoint w
WHERE ($1::int IS NULL OR w.id = $1) AND ($2::int IS NULL OR w.id > $2)
ORDER BY w.id
LIMIT $3;

-- name: webhook_lock
-- Holds the webhook $1 until the transaction ends.
SELECT id FROM webhook_endpoint WHERE id = $1 FOR NO KEY UPDATE;

-- name: webhook_insert
-- $1 url, $2 description, $3 event types, $4 alert kinds, $5 least severity, $6 stations, $7 station kinds, $8 organizations, $9 history, $10 who.
INSERT INTO webhook_endpoint (url, description, event_types, alert_kinds, least_severity, station_ids, station_kinds,
                              organization_ids, history, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING id;

-- name: webhook_update
-- $1 id, then as for webhook_insert up to $10 history. What failed at the former address says nothing of a new one.
UPDATE webhook_endpoint
SET url = $2, description = $3, event_types = $4, alert_kinds = $5, least_severity = $6, station_ids = $7,
    station_kinds = $8, organization_ids = $9, history = $10, revision = revision + 1,
    failures_in_row = CASE WHEN url = $2 THEN failures_in_row ELSE 0 END,
    failing_since = CASE WHEN url = $2 THEN failing_since END,
    paused_until = CASE WHEN url = $2 THEN paused_until END
WHERE id = $1;

-- name: webhook_delete
-- Takes out the webhook $1 with its secrets and deliveries.
DELETE FROM webhook_endpoint WHERE id = $1;

-- name: webhook_enable
-- Lets the webhook $1 begin anew; NULL where it was enabled already.
UPDATE webhook_endpoint
SET enabled = true, disabled_reason = NULL, disabled_time = NULL, failures_in_row = 0, failing_since = NULL,
    paused_until = NULL, revision = revision + 1
WHERE id = $1 AND NOT enabled
RETURNING id;

-- name: webhook_disable
-- Disables the webhook $1 at $2 for the reason $3; NULL where it was disabled already.
UPDATE webhook_endpoint
SET enabled = false, disabled_reason = $3, disabled_time = $2, paused_until = NULL, revision = revision + 1
WHERE id = $1 AND enabled
RETURNING id, url, description, failing_since;

-- name: webhook_bury
-- Gives up at $2 what waits for the webhook $1, so that it can be replayed once the webhook is enabled again.
UPDATE webhook_delivery
SET state = 'dead', closed_time = $2, claimed_until = NULL, last_error = 'the webhook was disabled'
WHERE endpoint_id = $1 AND state = 'pending';

-- name: webhook_secret_insert
-- Adds the secret $2 to the webhook $1.
INSERT INTO webhook_secret (endpoint_id, sealed) VALUES ($1, $2);

-- name: webhook_secrets_retire
-- Lets the present secret of the webhook $1 end at $2 and takes out those before it: two live at most.
WITH present AS (
    SELECT max(id) AS id FROM webhook_secret WHERE endpoint_id = $1
), gone AS (
    DELETE FROM webhook_secret s USING present WHERE s.endpoint_id = $1 AND s.id <> present.id
)
UPDATE webhook_secret s SET end_time = $2 FROM present WHERE s.id = present.id;

-- name: webhook_revised
-- Moves the revision of the webhook $1.
UPDATE webhook_endpoint SET revision = revision + 1 WHERE id = $1;

-- name: webhook_secrets
-- Live secrets of the webhook $1, newest first.
SELECT sealed FROM webhook_secret WHERE endpoint_id = $1 AND (end_time IS NULL OR end_time > now()) ORDER BY id DESC;
