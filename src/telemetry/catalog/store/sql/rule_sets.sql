-- name: rule_sets_page
-- Rule sets by code. $1 the code before the page, $2 rows.
SELECT code, name_vi, name_en, legal_source, confidence, verified, revision
FROM rule_set
WHERE ($1::text IS NULL OR code COLLATE "C" > $1)
ORDER BY code COLLATE "C"
LIMIT $2;

-- name: rule_set_by_code
-- $1 code.
SELECT code, name_vi, name_en, legal_source, confidence, verified, revision FROM rule_set WHERE code = $1;

-- name: rule_set_base_limits
-- $1 code.
SELECT p.symbol, p.unit, l.averaging, l.lower, l.upper, l.scaled, l.oxygen_reference, l.unit AS limit_unit
FROM rule_limit l
JOIN rule_set r ON r.id = l.rule_set_id
JOIN observed_property p ON p.id = l.observed_property_id
WHERE r.code = $1
ORDER BY p.symbol COLLATE "C", array_position(ARRAY['instant', '1h', '8h', '24h', 'year'], l.averaging);

-- name: rule_set_lock
-- Holds the row until the transaction ends. $1 code.
SELECT id FROM rule_set WHERE code = $1 FOR UPDATE;

-- name: rule_set_unknown_symbols
-- Which of the symbols in $1 are no observed property.
SELECT DISTINCT wanted.symbol FROM unnest($1::text[]) AS wanted (symbol)
WHERE NOT EXISTS (SELECT FROM observed_property p WHERE p.symbol = wanted.symbol);

-- name: rule_set_insert
-- $1 code, $2 name_vi, $3 name_en, $4 legal_source, $5 confidence, $6 verified.
INSERT INTO rule_set (code, name_vi, name_en, legal_source, confidence, verified) VALUES ($1, $2, $3, $4, $5, $6);

-- name: rule_set_update
-- The same parameters as rule_set_insert.
UPDATE rule_set
SET name_vi = $2, name_en = $3, legal_source = $4, confidence = $5, verified = $6, revision = revision + 1
WHERE code = $1;

-- name: rule_set_base_limits_drop
-- $1 code.
DELETE FROM rule_limit l USING rule_set r WHERE r.id = l.rule_set_id AND r.code = $1;

-- name: rule_set_base_limits_insert
-- $1 code; columns of the same length: $2 symbols, $3 averaging, $4 lower, $5 upper, $6 scaled, $7 oxygen_reference,
-- $8 unit.
INSERT INTO rule_limit (rule_set_id, observed_property_id, averaging, lower, upper, scaled, oxygen_reference, unit)
SELECT r.id, p.id, given.averaging, given.lower, given.upper, given.scaled, given.oxygen_reference, given.unit
FROM unnest($2::text[], $3::text[], $4::float8[], $5::float8[], $6::boolean[], $7::float8[], $8::text[])
     AS given (symbol, averaging, lower, upper, scaled, oxygen_reference, unit)
JOIN rule_set r ON r.code = $1
JOIN observed_property p ON p.symbol = given.symbol;
