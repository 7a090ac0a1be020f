-- From the person id stamped on a row to the person it belongs to by now. This is
-- the one place where persons are unified; every view asks it like this:
--
--   dictGetOrDefault('touchline.person_map', 'new_id', t.person_id, t.person_id)
--
-- Devices belong to their users as person_links says, unless person_overrides says
-- otherwise.
--
-- It follows both after 5 to 15 seconds, or at once after SYSTEM
-- RELOAD DICTIONARY touchline.person_map. The key is the bare id, without the
-- project, because the project is part of the hash that the id is: +18 % CPU in a
-- funnel, where a key of two columns costs +46 %.
--
-- A view's DEFINER does not cover dictGet: whoever reads analytics needs
-- GRANT dictGet ON touchline.person_map.
CREATE OR REPLACE DICTIONARY touchline.person_map
(
    old_id UInt64,
    new_id UInt64
)
PRIMARY KEY old_id
SOURCE(CLICKHOUSE(
    USER ${user}
    PASSWORD ${password}
    QUERY 'SELECT old_id, argMax(new_id, (rank, version)) AS new_id FROM (SELECT old_id, new_id, 1 AS rank, version FROM touchline.person_overrides UNION ALL SELECT old_id, new_id, 0 AS rank, version FROM touchline.person_links) GROUP BY old_id HAVING new_id != old_id'
))
LIFETIME(MIN 5 MAX 15)
LAYOUT(HASHED())
COMMENT 'Which person an id belongs to by now'
