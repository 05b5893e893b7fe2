-- name: organizations_page
-- Organizations by code, in one order on every server. $1 kind, $2 search text without marks and in small letters, $3 the code before
-- the page, $4 rows, $5 codes of organizations, $6 codes of the stations that are counted.
SELECT o.code, o.name_vi, o.name_en, o.kind, o.demonstration, o.revision,
       (SELECT count(*) FROM station s WHERE s.organization_id = o.id AND ($6::text[] IS NULL OR s.code = ANY ($6))) AS stations
FROM organization o
WHERE ($5::text[] IS NULL OR o.code = ANY ($5))
  AND ($1::text IS NULL OR o.kind = $1)
  AND ($2::text IS NULL OR position($2 IN lower(translate(
        regexp_replace(normalize(concat_ws(' ', o.code, o.name_vi, o.name_en), NFD), '[\u0300-\u036f]', '', 'g'),
        'Đđ', 'dd'))) > 0)
  AND ($3::text IS NULL OR o.code COLLATE "C" > $3)
ORDER BY o.code COLLATE "C"
LIMIT $4;

-- name: organization_by_code
-- $1 code, $2 codes of the stations that are counted.
SELECT o.code, o.name_vi, o.name_en, o.kind, o.demonstration, o.revision,
       (SELECT count(*) FROM station s WHERE s.organization_id = o.id AND ($2::text[] IS NULL OR s.code = ANY ($2))) AS stations
FROM organization o
WHERE o.code = $1;

-- name: organization_lock
-- Holds the row until the transaction ends. $1 code.
SELECT id FROM organization WHERE code = $1 FOR UPDATE;

-- name: organization_insert
-- $1 code, $2 name_vi, $3 name_en, $4 kind, $5 demonstration.
INSERT INTO organization (code, name_vi, name_en, kind, demonstration) VALUES ($1, $2, $3, $4, $5);

-- name: organization_update
-- $1 code, $2 name_vi, $3 name_en, $4 kind, $5 demonstration.
UPDATE organization SET name_vi = $2, name_en = $3, kind = $4, demonstration = $5, revision = revision + 1 WHERE code = $1;
