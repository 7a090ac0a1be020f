-- The rows of touches with the person unified, of the projects that the caller may
-- read. A person may have several rows: combine them with argMinMerge(first_touch) and
-- argMaxMerge(last_touch).
CREATE OR REPLACE VIEW touchline.acquisitions AS
SELECT
    t.project AS project,
    dictGetOrDefault('touchline.person_map', 'new_id', t.person_id, t.person_id) AS person_id,
    t.first_touch AS first_touch,
    t.last_touch AS last_touch
FROM touchline.touches AS t
WHERE (SELECT everything FROM touchline.reader) OR t.project IN (SELECT project FROM touchline.readable)
