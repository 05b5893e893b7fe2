-- The catalogue: who reports, what is observed, and which limits hold when.
-- depends:

SET lock_timeout = '4s';

CREATE TABLE organization (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code            text NOT NULL UNIQUE CHECK (code ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$'),
    name_vi         text NOT NULL,
    name_en         text NOT NULL,
    kind            text NOT NULL DEFAULT 'enterprise' CHECK (kind IN ('enterprise', 'state')),
    demonstration   boolean NOT NULL DEFAULT false,
    revision        integer NOT NULL DEFAULT 1
);

CREATE TABLE station (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The code is an MQTT topic level and a broker subject token: no dot, slash, wildcard or space.
    code            text NOT NULL UNIQUE CHECK (code ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$'),
    kind            text NOT NULL CHECK (kind IN ('ambient', 'wastewater', 'flue_gas', 'groundwater')),
    organization_id integer NOT NULL REFERENCES organization,
    name_vi         text NOT NULL,
    name_en         text NOT NULL,
    -- <province>_<facility>_<station> as it stands in the regulator's file names.
    file_code       text UNIQUE CHECK (file_code ~ '^[A-Za-z0-9]{1,10}_[A-Za-z0-9]{1,12}_[A-Za-z0-9]{1,12}$'),
    latitude        double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude       double precision CHECK (longitude BETWEEN -180 AND 180),
    status          text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'maintenance', 'retired')),
    cadence_seconds integer NOT NULL DEFAULT 300 CHECK (cadence_seconds BETWEEN 1 AND 86400),
    demonstration   boolean NOT NULL DEFAULT false,
    revision        integer NOT NULL DEFAULT 1,
    created_time    timestamptz NOT NULL DEFAULT now(),
    updated_time    timestamptz NOT NULL DEFAULT now(),
    CHECK ((latitude IS NULL) = (longitude IS NULL))
);
-- Two stations whose codes differ in case alone would be taken for one by every person who reads them.
CREATE UNIQUE INDEX station_code_folded ON station (lower(code));
CREATE INDEX station_organization ON station (organization_id);

CREATE TABLE observed_property (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    symbol          text NOT NULL UNIQUE,
    unit            text NOT NULL,
    name_vi         text NOT NULL,
    name_en         text NOT NULL,
    revision        integer NOT NULL DEFAULT 1
);

CREATE TABLE datastream (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    station_id      integer NOT NULL REFERENCES station,
    observed_property_id integer NOT NULL REFERENCES observed_property,
    -- The unit that the station writes beside its values; results are kept in observed_property.unit.
    reported_unit   text NOT NULL,
    -- What the instrument reports when that is not the observed property itself, e.g. NH4+ where NH4-N is kept.
    reported_as     text,
    -- kept result = reported value * factor, exactly as written here; 1 when nothing is converted.
    factor          double precision NOT NULL DEFAULT 1 CHECK (factor > 0 AND factor < 'Infinity'),
    -- The instrument's range in the kept unit; NULL where it is not known.
    range_min       double precision CHECK (range_min > '-Infinity' AND range_min < 'Infinity'),
    range_max       double precision CHECK (range_max > '-Infinity' AND range_max < 'Infinity'),
    mandatory       boolean NOT NULL DEFAULT true,
    status          text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'retired')),
    revision        integer NOT NULL DEFAULT 1,
    UNIQUE (station_id, observed_property_id),
    CHECK (range_min < range_max)
);

-- How a station spells a property: `Amoni`, `Nhiệtđộ`, `m,p-Xylene`. The symbol itself needs no row.
CREATE TABLE datastream_alias (
    station_id      integer NOT NULL REFERENCES station,
    alias           text NOT NULL CHECK (alias <> ''),
    datastream_id   integer NOT NULL REFERENCES datastream,
    PRIMARY KEY (station_id, alias)
);
CREATE INDEX datastream_alias_datastream ON datastream_alias (datastream_id);

CREATE TABLE rule_set (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code            text NOT NULL UNIQUE,
    name_vi         text NOT NULL,
    name_en         text NOT NULL,
    legal_source    text NOT NULL,
    confidence      text NOT NULL,
    verified        boolean NOT NULL DEFAULT false,
    revision        integer NOT NULL DEFAULT 1
);

