-- name: grants_of_people
-- What people were given, in the order that it was. $1 ids of people.
SELECT g.person_id, g.id, g.role, g.station_kinds, g.organizations, g.districts, g.domains, g.origin, g.granted_by,
       g.granted_time
FROM role_grant g
WHERE g.person_id = ANY ($1::integer[])
ORDER BY g.person_id, g.id;

-- name: grants_of_tokens
-- What service tokens were given. $1 ids of tokens.
SELECT g.token_id, g.id, g.role, g.station_kinds, g.organizations, g.districts, g.domains, g.origin, g.granted_by,
       g.granted_time
FROM role_grant g
WHERE g.token_id = ANY ($1::text[])
ORDER BY g.token_id, g.id;

-- name: grant_insert
-- $1 person, $2 token (one of them NULL), $3 role, $4 station kinds, $5 organizations, $6 districts, $7 domains, $8 origin,
-- $9 who gives it.
INSERT INTO role_grant (person_id, token_id, role, station_kinds, organizations, districts, domains, origin, granted_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING id;

-- name: grants_delete
-- $1 ids.
DELETE FROM role_grant WHERE id = ANY ($1::integer[]);

-- name: grant_strange_organizations
-- Of the codes $1 those that no organization has.
SELECT code FROM unnest($1::text[]) AS given (code)
WHERE NOT EXISTS (SELECT FROM organization o WHERE o.code = given.code)
ORDER BY code;
