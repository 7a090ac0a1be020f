-- The rows of person_days with the person unified, of the projects that the caller
-- may read. A person may have several rows for an event and month: combine them with
-- groupBitOr(days) and sum(events).
CREATE OR REPLACE VIEW touchline.days AS
SELECT
    t.project AS project,
    t.event AS event,
    t.month AS month,
    dictGetOrDefault('touchline.person_map', 'new_id', t.person_id, t.person_id) AS person_id,
    t.days AS days,
    t.events AS events
FROM touchline.person_days AS t
WHERE (SELECT everything FROM touchline.reader) OR t.project IN (SELECT project FROM touchline.readable)