-- The base values of a rule set, before coefficients.
CREATE TABLE rule_limit (
    rule_set_id     integer NOT NULL REFERENCES rule_set,
    observed_property_id integer NOT NULL REFERENCES observed_property,
    averaging       text NOT NULL CHECK (averaging IN ('instant', '1h', '8h', '24h', 'year')),
    lower           double precision,
    upper           double precision,
    -- Whether the station's coefficients multiply this value (not for temperature, colour, pH, coliform).
    scaled          boolean NOT NULL DEFAULT true,
    PRIMARY KEY (rule_set_id, observed_property_id, averaging),
    CHECK (lower IS NOT NULL OR upper IS NOT NULL)
);

-- The limit of one datastream over one span of time. A permit's limit goes before a rule set's.
CREATE TABLE datastream_limit (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    datastream_id   integer NOT NULL REFERENCES datastream,
    rule_set_id     integer REFERENCES rule_set,
    basis           text NOT NULL CHECK (basis IN ('rule_set', 'permit')),
    averaging       text NOT NULL CHECK (averaging IN ('instant', '1h', '8h', '24h', 'year')),
    base_lower      double precision,
    base_upper      double precision,
    -- {"Kq": 0.9, "Kf": 1.1}: names and values as applied; effective = base * product.
    coefficients    jsonb NOT NULL DEFAULT '{}',
    lower           double precision,
    upper           double precision,
    valid_from      timestamptz NOT NULL,
    valid_to        timestamptz,
    legal_source    text NOT NULL,
    confidence      text NOT NULL,
    verified        boolean NOT NULL DEFAULT false,
    revision        integer NOT NULL DEFAULT 1,
    entered_time    timestamptz NOT NULL DEFAULT now(),
    CHECK (lower IS NOT NULL OR upper IS NOT NULL),
    CHECK (valid_from < valid_to),
    CHECK ((basis = 'permit') = (rule_set_id IS NULL))
);
CREATE INDEX datastream_limit_datastream ON datastream_limit (datastream_id, valid_from);

CREATE TABLE station_key (
    -- Public half of the key `<id>.<secret>`; also the user name at the MQTT broker.
    id              text PRIMARY KEY CHECK (id ~ '^st_[a-z0-9]{8}$'),
    station_id      integer NOT NULL REFERENCES station,
    sha256          bytea NOT NULL CHECK (length(sha256) = 32),
    -- Password hashes in the forms that brokers read; the secret has 256 random bits, so low cost is enough.
    nats_bcrypt     text NOT NULL,
    mosquitto_pbkdf2 text NOT NULL,
    label           text NOT NULL DEFAULT '',
    created_time    timestamptz NOT NULL DEFAULT now(),
    expires_time    timestamptz,
    revoked_time    timestamptz
);
CREATE INDEX station_key_station ON station_key (station_id);

-- One row; every change of the catalogue moves it, so that running processes see the change by one cheap look.
CREATE TABLE catalog_revision (
    singleton       boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    revision        bigint NOT NULL,
    changed_time    timestamptz NOT NULL
);
INSERT INTO catalog_revision (revision, changed_time) VALUES (1, now());

CREATE FUNCTION move_catalog_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE catalog_revision SET revision = revision + 1, changed_time = clock_timestamp();
    RETURN NULL;
END
$$;

CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE ON organization FOR EACH STATEMENT EXECUTE FUNCTION move_catalog_revision();
CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE ON station FOR EACH STATEMENT EXECUTE FUNCTION move_catalog_revision();
CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE ON observed_property FOR EACH STATEMENT EXECUTE FUNCTION move_catalog_revision();
CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE ON datastream FOR EACH STATEMENT EXECUTE FUNCTION move_catalog_revision();
CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE ON datastream_alias FOR EACH STATEMENT EXECUTE FUNCTION move_catalog_revision();
CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE ON rule_set FOR EACH STATEMENT EXECUTE FUNCTION move_catalog_revision();
CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE ON rule_limit FOR EACH STATEMENT EXECUTE FUNCTION move_catalog_revision();
CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE ON datastream_limit FOR EACH STATEMENT EXECUTE FUNCTION move_catalog_revision();
CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE ON station_key FOR EACH STATEMENT EXECUTE FUNCTION move_catalog_revision();
