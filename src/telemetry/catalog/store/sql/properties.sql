-- name: properties_page
-- Observed properties by symbol. $1 the symbol before the page, $2 rows.
SELECT p.symbol, p.unit, p.name_vi, p.name_en, p.revision,
       (SELECT count(*) FROM datastream d WHERE d.observed_property_id = p.id) AS datastreams
FROM observed_property p
WHERE ($1::text IS NULL OR p.symbol COLLATE "C" > $1)
ORDER BY p.symbol COLLATE "C"
LIMIT $2;

-- name: property_by_symbol
-- $1 symbol.
SELECT p.symbol, p.unit, p.name_vi, p.name_en, p.revision,
       (SELECT count(*) FROM datastream d WHERE d.observed_property_id = p.id) AS datastreams
FROM observed_property p
WHERE p.symbol = $1;

-- name: property_lock
-- Holds the row until the transaction ends. $1 symbol.
SELECT id FROM observed_property WHERE symbol = $1 FOR UPDATE;

-- name: property_in_rules
-- Whether a base limit is written in the unit of the property. $1 symbol.
SELECT EXISTS (
    SELECT FROM rule_limit r JOIN observed_property p ON p.id = r.observed_property_id WHERE p.symbol = $1
);

-- name: property_insert
-- $1 symbol, $2 unit, $3 name_vi, $4 name_en.
INSERT INTO observed_property (symbol, unit, name_vi, name_en) VALUES ($1, $2, $3, $4);

-- name: property_update
-- $1 symbol, $2 unit, $3 name_vi, $4 name_en.
UPDATE observed_property SET unit = $2, name_vi = $3, name_en = $4, revision = revision + 1 WHERE symbol = $1;
