-- name: oidc_attempt_begin
-- A sign-in begins; none where $6 of them wait already. Those that nobody can end any more go.
-- $1 SHA-256 of its state, $2 SHA-256 of what the browser keeps, $3 nonce, $4 code verifier, $5 where to go afterwards,
-- $6 most that may wait, $7 seconds that one may take
WITH gone AS (
    DELETE FROM oidc_attempt WHERE created_time < now() - make_interval(secs => $7)
)
INSERT INTO oidc_attempt (sha256, browser_sha256, nonce, verifier, return_path)
SELECT $1, $2, $3, $4, $5
 WHERE (SELECT count(*) FROM oidc_attempt WHERE created_time >= now() - make_interval(secs => $7)) < $6
RETURNING 1;

-- name: oidc_attempt_end
-- Ends a sign-in, once, for the browser that began it.
-- $1 SHA-256 of its state, $2 SHA-256 of what the browser keeps, $3 seconds that one may take
DELETE FROM oidc_attempt
 WHERE sha256 = $1 AND browser_sha256 = $2
RETURNING nonce, verifier, return_path, created_time >= now() - make_interval(secs => $3) AS in_time;
