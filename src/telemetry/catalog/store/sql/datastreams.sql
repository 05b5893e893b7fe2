-- name: datastreams_page
-- Datastreams by station code and id. $1 station codes, $2 symbol, $3 status, $4 and $5 station code and id before the
-- page, $6 rows.
SELECT d.id, s.code AS station, p.symbol, p.unit, p.name_vi, p.name_en, d.reported_unit, d.reported_as, d.factor,
       d.range_min, d.range_max, d.mandatory, d.status, d.revision,
       ARRAY(SELECT a.alias FROM datastream_alias a WHERE a.datastream_id = d.id ORDER BY a.alias COLLATE "C") AS aliases
FROM datastream d
JOIN station s ON s.id = d.station_id
JOIN observed_property p ON p.id = d.observed_property_id
WHERE ($1::text[] IS NULL OR s.code = ANY ($1))
  AND ($2::text IS NULL OR p.symbol = $2)
  AND ($3::text IS NULL OR d.status = $3)
  AND ($4::text IS NULL OR (s.code COLLATE "C", d.id) > ($4, $5::bigint))
ORDER BY s.code COLLATE "C", d.id
LIMIT $6;

-- name: datastream_by_id
-- $1 id.
SELECT d.id, s.code AS station, p.symbol, p.unit, p.name_vi, p.name_en, d.reported_unit, d.reported_as, d.factor,
       d.range_min, d.range_max, d.mandatory, d.status, d.revision,
       ARRAY(SELECT a.alias FROM datastream_alias a WHERE a.datastream_id = d.id ORDER BY a.alias COLLATE "C") AS aliases
FROM datastream d
JOIN station s ON s.id = d.station_id
JOIN observed_property p ON p.id = d.observed_property_id
WHERE d.id = $1;

-- name: datastream_station
-- The station that a datastream belongs to. $1 id.
SELECT s.code FROM datastream d JOIN station s ON s.id = d.station_id WHERE d.id = $1;

-- name: datastream_spellings
-- Every name by which an active datastream of the station is known. $1 station id.
SELECT d.id AS datastream_id, p.symbol, p.symbol AS spelling
FROM datastream d
JOIN observed_property p ON p.id = d.observed_property_id
WHERE d.station_id = $1 AND d.status = 'active'
UNION ALL
SELECT d.id, p.symbol, a.alias
FROM datastream_alias a
JOIN datastream d ON d.id = a.datastream_id
JOIN observed_property p ON p.id = d.observed_property_id
WHERE d.station_id = $1 AND d.status = 'active';

-- name: datastream_insert
-- $1 station id, $2 symbol, $3 reported_unit, $4 reported_as, $5 factor, $6 range_min, $7 range_max, $8 mandatory, $9 status.
INSERT INTO datastream (station_id, observed_property_id, reported_unit, reported_as, factor, range_min, range_max,
                        mandatory, status)
SELECT $1, p.id, $3, $4, $5, $6, $7, $8, $9 FROM observed_property p WHERE p.symbol = $2
RETURNING id;

-- name: datastream_update
-- $1 id, $2 reported_unit, $3 reported_as, $4 factor, $5 range_min, $6 range_max, $7 mandatory, $8 status.
UPDATE datastream
SET reported_unit = $2, reported_as = $3, factor = $4, range_min = $5, range_max = $6, mandatory = $7, status = $8,
    revision = revision + 1
WHERE id = $1;

-- name: datastream_aliases_drop
-- Takes all aliases from a datastream, and the wanted ones from retired datastreams of the station.
-- $1 station id, $2 datastream id, $3 aliases.
DELETE FROM datastream_alias a
USING datastream d
WHERE d.id = a.datastream_id AND a.station_id = $1
  AND (a.datastream_id = $2 OR (a.alias = ANY ($3::text[]) AND d.status = 'retired'));

-- name: datastream_aliases_insert
-- $1 station id, $2 datastream id, $3 aliases.
INSERT INTO datastream_alias (station_id, alias, datastream_id)
SELECT $1, alias, $2 FROM unnest($3::text[]) AS alias;
