-- name: stations_page
-- Stations by code. $1 kind, $2 organization code, $3 status, $4 search text without marks and in small letters,
-- $5 the code before the page, $6 rows, $7 district, $8 codes of stations.
SELECT s.code, s.kind, o.code AS organization, s.name_vi, s.name_en, s.district, s.file_code, s.latitude, s.longitude,
       s.status, s.cadence_seconds, s.demonstration, s.revision, s.created_time, s.updated_time
FROM station s
JOIN organization o ON o.id = s.organization_id
WHERE ($1::text IS NULL OR s.kind = $1)
  AND ($2::text IS NULL OR o.code = $2)
  AND ($3::text IS NULL OR s.status = $3)
  AND ($4::text IS NULL OR position($4 IN lower(translate(
        regexp_replace(
            normalize(concat_ws(' ', s.code, s.file_code, s.name_vi, s.name_en, o.name_vi, o.name_en), NFD),
            '[\u0300-\u036f]', '', 'g'),
        'Đđ', 'dd'))) > 0)
  AND ($5::text IS NULL OR s.code COLLATE "C" > $5)
  AND ($7::text IS NULL OR s.district = $7)
  AND ($8::text[] IS NULL OR s.code = ANY ($8))
ORDER BY s.code COLLATE "C"
LIMIT $6;

-- name: station_by_code
-- $1 code.
SELECT s.code, s.kind, o.code AS organization, s.name_vi, s.name_en, s.district, s.file_code, s.latitude, s.longitude,
       s.status, s.cadence_seconds, s.demonstration, s.revision, s.created_time, s.updated_time
FROM station s
JOIN organization o ON o.id = s.organization_id
WHERE s.code = $1;

-- name: station_lock
-- Holds the row until the transaction ends. $1 code.
SELECT id FROM station WHERE code = $1 FOR UPDATE;

-- name: station_insert
-- $1 code, $2 kind, $3 organization id, $4 name_vi, $5 name_en, $6 file_code, $7 latitude, $8 longitude, $9 status,
-- $10 cadence_seconds, $11 demonstration, $12 district.
INSERT INTO station (code, kind, organization_id, name_vi, name_en, file_code, latitude, longitude, status, cadence_seconds,
                     demonstration, district)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: station_update
-- The same parameters as station_insert.
UPDATE station
SET kind = $2, organization_id = $3, name_vi = $4, name_en = $5, file_code = $6, latitude = $7, longitude = $8, status = $9,
    cadence_seconds = $10, demonstration = $11, district = $12, revision = revision + 1, updated_time = now()
WHERE code = $1;
