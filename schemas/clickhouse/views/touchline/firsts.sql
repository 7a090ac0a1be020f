-- When persons did events first and last: the rows of person_days with the person
-- unified, of the projects that the caller may read. A person has a row for each month
-- and channel, at least: combine them with min, max and sum.
CREATE OR REPLACE VIEW touchline.firsts AS
SELECT
    t.project AS project,
    t.event AS event,
    dictGetOrDefault('touchline.person_map', 'new_id', t.person_id, t.person_id) AS person_id,
    t.first_time AS first_time,
    t.last_time AS last_time,
    -- The lowest bit: as many ones as it has zeros below it, and one more.
    t.month + bitCount(bitXor(t.days, toUInt32(t.days - 1))) - 1 AS first_day,
    t.events AS events
FROM touchline.person_days AS t
WHERE (SELECT everything FROM touchline.reader) OR t.project IN (SELECT project FROM touchline.readable)
