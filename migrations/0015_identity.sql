-- People of the centre and of the enterprises, what they may do, their sessions, and tokens of programs.
-- depends: 0014_roles

SET lock_timeout = '4s';

-- The administrative unit below the province that a station stands in, by which what staff may do can be narrowed.
ALTER TABLE station ADD COLUMN district text CHECK (district ~ '^[^\x01-\x1f\x7f]{1,80}$');
CREATE INDEX station_district ON station (district) WHERE district IS NOT NULL;

CREATE TABLE person (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Stands as actor wherever something was decided, so it never changes and is never given to another.
    user_name       text NOT NULL UNIQUE CHECK (user_name ~ '^[a-z0-9][a-z0-9._@-]{1,62}[a-z0-9]$'),
    display_name    text NOT NULL CHECK (length(display_name) BETWEEN 1 AND 120),
    email           text CHECK (length(email) <= 254),
    -- Argon2id in PHC form; none for those who sign in with the identity provider only.
    password_hash   text CHECK (password_hash LIKE '$argon2id$%'),
    password_time   timestamptz,
    must_change_password boolean NOT NULL DEFAULT false,
    -- At the identity provider.
    issuer          text,
    subject         text,
    disabled_time   timestamptz,
    created_time    timestamptz NOT NULL DEFAULT now(),
    signed_in_time  timestamptz,
    revision        integer NOT NULL DEFAULT 1,
    UNIQUE (issuer, subject),
    CHECK ((issuer IS NULL) = (subject IS NULL)),
    CHECK ((password_hash IS NULL) = (password_time IS NULL))
);

-- A token of a program. A personal one (person_id) can do what its person can, as far as its rights go; a service token
-- has grants of its own.
CREATE TABLE access_token (
    -- Public half of the token `<id>.<secret>`.
    id              text PRIMARY KEY CHECK (id ~ '^qt_[a-z0-9]{8}$'),
    sha256          bytea NOT NULL CHECK (length(sha256) = 32),
    label           text NOT NULL CHECK (length(label) BETWEEN 1 AND 120),
    person_id       integer REFERENCES person,
    -- Names of rights that narrow the grants; NULL narrows nothing.
    rights          text[],
    created_by      text NOT NULL,
    created_time    timestamptz NOT NULL DEFAULT now(),
    expires_time    timestamptz NOT NULL,
    revoked_time    timestamptz,
    used_time       timestamptz,
    used_address    inet,
    CHECK (expires_time > created_time)
);
CREATE INDEX access_token_person ON access_token (person_id) WHERE person_id IS NOT NULL;

-- What a person or a service token may do, and where: NULL narrows nothing.
CREATE TABLE role_grant (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id       integer REFERENCES person,
    token_id        text REFERENCES access_token,
    role            text NOT NULL CHECK (role IN ('viewer', 'operator', 'registrar', 'steward', 'approver', 'administrator')),
    station_kinds   text[] CHECK (station_kinds <@ ARRAY['ambient', 'wastewater', 'flue_gas', 'groundwater']),
    organizations   text[],
    districts       text[],
    domains         text[],
    -- Given by a person here, or by the identity provider's groups, which are looked at again at each sign-in.
    origin          text NOT NULL DEFAULT 'local' CHECK (origin IN ('local', 'provider')),
    granted_by      text NOT NULL,
    granted_time    timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(person_id, token_id) = 1),
    CHECK (cardinality(station_kinds) > 0 AND cardinality(organizations) > 0 AND cardinality(districts) > 0 AND cardinality(domains) > 0)
);
CREATE INDEX role_grant_person ON role_grant (person_id);
CREATE INDEX role_grant_token ON role_grant (token_id);

CREATE TABLE staff_session (
    -- Named in lists and in the trail; opens nothing.
    id              text PRIMARY KEY CHECK (id ~ '^[a-z0-9]{12}$'),
    sha256          bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    person_id       integer NOT NULL REFERENCES person,
    method          text NOT NULL CHECK (method IN ('password', 'oidc', 'link')),
    -- The provider's own name of the session, for a sign-out that begins there.
    provider_session text,
    address         inet,
    user_agent      text CHECK (length(user_agent) <= 300),
    created_time    timestamptz NOT NULL DEFAULT now(),
    seen_time       timestamptz NOT NULL DEFAULT now(),
    expires_time    timestamptz NOT NULL,
    ended_time      timestamptz,
    ended_reason    text CHECK (ended_reason IN ('signed-out', 'ended', 'password-changed', 'disabled', 'replaced', 'provider'))
);
CREATE INDEX staff_session_person ON staff_session (person_id);

-- Opens the way to a first or a new password, once.
CREATE TABLE one_time_link (
    sha256          bytea PRIMARY KEY CHECK (length(sha256) = 32),
    purpose         text NOT NULL CHECK (purpose IN ('first-administrator', 'new-password')),
    person_id       integer REFERENCES person,
    created_by      text NOT NULL,
    created_time    timestamptz NOT NULL DEFAULT now(),
    expires_time    timestamptz NOT NULL,
    used_time       timestamptz,
    CHECK ((person_id IS NULL) = (purpose = 'first-administrator'))
);

-- A sign-in with the identity provider that is under way: taken out when the browser comes back, so that nothing of it
-- counts twice.
CREATE TABLE oidc_attempt (
    -- Of the state that the provider sends back, and of what the browser that began it keeps.
    sha256          bytea PRIMARY KEY CHECK (length(sha256) = 32),
    browser_sha256  bytea NOT NULL CHECK (length(browser_sha256) = 32),
    nonce           text NOT NULL,
    verifier        text NOT NULL,
    return_path     text NOT NULL CHECK (return_path LIKE '/%' AND length(return_path) <= 500),
    created_time    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX oidc_attempt_created ON oidc_attempt (created_time);

-- quantrac_staff alone sees people; whoever reads for dashboards, takes readings or judges has no business with them.
INSERT INTO relation_right (role, relation, privileges) VALUES
    ('quantrac_staff', 'person', 'SELECT, INSERT, UPDATE'),
    ('quantrac_staff', 'access_token', 'SELECT, INSERT, UPDATE (label, rights, expires_time, revoked_time, used_time, used_address)'),
    ('quantrac_staff', 'role_grant', 'SELECT, INSERT, DELETE'),
    ('quantrac_staff', 'staff_session', 'SELECT, INSERT, UPDATE (seen_time, expires_time, ended_time, ended_reason), DELETE'),
    ('quantrac_staff', 'one_time_link', 'SELECT, INSERT, UPDATE (used_time), DELETE'),
    ('quantrac_staff', 'oidc_attempt', 'SELECT, INSERT, DELETE');
DO $$ BEGIN PERFORM settle_rights(); END $$;
