-- name: limits_in_force
-- Limits that hold at one moment, each datastream's decisive one first (the order is the one of snapshot_limits).
-- $1 station codes, $2 symbol, $3 moment, $4 to $6 station code, datastream id and rank before the page, $7 rows.
SELECT * FROM (
    SELECT l.id, s.code AS station, d.id AS datastream, p.symbol, p.unit, l.basis, r.code AS rule_set, l.averaging,
           l.base_lower, l.base_upper, l.coefficients, l.lower, l.upper, l.oxygen_reference, l.unit AS limit_unit,
           l.valid_from, l.valid_to, l.legal_source, l.confidence, l.verified, l.entered_time, l.revision,
           row_number() OVER (
               PARTITION BY l.datastream_id
               ORDER BY (l.basis = 'permit') DESC,
                        array_position(ARRAY['instant', '1h', '8h', '24h', 'year'], l.averaging),
                        l.valid_from DESC, l.id DESC) AS rank
    FROM datastream_limit l
    JOIN datastream d ON d.id = l.datastream_id
    JOIN station s ON s.id = d.station_id
    JOIN observed_property p ON p.id = d.observed_property_id
    LEFT JOIN rule_set r ON r.id = l.rule_set_id
    WHERE ($1::text[] IS NULL OR s.code = ANY ($1))
      AND ($2::text IS NULL OR p.symbol = $2)
      AND l.valid_from <= $3
      AND (l.valid_to IS NULL OR l.valid_to > $3)
) ranked
WHERE ($4::text IS NULL OR (station COLLATE "C", datastream, rank) > ($4, $5::bigint, $6::bigint))
ORDER BY station COLLATE "C", datastream, rank
LIMIT $7;

-- name: limit_lock
-- Holds the row until the transaction ends. $1 id.
SELECT id FROM datastream_limit WHERE id = $1 FOR UPDATE;

-- name: limit_datastream
-- The datastream of a symbol at a station. $1 station id, $2 symbol.
SELECT d.id FROM datastream d
JOIN observed_property p ON p.id = d.observed_property_id
WHERE d.station_id = $1 AND p.symbol = $2;

-- name: limits_beginning
-- Limits of the same basis and window that begin at the same moment.
-- $1 datastream ids, $2 averaging of each, $3 basis, $4 valid_from.
SELECT l.id, p.symbol, l.averaging
FROM unnest($1::integer[], $2::text[]) AS wanted (datastream_id, averaging)
JOIN datastream_limit l ON l.datastream_id = wanted.datastream_id AND l.averaging = wanted.averaging
JOIN datastream d ON d.id = l.datastream_id
JOIN observed_property p ON p.id = d.observed_property_id
WHERE l.basis = $3 AND l.valid_from = $4
ORDER BY p.symbol COLLATE "C", l.averaging;

-- name: limits_drop
-- $1 ids.
DELETE FROM datastream_limit WHERE id = ANY ($1::integer[]);

-- name: limits_end
-- Lets limits from rule sets that hold at $2 end there. $1 station id, $2 moment.
UPDATE datastream_limit l
SET valid_to = $2, revision = l.revision + 1
FROM datastream d
WHERE d.id = l.datastream_id AND d.station_id = $1 AND l.basis = 'rule_set'
  AND l.valid_from < $2 AND (l.valid_to IS NULL OR l.valid_to > $2)
RETURNING l.id;

-- name: limits_insert
-- Columns of the same length: $1 datastream ids, $2 averaging, $3 base_lower, $4 base_upper, $5 coefficients (JSON text),
-- $6 lower, $7 upper. For all: $8 rule set code or NULL for a permit, $9 valid_from, $10 valid_to, $11 legal_source,
-- $12 confidence, $13 verified; and again columns: $14 oxygen_reference, $15 unit.
INSERT INTO datastream_limit (datastream_id, rule_set_id, basis, averaging, base_lower, base_upper, coefficients, lower, upper,
                              valid_from, valid_to, legal_source, confidence, verified, oxygen_reference, unit)
SELECT given.datastream_id, r.id, CASE WHEN $8::text IS NULL THEN 'permit' ELSE 'rule_set' END, given.averaging,
       given.base_lower, given.base_upper, given.coefficients::jsonb, given.lower, given.upper, $9, $10, $11, $12, $13,
       given.oxygen_reference, given.unit
FROM unnest($1::integer[], $2::text[], $3::float8[], $4::float8[], $5::text[], $6::float8[], $7::float8[], $14::float8[],
            $15::text[])
     AS given (datastream_id, averaging, base_lower, base_upper, coefficients, lower, upper, oxygen_reference, unit)
LEFT JOIN rule_set r ON r.code = $8
RETURNING id;

-- name: limit_update
-- $1 id, $2 lower, $3 upper, $4 base_lower, $5 base_upper, $6 valid_to, $7 legal_source, $8 confidence, $9 verified,
-- $10 oxygen_reference, $11 unit.
UPDATE datastream_limit
SET lower = $2, upper = $3, base_lower = $4, base_upper = $5, valid_to = $6, legal_source = $7, confidence = $8,
    verified = $9, oxygen_reference = $10, unit = $11, revision = revision + 1
WHERE id = $1;

-- name: limits_chosen
-- Limits by symbol and beginning: past, present and future. $1 ids, $2 datastream id; NULL does not restrict.
SELECT l.id, s.code AS station, d.id AS datastream, p.symbol, p.unit, l.basis, r.code AS rule_set, l.averaging,
       l.base_lower, l.base_upper, l.coefficients, l.lower, l.upper, l.oxygen_reference, l.unit AS limit_unit,
       l.valid_from, l.valid_to, l.legal_source, l.confidence, l.verified, l.entered_time, l.revision
FROM datastream_limit l
JOIN datastream d ON d.id = l.datastream_id
JOIN station s ON s.id = d.station_id
JOIN observed_property p ON p.id = d.observed_property_id
LEFT JOIN rule_set r ON r.id = l.rule_set_id
WHERE ($1::integer[] IS NULL OR l.id = ANY ($1))
  AND ($2::integer IS NULL OR l.datastream_id = $2)
ORDER BY p.symbol COLLATE "C", l.valid_from, l.id;
