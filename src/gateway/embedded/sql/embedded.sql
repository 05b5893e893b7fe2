-- name: embedded_data_directory
-- Where the server that answers keeps its data: another server may have taken the port in the meantime.
SELECT current_setting('data_directory');

-- name: embedded_has_database
-- Whether the service's own database was created.
SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'quantrac');

-- name: embedded_create_database
-- The service's own database, in the encoding and collation of the cluster.
CREATE DATABASE quantrac TEMPLATE template0;
