-- The consumer's sessions at the MQTT broker.
-- depends: 0005_series

SET lock_timeout = '4s';

CREATE TABLE mqtt_session (
    client_id       text PRIMARY KEY CHECK (client_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    -- Made here, at random: where a broker does not bind client ids to users, whoever knows the id can take the session over
    -- and wipe what is queued in it. Otherwise it was chosen in the settings.
    generated       boolean NOT NULL DEFAULT false,
    -- Since when the broker keeps the session: it must be there at every later connection.
    subscribed_time timestamptz
);
CREATE UNIQUE INDEX mqtt_session_generated ON mqtt_session (generated) WHERE generated;
INSERT INTO mqtt_session (client_id, generated) VALUES ('quantrac-' || replace(gen_random_uuid()::text, '-', ''), true);
