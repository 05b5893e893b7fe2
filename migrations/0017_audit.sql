-- The trail: who changed what, when, from where and why, written with the change itself and chained by hashes.
-- depends: 0016_station_access

SET lock_timeout = '4s';

-- One entry for each change of an audited row. Entries are only ever added, by the functions below, at COMMIT of the change.
-- What the hash is taken of is defined by audit_append(); src/identity/trail/canonical.py computes the same.
CREATE TABLE audit_entry (
    -- Without gaps, in the order of the COMMITs.
    number          bigint PRIMARY KEY,
    time            timestamptz NOT NULL,
    -- As the service said who acts, from where and why; `database:<login>` where a change came past the service.
    actor           text NOT NULL,
    address         text NOT NULL,
    reason          text NOT NULL,
    -- What the database itself knows: the login of the session, and the transaction.
    login           text NOT NULL,
    transaction_id  xid8 NOT NULL,
    action          text NOT NULL CHECK (action IN ('insert', 'update', 'delete', 'truncate')),
    relation        text NOT NULL,
    -- What was changed, by the columns that name it.
    subject         text NOT NULL,
    -- The row; of an update the members that changed. Secrets and their hashes are left out, or told as (hidden).
    before          jsonb,
    after           jsonb,
    -- The hash of the entry before, and of this one.
    previous        bytea NOT NULL CHECK (length(previous) = 32),
    hash            bytea NOT NULL CHECK (length(hash) = 32)
);
CREATE INDEX audit_entry_subject ON audit_entry (relation, subject, number);
CREATE INDEX audit_entry_actor ON audit_entry (actor, number);
CREATE INDEX audit_entry_time ON audit_entry (time, number);

-- Nothing but its lock is used: who adds entries holds it from there to the end of COMMIT.
CREATE TABLE audit_lock ();

DO $$
BEGIN
    -- Lengths in bytes of what is hashed are those of UTF-8.
    IF getdatabaseencoding() <> 'UTF8' THEN
        RAISE EXCEPTION 'The database has the encoding %, and must have UTF8.', getdatabaseencoding();
    END IF;
END
$$;

