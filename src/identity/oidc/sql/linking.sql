-- name: linking_settle
-- Whom a person is at the provider; no row where somebody else is. $1 person, $2 issuer, $3 subject, or NULL for nobody.
UPDATE person SET issuer = $2, subject = $3, revision = revision + 1
 WHERE id = $1
   AND NOT EXISTS (SELECT FROM person other WHERE other.issuer = $2::text AND other.subject = $3::text AND other.id <> $1)
RETURNING id;
