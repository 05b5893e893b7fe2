-- name: import_lock
-- Nobody else writes stations or datastreams until the transaction ends; readers are not held up.
LOCK TABLE station, datastream IN SHARE ROW EXCLUSIVE MODE;

-- name: import_organizations
SELECT code FROM organization;

-- name: import_properties
SELECT symbol, unit FROM observed_property;

-- name: import_stations
SELECT code, file_code FROM station;

-- name: import_spellings
-- Every name by which an active datastream of the stations is known. $1 station codes.
SELECT s.code AS station, p.symbol, p.symbol AS spelling
FROM datastream d
JOIN station s ON s.id = d.station_id
JOIN observed_property p ON p.id = d.observed_property_id
WHERE s.code = ANY ($1::text[]) AND d.status = 'active'
UNION ALL
SELECT s.code, p.symbol, a.alias
FROM datastream_alias a
JOIN datastream d ON d.id = a.datastream_id
JOIN station s ON s.id = d.station_id
JOIN observed_property p ON p.id = d.observed_property_id
WHERE s.code = ANY ($1::text[]) AND d.status = 'active';

-- name: import_station_rows
-- Stations that exist are brought to the given state. Columns of the same length: $1 code, $2 kind, $3 organization code,
-- $4 name_vi, $5 name_en, $6 file_code, $7 latitude, $8 longitude, $9 status, $10 cadence_seconds, $11 demonstration,
-- $12 district.
INSERT INTO station (code, kind, organization_id, name_vi, name_en, file_code, latitude, longitude, status, cadence_seconds,
                     demonstration, district)
SELECT given.code, given.kind, o.id, given.name_vi, given.name_en, given.file_code, given.latitude, given.longitude,
       given.status, given.cadence_seconds, given.demonstration, given.district
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::float8[], $8::float8[], $9::text[],
            $10::integer[], $11::boolean[], $12::text[]) WITH ORDINALITY
     AS given (code, kind, organization, name_vi, name_en, file_code, latitude, longitude, status, cadence_seconds,
               demonstration, district, place)
JOIN organization o ON o.code = given.organization
ORDER BY given.place
ON CONFLICT (code) DO UPDATE
SET kind = excluded.kind, organization_id = excluded.organization_id, name_vi = excluded.name_vi, name_en = excluded.name_en,
    file_code = excluded.file_code, latitude = excluded.latitude, longitude = excluded.longitude, status = excluded.status,
    cadence_seconds = excluded.cadence_seconds, demonstration = excluded.demonstration,
    district = excluded.district, revision = station.revision + 1,
    updated_time = now();

-- name: import_datastream_rows
-- Datastreams that exist are brought to the given state. Columns of the same length: $1 station code, $2 symbol,
-- $3 reported_unit, $4 reported_as, $5 factor, $6 range_min, $7 range_max, $8 mandatory.
INSERT INTO datastream (station_id, observed_property_id, reported_unit, reported_as, factor, range_min, range_max, mandatory)
SELECT s.id, p.id, given.reported_unit, given.reported_as, given.factor, given.range_min, given.range_max, given.mandatory
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::float8[], $7::float8[], $8::boolean[])
     WITH ORDINALITY
     AS given (station, symbol, reported_unit, reported_as, factor, range_min, range_max, mandatory, place)
JOIN station s ON s.code = given.station
JOIN observed_property p ON p.symbol = given.symbol
ORDER BY given.place
ON CONFLICT (station_id, observed_property_id) DO UPDATE
SET reported_unit = excluded.reported_unit, reported_as = excluded.reported_as, factor = excluded.factor,
    range_min = excluded.range_min, range_max = excluded.range_max, mandatory = excluded.mandatory, status = 'active',
    revision = datastream.revision + 1;

-- name: import_aliases_drop
-- Aliases of the given datastreams, and the wanted aliases where a retired datastream of the station still has them.
-- Columns of the same length: $1 station code and $2 symbol of the datastreams; $3 station code and $4 alias wanted.
DELETE FROM datastream_alias a
USING datastream d, station s, observed_property p
WHERE d.id = a.datastream_id AND s.id = d.station_id AND p.id = d.observed_property_id
  AND ((s.code, p.symbol) IN (SELECT * FROM unnest($1::text[], $2::text[]))
       OR (d.status = 'retired' AND (s.code, a.alias) IN (SELECT * FROM unnest($3::text[], $4::text[]))));

-- name: import_alias_rows
-- Columns of the same length: $1 station code, $2 symbol, $3 alias.
INSERT INTO datastream_alias (station_id, alias, datastream_id)
SELECT s.id, given.alias, d.id
FROM unnest($1::text[], $2::text[], $3::text[]) AS given (station, symbol, alias)
JOIN station s ON s.code = given.station
JOIN observed_property p ON p.symbol = given.symbol
JOIN datastream d ON d.station_id = s.id AND d.observed_property_id = p.id;
