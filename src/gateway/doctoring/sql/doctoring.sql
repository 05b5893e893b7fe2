-- name: doctoring_server
-- The server's version and settings, the way that this session came, and where the data lie, which is told to few roles.
SELECT current_setting('server_version') AS version,
       current_setting('server_version_num')::int AS version_number,
       current_setting('fsync') AS fsync,
       current_setting('full_page_writes') AS full_page_writes,
       current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('max_locks_per_transaction')::int AS max_locks_per_transaction,
       host(inet_client_addr()) AS client_address,
       host(inet_server_addr()) AS server_address,
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted,
       (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS data_directory,
       ARRAY(SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE pg_tablespace_location(oid) <> '') AS tablespaces;

-- name: doctoring_extension
-- TimescaleDB as it is installed in this database and as the server has it; no row where the server knows nothing of it.
SELECT a.default_version AS offered, e.extversion AS installed,
       current_setting('timescaledb.max_background_workers', true) IS NOT NULL AS preloaded
FROM pg_available_extensions a LEFT JOIN pg_extension e ON e.extname = a.name
WHERE a.name = 'timescaledb';

-- name: doctoring_role
-- What the role of this session is and may do beyond what a process of the service needs.
SELECT current_user::text AS name, r.rolsuper AS superuser, r.rolcreaterole AS creates_roles, r.rolcreatedb AS creates_databases,
       coalesce(has_schema_privilege('public', 'CREATE'), false) AS changes_schema,
       EXISTS (SELECT FROM pg_class c WHERE c.oid = to_regclass('observation') AND pg_has_role(c.relowner, 'USAGE')) AS owns_tables,
       coalesce(has_table_privilege(to_regclass('observation'), 'UPDATE, DELETE, TRUNCATE'), false) AS changes_observations
FROM pg_roles r WHERE r.rolname = current_user;

-- name: doctoring_tracked
-- Whether this database was ever migrated.
SELECT to_regclass('_yoyo_migration') IS NOT NULL;

-- name: doctoring_applied
-- The migrations that this database has.
SELECT migration_id FROM _yoyo_migration ORDER BY migration_id;

-- name: doctoring_time
SELECT clock_timestamp();

-- name: doctoring_jobs
-- Background jobs that keep our tables in shape, and how their last runs went.
-- TimescaleDB only.
SELECT j.job_id, j.application_name AS name, j.scheduled, s.last_run_status AS last_status, s.total_failures AS failures,
       extract(epoch FROM j.schedule_interval)::float8 AS every_seconds,
       extract(epoch FROM now() - nullif(s.last_successful_finish, '-infinity'))::float8 AS success_age_seconds,
       coalesce(s.next_start = '-infinity', false) AS stuck,
       coalesce(s.job_status, '') AS status
FROM timescaledb_information.jobs j LEFT JOIN timescaledb_information.job_stats s ON s.job_id = j.job_id
WHERE j.hypertable_name IS NOT NULL
ORDER BY j.job_id;

-- name: doctoring_feeds
-- How long ago each reader of a feed has seen everything that was committed then.
SELECT reader, extract(epoch FROM clock_timestamp() - seen_time)::float8 AS age_seconds FROM feed_position ORDER BY reader;

-- name: doctoring_keys
-- Live keys of stations, those of them that expire within $1, and stations in use that had keys and have no live one left.
SELECT count(*) FILTER (WHERE state.live) AS live,
       count(*) FILTER (WHERE state.live AND k.expires_time <= now() + $1::interval) AS expiring,
       (SELECT count(*) FROM station s
        WHERE s.status <> 'retired' AND EXISTS (SELECT FROM station_key o WHERE o.station_id = s.id)
          AND NOT EXISTS (SELECT FROM station_key o WHERE o.station_id = s.id AND o.revoked_time IS NULL
                          AND (o.expires_time IS NULL OR o.expires_time > now()))) AS locked_out
FROM station_key k
CROSS JOIN LATERAL (SELECT k.revoked_time IS NULL AND (k.expires_time IS NULL OR k.expires_time > now()) AS live) state;
