-- name: session_insert
-- $1 id, $2 hash of the cookie, $3 person, $4 method, $5 the provider's name of it, $6 address, $7 browser, $8 now, $9 its end.
INSERT INTO staff_session
    (id, sha256, person_id, method, provider_session, address, user_agent, created_time, seen_time, expires_time)
VALUES ($1, $2, $3, $4, $5, $6::text::inet, $7, $8, $8, $9);

-- name: session_signed_in
-- $1 person, $2 now.
UPDATE person SET signed_in_time = $2 WHERE id = $1;

-- name: session_trim
-- The oldest sessions of a person that has too many end. $1 person, $2 how many stay, $3 now.
UPDATE staff_session SET ended_time = $3, ended_reason = 'replaced'
WHERE id IN (
    SELECT id FROM staff_session WHERE person_id = $1 AND ended_time IS NULL AND expires_time > $3
    ORDER BY created_time DESC, id OFFSET $2
);

-- name: session_forget
-- Sessions that nobody asks for any more; the trail has them. $1 person, $2 those that ended before.
DELETE FROM staff_session WHERE person_id = $1 AND expires_time < $2;

-- name: session_find
-- The session of a cookie, if it holds. $1 hash of the cookie, $2 now, $3 seen after.
SELECT s.id, s.person_id, s.seen_time, p.must_change_password
FROM staff_session s JOIN person p ON p.id = s.person_id
WHERE s.sha256 = $1 AND s.ended_time IS NULL AND s.expires_time > $2 AND s.seen_time > $3 AND p.disabled_time IS NULL;

-- name: session_seen
-- $1 id, $2 now.
UPDATE staff_session SET seen_time = greatest(seen_time, $2) WHERE id = $1;

-- name: session_list
-- Sessions of a person that hold, the latest first. $1 person, $2 now, $3 seen after.
SELECT s.id, s.method, host(s.address) AS address, s.user_agent, s.created_time, s.seen_time, s.expires_time
FROM staff_session s
WHERE s.person_id = $1 AND s.ended_time IS NULL AND s.expires_time > $2 AND s.seen_time > $3
ORDER BY s.seen_time DESC, s.id;

-- name: session_one
-- $1 id, $2 now.
SELECT s.id, s.method, host(s.address) AS address, s.user_agent, s.created_time, s.seen_time, s.expires_time
FROM staff_session s
WHERE s.id = $1 AND s.ended_time IS NULL AND s.expires_time > $2;

-- name: session_end
-- End sessions of a person. $1 person, $2 the only one to end or NULL, $3 the only one to leave or NULL, $4 now, $5 why.
UPDATE staff_session SET ended_time = $4, ended_reason = $5
WHERE person_id = $1 AND ended_time IS NULL AND expires_time > $4
  AND ($2::text IS NULL OR id = $2) AND ($3::text IS NULL OR id <> $3)
RETURNING id;

-- name: session_end_by_cookie
-- $1 hash of the cookie, $2 now, $3 why.
UPDATE staff_session SET ended_time = $2, ended_reason = $3 WHERE sha256 = $1 AND ended_time IS NULL;

-- name: session_end_of_provider
-- End what began at the identity provider. $1 issuer, $2 subject or NULL, $3 the provider's name of the session or NULL,
-- $4 now.
UPDATE staff_session s SET ended_time = $4, ended_reason = 'provider'
FROM person p
WHERE p.id = s.person_id AND p.issuer = $1 AND s.method = 'oidc' AND s.ended_time IS NULL AND s.expires_time > $4
  AND num_nonnulls($2::text, $3::text) > 0
  AND ($2::text IS NULL OR p.subject = $2) AND ($3::text IS NULL OR s.provider_session = $3)
RETURNING s.id;

-- name: session_acquainted
-- Whether the person signed in from the network lately. $1 user name, $2 network, $3 since when.
SELECT EXISTS (
    SELECT FROM staff_session s JOIN person p ON p.id = s.person_id
    WHERE p.user_name = $1 AND s.address <<= $2::text::inet AND s.created_time > $3
);
