-- name: credentials_of
-- What a sign-in is held against. $1 user name.
SELECT p.id, p.user_name, p.display_name, p.email, p.password_hash, p.must_change_password,
       p.disabled_time IS NOT NULL AS disabled
FROM person p
WHERE p.user_name = $1;

-- name: credentials_password
-- Links to a new one open nothing any more. $1 person, $2 hash, $3 when it was set, $4 whether it must be changed at the next
-- sign-in.
WITH void AS (
    UPDATE one_time_link SET used_time = $3 WHERE person_id = $1 AND used_time IS NULL
)
UPDATE person
SET password_hash = $2, password_time = $3, must_change_password = $4, revision = revision + 1
WHERE id = $1;

-- name: credentials_rehashed
-- The same password under other parameters, where it is still that one. $1 person, $2 new hash, $3 the former one.
UPDATE person SET password_hash = $2 WHERE id = $1 AND password_hash = $3;

-- name: credentials_link
-- Keep a link. $1 hash of its secret, $2 purpose, $3 person or NULL, $4 who made it, $5 now, $6 until when it can be used.
INSERT INTO one_time_link (sha256, purpose, person_id, created_by, created_time, expires_time)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: credentials_links_void
-- Earlier links of the same purpose and person open nothing any more. $1 purpose, $2 person or NULL, $3 now.
UPDATE one_time_link SET used_time = $3
WHERE purpose = $1 AND person_id IS NOT DISTINCT FROM $2 AND used_time IS NULL;

-- name: credentials_link_look
-- Whom a link is for, while it can be used. $1 hash of its secret, $2 now.
SELECT l.purpose, l.expires_time, p.id AS person_id, p.user_name, p.display_name
FROM one_time_link l LEFT JOIN person p ON p.id = l.person_id
WHERE l.sha256 = $1 AND l.used_time IS NULL AND l.expires_time > $2
  AND p.disabled_time IS NULL;

-- name: credentials_link_use
-- Take a link, once. $1 hash of its secret, $2 now.
UPDATE one_time_link SET used_time = $2
WHERE sha256 = $1 AND used_time IS NULL AND expires_time > $2
RETURNING purpose, person_id;

-- name: credentials_nobody
-- Whether nobody is there who could manage people.
SELECT NOT EXISTS (
    SELECT FROM person p JOIN role_grant g ON g.person_id = p.id
    WHERE g.role = 'administrator' AND num_nonnulls(g.station_kinds, g.organizations, g.districts, g.domains) = 0
      AND p.disabled_time IS NULL AND (p.password_hash IS NOT NULL OR p.issuer IS NOT NULL)
);
