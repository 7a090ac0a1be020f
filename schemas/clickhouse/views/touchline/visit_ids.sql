-- The persons, as stamped at ingest and unified, that an id was sent for: the id of a
-- user or of a device. Index filters of both columns find the few blocks that hold it;
-- a condition with OR would use neither.
CREATE OR REPLACE VIEW touchline.visit_ids AS
SELECT
    f.of_project AS project,
    f.stamped_id AS stamped_id,
    dictGetOrDefault('touchline.person_map', 'new_id', f.stamped_id, f.stamped_id) AS person_id,
    f.matched AS matched,
    f.first_time AS first_time,
    f.last_time AS last_time,
    f.events AS events
FROM
(
    SELECT
        toString(any(e.project)) AS of_project,
        e.stamped_id AS stamped_id,
        'user_id' AS matched,
        min(e.event_time) AS first_time,
        max(e.event_time) AS last_time,
        count() AS events
    FROM touchline.visit_events AS e
    WHERE ({project:String} = '*' OR e.project = {project:String})
      AND (SELECT ok FROM touchline.allowed(project = {project:String}))
      AND (SELECT ok FROM touchline.visit_id(id = {id:String}))
      AND e.user_id = {id:String}
    GROUP BY stamped_id
    UNION ALL
    SELECT
        toString(any(e.project)) AS of_project,
        e.stamped_id AS stamped_id,
        'anonymous_id' AS matched,
        min(e.event_time) AS first_time,
        max(e.event_time) AS last_time,
        count() AS events
    FROM touchline.visit_events AS e
    WHERE ({project:String} = '*' OR e.project = {project:String})
      AND e.anonymous_id = {id:String}
    GROUP BY stamped_id
) AS f
