-- name: people_page
-- People by user name. $1 whether disabled, NULL for both; $2 the user name before the page, $3 rows.
SELECT p.id, p.user_name, p.display_name, p.email, p.password_hash IS NOT NULL AS has_password, p.must_change_password,
       p.issuer, p.subject, p.disabled_time, p.created_time, p.signed_in_time, p.revision
FROM person p
WHERE ($1::boolean IS NULL OR (p.disabled_time IS NOT NULL) = $1)
  AND ($2::text IS NULL OR p.user_name COLLATE "C" > $2)
ORDER BY p.user_name COLLATE "C"
LIMIT $3;

-- name: person_chosen
-- One person, by any of $1 user name, $2 id, or $3 and $4 issuer and subject at the identity provider.
SELECT p.id, p.user_name, p.display_name, p.email, p.password_hash IS NOT NULL AS has_password, p.must_change_password,
       p.issuer, p.subject, p.disabled_time, p.created_time, p.signed_in_time, p.revision
FROM person p
WHERE p.user_name = $1 OR p.id = $2::integer OR (p.issuer = $3 AND p.subject = $4);

-- name: person_insert
-- $1 user name, $2 display name, $3 e-mail, $4 issuer, $5 subject. No row where the user name is taken.
INSERT INTO person (user_name, display_name, email, issuer, subject) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (user_name) DO NOTHING
RETURNING id;

-- name: person_lock
-- Holds the row until the transaction ends. $1 user name.
SELECT id FROM person WHERE user_name = $1 FOR UPDATE;

-- name: person_update
-- $1 id, $2 display name, $3 e-mail.
UPDATE person SET display_name = $2, email = $3, revision = revision + 1 WHERE id = $1;

-- name: person_disable
-- $1 id, $2 whether to disable, which ends all sessions and links, or to enable. The time of one who is disabled already stays.
WITH ended AS (
    UPDATE staff_session SET ended_time = now(), ended_reason = 'disabled'
    WHERE $2::boolean AND person_id = $1 AND ended_time IS NULL
), void AS (
    UPDATE one_time_link SET used_time = now() WHERE $2::boolean AND person_id = $1 AND used_time IS NULL
)
UPDATE person
SET disabled_time = CASE WHEN $2::boolean THEN coalesce(disabled_time, now()) END, revision = revision + 1
WHERE id = $1;

-- name: person_moved
-- Another revision, because what the person was given changed. $1 id.
UPDATE person SET revision = revision + 1 WHERE id = $1;

-- name: people_lock
-- Until the transaction ends nobody else takes away what somebody may do: the last administrator is counted.
SELECT pg_advisory_xact_lock(hashtextextended('quantrac.people', 0));

-- name: people_administrators
-- User names of those who can sign in and manage everybody.
SELECT DISTINCT p.user_name
FROM person p JOIN role_grant g ON g.person_id = p.id
WHERE g.role = 'administrator' AND num_nonnulls(g.station_kinds, g.organizations, g.districts, g.domains) = 0
  AND p.disabled_time IS NULL AND (p.password_hash IS NOT NULL OR p.issuer IS NOT NULL);
