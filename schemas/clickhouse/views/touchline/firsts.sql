-- The rows of person_first with the person unified, of the projects that the caller
-- may read. A person may have several rows for an event: combine them with min, max
-- and sum.
CREATE OR REPLACE VIEW touchline.firsts AS
SELECT
    t.project AS project,
    t.event AS event,
    dictGetOrDefault('touchline.person_map', 'new_id', t.person_id, t.person_id) AS person_id,
    t.first_time AS first_time,
    t.last_time AS last_time,
    t.first_day AS first_day,
    t.events AS events
FROM touchline.person_first AS t
WHERE (SELECT everything FROM touchline.reader) OR t.project IN (SELECT project FROM touchline.readable)
