-- name: tokens_page
-- Tokens, the one that expires first first. $1 a person's only; $2 true: service tokens only; $3 live, expired or revoked;
-- $4 live ones that expire within so many days; $5 and $6 expiry and id before the page; $7 rows. NULL does not restrict.
SELECT * FROM (
    SELECT t.id, t.label, p.user_name AS "user", t.rights, t.created_by, t.created_time, t.expires_time, t.revoked_time,
           t.used_time, host(t.used_address) AS used_address,
           CASE WHEN t.revoked_time IS NOT NULL THEN 'revoked' WHEN t.expires_time <= now() THEN 'expired' ELSE 'live' END AS state
    FROM access_token t LEFT JOIN person p ON p.id = t.person_id
    WHERE ($1::integer IS NULL OR t.person_id = $1)
      AND ($2::boolean IS NULL OR (t.person_id IS NULL) = $2)
) told
WHERE ($3::text IS NULL OR state = $3)
  AND ($4::integer IS NULL OR (state = 'live' AND expires_time <= now() + make_interval(days => $4)))
  AND ($5::timestamptz IS NULL OR (expires_time, id COLLATE "C") > ($5, $6))
ORDER BY expires_time, id COLLATE "C"
LIMIT $7;

-- name: token_by_id
-- $1 id.
SELECT t.id, t.label, p.user_name AS "user", t.rights, t.created_by, t.created_time, t.expires_time, t.revoked_time,
       t.used_time, host(t.used_address) AS used_address, t.person_id,
       CASE WHEN t.revoked_time IS NOT NULL THEN 'revoked' WHEN t.expires_time <= now() THEN 'expired' ELSE 'live' END AS state
FROM access_token t LEFT JOIN person p ON p.id = t.person_id
WHERE t.id = $1;

-- name: token_secret
-- Of a token that holds now, what it is known by and may do. $1 id.
SELECT sha256, person_id, rights FROM access_token WHERE id = $1 AND revoked_time IS NULL AND expires_time > now();

-- name: token_insert
-- $1 id, $2 sha256, $3 label, $4 person or NULL, $5 rights or NULL, $6 who makes it, $7 expiry.
INSERT INTO access_token (id, sha256, label, person_id, rights, created_by, expires_time) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: tokens_live
-- How many live tokens a person has; the person's row is held, so that two requests cannot both make the last one. $1 person.
SELECT (SELECT count(*) FROM access_token t WHERE t.person_id = p.id AND t.revoked_time IS NULL AND t.expires_time > now())
FROM person p WHERE p.id = $1 FOR UPDATE OF p;

-- name: token_revoke
-- $1 id. A second time changes nothing.
UPDATE access_token SET revoked_time = now() WHERE id = $1 AND revoked_time IS NULL;

-- name: tokens_used
-- Columns of the same length: $1 id, $2 when it was last used, $3 from where, as text that an address may be in.
UPDATE access_token t
SET used_time = n.used_time, used_address = n.address::inet
FROM unnest($1::text[], $2::timestamptz[], $3::text[]) AS n (id, used_time, address)
WHERE t.id = n.id AND (t.used_time IS NULL OR t.used_time < n.used_time);
