-- name: feeds_open
-- Gives the reader $1 a position at what is committed now, unless it has one.
INSERT INTO feed_position (reader, seen) VALUES ($1, pg_current_snapshot()) ON CONFLICT DO NOTHING;

-- name: feeds_restart
-- Sets the reader $1 to what is committed now when its position lies ahead of the server: the database was restored into a
-- younger cluster, whose transactions count anew.
UPDATE feed_position
SET seen = pg_current_snapshot(), target = NULL, transaction_id = '0', row_id = 0, seen_time = now(), target_time = NULL,
    moved_time = now()
WHERE reader = $1 AND pg_snapshot_xmax(seen) > pg_snapshot_xmax(pg_current_snapshot())
RETURNING reader;

-- name: feeds_lock
-- Whether this transaction is the one that reads for the reader $1; it is until it ends.
SELECT pg_try_advisory_xact_lock(hashtextextended('quantrac.feed.' || $1, 0));

-- name: feeds_position
-- Where the reader $1 stands, and whether that was written down long ago.
SELECT seen::text AS seen, target::text AS target, transaction_id::text AS transaction_id, row_id, seen_time, target_time,
       moved_time < now() - INTERVAL '10 seconds' AS stale
FROM feed_position WHERE reader = $1;

-- name: feeds_now
-- What is committed now.
SELECT pg_current_snapshot()::text AS seen, now() AS seen_time;

-- name: feeds_move
-- Notes the position of the reader $1: seen $2, target $3, transaction id $4, row id $5, times $6 of seen and $7 of target.
UPDATE feed_position
SET seen = $2::text::pg_snapshot, target = $3::text::pg_snapshot, transaction_id = $4::text::xid8, row_id = $5,
    seen_time = coalesce($6, seen_time), target_time = $7, moved_time = now()
WHERE reader = $1;
