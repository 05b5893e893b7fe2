-- name: roles_create_groups
-- Makes the roles that relation_right speaks of, without login, where they are not there yet; safe beside another that does so.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT DISTINCT role FROM relation_right EXCEPT SELECT rolname FROM pg_roles LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
END
$$;

-- name: roles_settle
-- Grants what the roles may do, and takes back what they may not; returns how many rights were granted.
SELECT settle_rights();

-- name: roles_login
-- What roles_make_login is about, for this transaction: the login's name $1, the verifier of its password $2, its group $3.
SELECT set_config('quantrac.login', $1, true), set_config('quantrac.verifier', $2, true), set_config('quantrac.group', $3, true);

-- name: roles_make_login
-- Makes the login, or gives it its password anew, and lets it be in its group and in no other of ours.
DO $$
DECLARE
    login text := current_setting('quantrac.login');
    chosen text := current_setting('quantrac.group');
    other text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
        BEGIN
            EXECUTE format('CREATE ROLE %I', login);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L', login, current_setting('quantrac.verifier'));
    EXECUTE format('GRANT %I TO %I', chosen, login);
    FOR other IN
        SELECT g.rolname
        FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member
        WHERE r.rolname = login AND g.rolname <> chosen AND g.rolname IN (SELECT role FROM relation_right)
    LOOP
        EXECUTE format('REVOKE %I FROM %I', other, login);
    END LOOP;
END
$$;

-- name: roles_powers
-- Whether the role $1 is there and can do more than a process of the service should: it is a superuser or owns the tables.
SELECT r.rolsuper OR pg_has_role(r.oid, c.relowner, 'USAGE') AS powerful
FROM pg_roles r JOIN pg_class c ON c.oid = 'observation'::regclass
WHERE r.rolname = $1;

-- name: roles_shown
-- The groups: whether they are there, who may log in as a member, and what each may do.
SELECT g.role AS name,
       EXISTS (SELECT FROM pg_roles r WHERE r.rolname = g.role) AS there,
       ARRAY(SELECT m.rolname::text
             FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid
             WHERE r.rolname = g.role AND m.rolcanlogin AND NOT m.rolsuper ORDER BY 1) AS logins,
       array_agg(g.relation ORDER BY g.relation) AS relations,
       array_agg(g.privileges ORDER BY g.relation) AS privileges
FROM relation_right g GROUP BY g.role ORDER BY g.role;
