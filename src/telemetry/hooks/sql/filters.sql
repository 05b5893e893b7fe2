-- name: filter_stations
-- Ids of the stations with the codes $1.
SELECT code, id FROM station WHERE code = ANY ($1::text[]);

-- name: filter_organizations
-- Ids of the organizations with the codes $1.
SELECT code, id FROM organization WHERE code = ANY ($1::text[]);
