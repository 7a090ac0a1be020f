-- One person in a hundred turns out to be the one with the next number.
INSERT INTO touchline.person_overrides (project, old_id, new_id, version)
SELECT
    'shop',
    cityHash64({seed:UInt64}, 'person', 'shop', person),
    cityHash64({seed:UInt64}, 'person', 'shop', person + 1),
    1
FROM (SELECT number * 100 AS person FROM numbers(intDiv({persons:UInt64}, 100)))
