-- Fills person_first: each event counts under its name and under ''.
CREATE MATERIALIZED VIEW IF NOT EXISTS touchline.person_first_mv TO touchline.person_first
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    project,
    arrayJoin(['', toString(event)]) AS event,
    person_id,
    min(event_time) AS first_time,
    max(event_time) AS last_time,
    min(day) AS first_day,
    count() AS events
FROM touchline.touchpoints
WHERE NOT is_bot
GROUP BY project, event, person_id
