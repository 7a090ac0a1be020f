-- The rows of person_days by channel, with the person unified, of the projects that
-- the caller may read. A person may have several rows for an event, month and
-- channel: combine them with groupBitOr(days).
CREATE OR REPLACE VIEW touchline.channel_days AS
SELECT
    t.project AS project,
    t.event AS event,
    t.month AS month,
    dictGetOrDefault('touchline.person_map', 'new_id', t.person_id, t.person_id) AS person_id,
    t.channel AS channel,
    t.days AS days
FROM touchline.person_days AS t
WHERE (SELECT everything FROM touchline.reader) OR t.project IN (SELECT project FROM touchline.readable)
