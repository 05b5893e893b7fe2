-- What each group of processes may do with each relation, and how that is granted where the groups' roles exist.
-- depends: 0013_reports

SET lock_timeout = '4s';

-- Roles belong to the whole cluster and need rights to create that the owner of a schema may not have: `quantrac roles create`
-- makes them. Here stands what they may do. A relation that has no row for a role is closed to it, so whoever adds a relation
-- adds its rows and calls settle_rights() in the same migration; a test asks for it.
CREATE TABLE relation_right (
    role            text NOT NULL CHECK (role ~ '^quantrac_[a-z]+$'),
    relation        text NOT NULL,
    -- As GRANT takes them, with columns where not all of them are meant: SELECT, UPDATE (state).
    privileges      text NOT NULL CHECK (privileges ~ '^(SELECT|INSERT|UPDATE|DELETE|USAGE)( \([a-z0-9_, ]+\))?(, (SELECT|INSERT|UPDATE|DELETE)( \([a-z0-9_, ]+\))?)*$'),
    PRIMARY KEY (role, relation)
);

-- Grants what relation_right says and takes back what it does not say; returns how many pairs of role and relation it granted.
-- Roles that do not exist are passed over, so it runs with the rights of the tables' owner alone. Called again, it changes nothing.
CREATE FUNCTION settle_rights() RETURNS integer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    found record;
    granted integer := 0;
BEGIN
    -- Two at a time would write to the same rows of the server's catalogue.
    PERFORM pg_advisory_xact_lock(hashtextextended('quantrac rights', 0));
    FOR found IN
        SELECT r.rolname FROM pg_roles r WHERE r.rolname IN (SELECT role FROM relation_right)
    LOOP
        -- Everybody has these unless somebody took them away; only then they are ours to grant.
        IF NOT has_database_privilege(found.rolname, current_database(), 'CONNECT')
            OR NOT has_database_privilege(found.rolname, current_database(), 'TEMPORARY') THEN
            EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), found.rolname);
        END IF;
        IF NOT has_schema_privilege(found.rolname, 'public', 'USAGE') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', found.rolname);
        END IF;
    END LOOP;
    FOR found IN
        SELECT r.rolname, c.relname, c.relkind, g.privileges,
               EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = r.oid)
               OR EXISTS (SELECT FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = c.oid AND a.grantee = r.oid) AS had
        FROM pg_roles r
        CROSS JOIN pg_class c
        LEFT JOIN relation_right g ON g.role = r.rolname AND g.relation = c.relname
        WHERE r.rolname IN (SELECT role FROM relation_right)
          AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
        ORDER BY c.relname, r.rolname
    LOOP
        IF found.had THEN
            EXECUTE format('REVOKE ALL ON %s %I FROM %I',
                CASE found.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, found.relname, found.rolname);
        END IF;
        IF found.privileges IS NOT NULL THEN
            EXECUTE format('GRANT %s ON %s %I TO %I',
                found.privileges, CASE found.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, found.relname, found.rolname);
            granted := granted + 1;
        END IF;
    END LOOP;
    RETURN granted;
END
$$;

-- Nobody but the owner changes or deletes what was measured: there is no UPDATE and no DELETE for observation, receipt and
-- reading_conflict below, and of quarantine only what a person decided about it changes.

-- quantrac_ingest: what `quantrac consume` and `quantrac broker-config` need. It never sees what is kept about people or receivers.
INSERT INTO relation_right (role, relation, privileges) VALUES
    ('quantrac_ingest', 'observation', 'SELECT, INSERT'),
    ('quantrac_ingest', 'receipt', 'SELECT, INSERT'),
    ('quantrac_ingest', 'reading_conflict', 'SELECT, INSERT'),
    ('quantrac_ingest', 'quarantine', 'SELECT, INSERT'),
    ('quantrac_ingest', 'receipt_id', 'USAGE'),
    ('quantrac_ingest', 'station_key', 'SELECT'),
    ('quantrac_ingest', 'mqtt_session', 'SELECT, INSERT, UPDATE (subscribed_time)');

-- The catalogue, for everybody who matches, judges or shows.
INSERT INTO relation_right (role, relation, privileges)
SELECT role, relation, 'SELECT'
FROM unnest(ARRAY['quantrac_ingest', 'quantrac_reader', 'quantrac_watch']) AS role,
     unnest(ARRAY['organization', 'station', 'observed_property', 'datastream', 'datastream_alias', 'rule_set', 'rule_limit',
                  'datastream_limit', 'averaging_policy', 'limit_version', 'alert_rule', 'station_window', 'catalog_revision',
                  'feed_position', '_yoyo_migration']) AS relation;

