-- name: trail_page
-- Entries, newest first: by actor $1, table $2, subject $3, action $4, from the time $5 until before $6, numbers below $7, most
-- rows $8. A filter that is NULL is off.
SELECT number, time, actor, address, reason, login, transaction_id::text AS transaction_id, action, relation, subject,
       before::text AS before, after::text AS after, previous, hash
FROM audit_entry
WHERE ($1::text IS NULL OR actor = $1)
  AND ($2::text IS NULL OR relation = $2)
  AND ($3::text IS NULL OR subject = $3)
  AND ($4::text IS NULL OR action = $4)
  AND ($5::timestamptz IS NULL OR time >= $5)
  AND ($6::timestamptz IS NULL OR time < $6)
  AND ($7::bigint IS NULL OR number < $7)
ORDER BY number DESC
LIMIT $8;

-- name: trail_entry
-- The entry $1.
SELECT number, time, actor, address, reason, login, transaction_id::text AS transaction_id, action, relation, subject,
       before::text AS before, after::text AS after, previous, hash
FROM audit_entry
WHERE number = $1;

-- name: trail_entries
-- Entries with numbers above $1 and up to $2, in their order; most rows $3.
SELECT number, time, actor, address, reason, login, transaction_id::text AS transaction_id, action, relation, subject,
       before::text AS before, after::text AS after, previous, hash
FROM audit_entry
WHERE number > $1 AND number <= $2
ORDER BY number
LIMIT $3;

-- name: trail_head
-- The newest entry.
SELECT number, hash, time FROM audit_entry ORDER BY number DESC LIMIT 1;

-- name: trail_link
-- Number and hash of the entry $1.
SELECT number, hash FROM audit_entry WHERE number = $1;

-- name: trail_span
-- Numbers of the first and the last entry from the time $1 until before $2; NULL is open.
SELECT min(number) AS first, max(number) AS last
FROM audit_entry
WHERE ($1::timestamptz IS NULL OR time >= $1) AND ($2::timestamptz IS NULL OR time < $2);