-- Adds an entry behind the last one. hash = sha256(previous || fields), the fields being number, time (microseconds since
-- 1970-01-01T00:00:00Z), actor, address, reason, login, transaction, action, relation, subject, before and after as text in
-- UTF-8, each written as its length in bytes, a colon, itself and a comma (`4:true,`); NULL is `-,`. The first entry's previous
-- hash is 32 zero bytes. Called at COMMIT, when the work's own locks are all taken: nobody waits for another in a circle. Only
-- the functions below call it, which have the owner's rights and a search path of their own.
CREATE FUNCTION audit_append(act text, changed text, named text, was jsonb, became jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    number_text text;
    moment timestamptz;
    moment_text text;
    who text := nullif(current_setting('quantrac.actor', true), '');
    client text;
    why text;
    login_text text := session_user;
    transaction_text text := pg_current_xact_id();
    was_text text := was;
    became_text text := became;
    last_number bigint;
    last_hash bytea;
BEGIN
    IF who IS NULL THEN
        who := 'database:' || login_text;
        client := coalesce(host(inet_client_addr()), '');
        why := '';
    ELSE
        client := coalesce(current_setting('quantrac.address', true), '');
        why := coalesce(current_setting('quantrac.reason', true), '');
    END IF;
    LOCK TABLE public.audit_lock IN SHARE ROW EXCLUSIVE MODE;
    SELECT e.number, e.hash INTO last_number, last_hash FROM public.audit_entry e ORDER BY e.number DESC LIMIT 1;
    IF last_number IS NULL THEN
        last_number := 0;
        last_hash := decode(repeat('00', 32), 'hex');
    END IF;
    moment := clock_timestamp();
    number_text := last_number + 1;
    moment_text := (extract(epoch FROM moment) * 1000000)::bigint;
    -- A transaction that reads an older state than the last entry's is told by the server to try again.
    INSERT INTO public.audit_entry (number, time, actor, address, reason, login, transaction_id, action, relation, subject, before,
                                    after, previous, hash)
    VALUES (last_number + 1, moment, who, client, why, login_text, transaction_text::xid8, act, changed, named, was, became,
            last_hash, sha256(last_hash || convert_to(
                octet_length(number_text)::text || ':' || number_text || ',' ||
                octet_length(moment_text)::text || ':' || moment_text || ',' ||
                octet_length(who)::text || ':' || who || ',' ||
                octet_length(client)::text || ':' || client || ',' ||
                octet_length(why)::text || ':' || why || ',' ||
                octet_length(login_text)::text || ':' || login_text || ',' ||
                octet_length(transaction_text)::text || ':' || transaction_text || ',' ||
                octet_length(act)::text || ':' || act || ',' ||
                octet_length(changed)::text || ':' || changed || ',' ||
                octet_length(named)::text || ':' || named || ',' ||
                coalesce(octet_length(was_text)::text || ':' || was_text, '-') || ',' ||
                coalesce(octet_length(became_text)::text || ':' || became_text, '-') || ',', 'UTF8')))
    ON CONFLICT DO NOTHING;
END
$$;

-- Writes what became of a row. Arguments: the columns that name it, and those whose contents nobody may read here.
CREATE FUNCTION audit_change() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    naming text[] := TG_ARGV[0];
    hidden text[] := TG_ARGV[1];
    was jsonb;
    became jsonb;
    whole jsonb;
    subject text;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        was := to_jsonb(OLD);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        became := to_jsonb(NEW);
    END IF;
    whole := coalesce(was, became);
    IF TG_OP = 'UPDATE' THEN
        SELECT jsonb_object_agg(o.key, CASE WHEN o.key = ANY (hidden) AND o.value <> 'null' THEN '"(hidden)"' ELSE o.value END),
               jsonb_object_agg(n.key, CASE WHEN n.key = ANY (hidden) AND n.value <> 'null' THEN '"(hidden)"' ELSE n.value END)
        INTO was, became
        FROM jsonb_each(was) o JOIN jsonb_each(became) n ON n.key = o.key
        WHERE n.value <> o.value;
    ELSE
        was := was - hidden;
        became := became - hidden;
    END IF;
    subject := coalesce(whole ->> naming[1], '');
    FOR place IN 2 .. cardinality(naming) LOOP
        subject := subject || '/' || coalesce(whole ->> naming[place], '');
    END LOOP;
    PERFORM public.audit_append(lower(TG_OP), TG_TABLE_NAME, subject, was, became);
    RETURN NULL;
END
$$;

CREATE FUNCTION audit_truncation() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM public.audit_append('truncate', TG_TABLE_NAME, '', NULL, NULL);
    RETURN NULL;
END
$$;

-- Lets every change of a table into the trail, whoever makes it; called again, it settles anew. naming: the columns whose values
-- make the subject of an entry. hidden: columns whose contents stay out. quiet: columns that change by themselves; an update of
-- nothing else is no entry. kinds: of changes, where not all of them are meant. only_if: which new rows are meant.
CREATE FUNCTION audit_relation(
    relation regclass, naming text[], hidden text[] DEFAULT '{}', quiet text[] DEFAULT '{}',
    kinds text[] DEFAULT '{INSERT,UPDATE,DELETE}', only_if text DEFAULT NULL
) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    kind text;
    condition text;
BEGIN
    EXECUTE format('DROP TRIGGER IF EXISTS audited_truncate ON %s', relation);
    EXECUTE format('CREATE TRIGGER audited_truncate AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION audit_truncation()',
                   relation);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER audited_truncate', relation);
    FOREACH kind IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', 'audited_' || lower(kind), relation);
        CONTINUE WHEN NOT kind = ANY (kinds);
        condition := 'true';
        IF kind = 'INSERT' AND only_if IS NOT NULL THEN
            condition := only_if;
        ELSIF kind = 'UPDATE' AND quiet = '{}' THEN
            condition := 'OLD.* IS DISTINCT FROM NEW.*';
        ELSIF kind = 'UPDATE' THEN
            SELECT string_agg(format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', attname), ' OR ' ORDER BY attnum) INTO condition
            FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped AND attname <> ALL (quiet);
        END IF;
        EXECUTE format(
            'CREATE CONSTRAINT TRIGGER %I AFTER %s ON %s DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (%s) '
            'EXECUTE FUNCTION audit_change(%L, %L)', 'audited_' || lower(kind), kind, relation, condition, naming, hidden);
        -- Also where a session has switched off what it may switch off.
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', relation, 'audited_' || lower(kind));
    END LOOP;
END
$$;

-- The days of what was measured: a change of an observation or a receipt is no act of anybody and writes no entry, so each day
-- (of UTC+7, by the time of receipt) is summed up once it is over, and the sum joins the chain as an entry like any other.
CREATE TABLE audit_digest (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day             date NOT NULL,
    -- NULL: all receipts of the day but those that another digest names. Otherwise those that were committed after the day was
    -- summed up.
    late_receipts   bigint[],
    receipts_n      integer NOT NULL,
    observations_n  integer NOT NULL,
    conflicts_n     integer NOT NULL,
    quarantined_n   integer NOT NULL,
    -- sha256 of its leaves in the order of (kind, part): kind, part, n and sha256 in hexadecimal, each written as above.
    root            bytea NOT NULL CHECK (length(root) = 32),
    -- What was committed by then.
    seen            pg_snapshot NOT NULL,
    made_time       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX audit_digest_day ON audit_digest (day) WHERE late_receipts IS NULL;

CREATE TABLE audit_leaf (
    digest_id       integer NOT NULL REFERENCES audit_digest,
    kind            text NOT NULL CHECK (kind IN ('receipt', 'observation', 'conflict', 'quarantine')),
    -- The datastream of observations and conflicts, the station of receipts and quarantine; 0: of no single one.
    part            integer NOT NULL,
    n               integer NOT NULL,
    sha256          bytea NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (digest_id, kind, part)
);

-- Whoever owns the tables could take this away; that is what the hashes are for, and a head that is kept elsewhere.
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the trail is only ever added to', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
DO $$
DECLARE
    relation text;
BEGIN
    FOREACH relation IN ARRAY ARRAY['audit_entry', 'audit_digest', 'audit_leaf'] LOOP
        EXECUTE format('CREATE TRIGGER refused BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT '
                       'EXECUTE FUNCTION audit_refuse()', relation);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER refused', relation);
    END LOOP;
    -- Only the triggers of audited tables write entries.
    CREATE TRIGGER refused_insert BEFORE INSERT ON audit_entry FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
        EXECUTE FUNCTION audit_refuse();
    ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER refused_insert;
END
$$;

-- Trigger functions are called by the server; nobody else has business with these.
REVOKE ALL ON FUNCTION audit_append(text, text, text, jsonb, jsonb), audit_change(), audit_truncation(), audit_refuse(),
    audit_relation(regclass, text[], text[], text[], text[], text) FROM PUBLIC;

DO $$
BEGIN
    PERFORM audit_relation('organization', '{code}');
    PERFORM audit_relation('station', '{code}');
    PERFORM audit_relation('observed_property', '{symbol}');
    PERFORM audit_relation('datastream', '{id}');
    PERFORM audit_relation('datastream_alias', '{station_id,alias}');
    PERFORM audit_relation('rule_set', '{code}');
    PERFORM audit_relation('rule_limit', '{rule_set_id,observed_property_id,averaging}');
    PERFORM audit_relation('datastream_limit', '{id}');
    -- Each follows a change of its limit by itself, so only what nobody ever does to it is told.
    PERFORM audit_relation('limit_version', '{limit_id}', kinds => '{UPDATE,DELETE}');
    PERFORM audit_relation('averaging_policy', '{id}');
    PERFORM audit_relation('judging_due', '{datastream_id}', kinds => '{INSERT}', only_if => 'NEW.cause = ''asked''');
    PERFORM audit_relation('station_key', '{id}', hidden => '{sha256,nats_bcrypt,mosquitto_pbkdf2}');
    PERFORM audit_relation('station_quota', '{station_id}');
    PERFORM audit_relation('station_enrolment', '{id}', hidden => '{sha256}');
    PERFORM audit_relation('alert_rule', '{id}');
    PERFORM audit_relation('alert', '{id}', quiet => '{last_time,detail,updated_time,revision}');
    PERFORM audit_relation('alert_move', '{alert_id}');
    PERFORM audit_relation('station_window', '{id}');
    PERFORM audit_relation('quarantine', '{id}', kinds => '{UPDATE,DELETE}');
    PERFORM audit_relation('webhook_endpoint', '{id}', quiet => '{failures_in_row,failing_since,paused_until,revision}');
    PERFORM audit_relation('webhook_secret', '{endpoint_id}', hidden => '{sealed}');
    PERFORM audit_relation('mail_subscription', '{id}');
    PERFORM audit_relation('person', '{user_name}', hidden => '{password_hash}', quiet => '{signed_in_time}');
    PERFORM audit_relation('access_token', '{id}', hidden => '{sha256}', quiet => '{used_time,used_address}');
    PERFORM audit_relation('role_grant', '{id}');
    PERFORM audit_relation('staff_session', '{id}', hidden => '{sha256}', quiet => '{seen_time,expires_time}');
    PERFORM audit_relation('one_time_link', '{purpose,person_id}', hidden => '{sha256}');
    PERFORM audit_relation('relation_right', '{role,relation}');
    PERFORM audit_relation('audit_digest', '{day}', kinds => '{INSERT}');
END
$$;

-- The trail tells of people and of what they did: for the staff, whose routes ask for the right to it, and not for dashboards.
INSERT INTO relation_right (role, relation, privileges) VALUES
    ('quantrac_staff', 'audit_entry', 'SELECT'),
    ('quantrac_staff', 'audit_digest', 'SELECT'),
    ('quantrac_staff', 'audit_leaf', 'SELECT'),
    -- Sums days up, and tells the head of the chain.
    ('quantrac_watch', 'audit_entry', 'SELECT (number, time, hash)'),
    ('quantrac_watch', 'audit_digest', 'SELECT, INSERT'),
    ('quantrac_watch', 'audit_leaf', 'SELECT, INSERT');
DO $$ BEGIN PERFORM settle_rights(); END $$;