-- quantrac_reader: dashboards and exports. No keys, no secrets, no addresses of people.
INSERT INTO relation_right (role, relation, privileges)
SELECT 'quantrac_reader', relation, 'SELECT'
FROM unnest(ARRAY['observation', 'observation_hourly', 'observation_daily', 'receipt', 'reading_conflict', 'quarantine', 'verdict',
                  'verdict_former', 'verdict_told', 'verdict_former_told', 'judging_due', 'judging_progress', 'alert', 'alert_move', 'alert_recheck',
                  'event']) AS relation;

-- quantrac_watch: what `quantrac watch` needs. It reads what was measured and writes what follows from it.
INSERT INTO relation_right (role, relation, privileges)
SELECT 'quantrac_watch', relation, 'SELECT'
FROM unnest(ARRAY['observation', 'observation_hourly', 'observation_daily', 'receipt', 'reading_conflict', 'quarantine',
                  'verdict_told', 'verdict_former_told', 'webhook_secret']) AS relation;
INSERT INTO relation_right (role, relation, privileges) VALUES
    ('quantrac_watch', 'station_key', 'SELECT (id, station_id, sha256, label, created_time, expires_time, revoked_time)'),
    ('quantrac_watch', 'verdict', 'SELECT, INSERT, UPDATE, DELETE'),
    ('quantrac_watch', 'verdict_former', 'SELECT, INSERT'),
    ('quantrac_watch', 'judging_due', 'SELECT, INSERT, UPDATE, DELETE'),
    ('quantrac_watch', 'judging_progress', 'SELECT, INSERT, UPDATE'),
    ('quantrac_watch', 'alert', 'SELECT, INSERT, UPDATE'),
    ('quantrac_watch', 'alert_move', 'SELECT, INSERT'),
    ('quantrac_watch', 'alert_recheck', 'SELECT, INSERT, UPDATE, DELETE'),
    ('quantrac_watch', 'event', 'SELECT, INSERT, DELETE'),
    ('quantrac_watch', 'webhook_endpoint', 'SELECT, UPDATE'),
    ('quantrac_watch', 'webhook_message', 'SELECT, INSERT, DELETE'),
    ('quantrac_watch', 'webhook_delivery', 'SELECT, INSERT, UPDATE'),
    ('quantrac_watch', 'webhook_attempt', 'SELECT, INSERT'),
    -- A row is locked by the right to change any column of it.
    ('quantrac_watch', 'mail_subscription', 'SELECT, UPDATE (revision)'),
    ('quantrac_watch', 'mail_message', 'SELECT, INSERT, UPDATE, DELETE'),
    ('quantrac_watch', 'mail_item', 'SELECT, INSERT, UPDATE, DELETE');
UPDATE relation_right SET privileges = 'SELECT, INSERT, UPDATE' WHERE role = 'quantrac_watch' AND relation = 'feed_position';

-- quantrac_staff: what `quantrac serve` and the commands of the staff need: intake, the catalogue, and what people decide.
INSERT INTO relation_right (role, relation, privileges)
SELECT 'quantrac_staff', relation, 'SELECT'
FROM unnest(ARRAY['observation_hourly', 'observation_daily', 'verdict', 'verdict_former', 'verdict_told', 'verdict_former_told',
                  'judging_progress', 'feed_position', '_yoyo_migration']) AS relation;
INSERT INTO relation_right (role, relation, privileges)
SELECT 'quantrac_staff', relation, 'SELECT, INSERT'
FROM unnest(ARRAY['observation', 'receipt', 'reading_conflict', 'judging_due', 'limit_version', 'alert_move', 'alert_recheck', 'event',
                  'webhook_message']) AS relation;
INSERT INTO relation_right (role, relation, privileges)
SELECT 'quantrac_staff', relation, 'SELECT, INSERT, UPDATE'
FROM unnest(ARRAY['organization', 'station', 'observed_property', 'datastream', 'rule_set', 'averaging_policy', 'station_window',
                  'alert', 'webhook_delivery', 'mail_message']) AS relation;
INSERT INTO relation_right (role, relation, privileges)
SELECT 'quantrac_staff', relation, 'SELECT, INSERT, UPDATE, DELETE'
FROM unnest(ARRAY['datastream_alias', 'rule_limit', 'datastream_limit', 'alert_rule', 'webhook_endpoint', 'webhook_secret',
                  'mail_subscription', 'mail_item']) AS relation;
INSERT INTO relation_right (role, relation, privileges) VALUES
    ('quantrac_staff', 'receipt_id', 'USAGE'),
    ('quantrac_staff', 'quarantine', 'SELECT, INSERT, UPDATE (resolved_time, resolution, resolved_receipt_id, resolved_note)'),
    ('quantrac_staff', 'station_key', 'SELECT, INSERT, UPDATE (label, expires_time, revoked_time)'),
    ('quantrac_staff', 'catalog_revision', 'SELECT, UPDATE'),
    ('quantrac_staff', 'webhook_attempt', 'SELECT');

-- A bare SELECT would have its result printed by the migration runner.
DO $$ BEGIN PERFORM settle_rights(); END $$;
