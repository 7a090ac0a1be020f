-- The rows of onboarding, for an activation out of the column `match` of
-- touchline.events.
CREATE OR REPLACE VIEW touchline.onboarding_days AS
WITH
    toDate({from:DateTime64(3, 'UTC')}) AS from_day,
    toDate({to:DateTime64(3, 'UTC')} - toIntervalMillisecond(1)) AS last_day,
    counts AS
    (
        SELECT
            p.project AS project,
            p.day AS day,
            toInt64(count()) AS new_persons,
            toInt64(countIf(p.came_1)) AS came_1,
            toInt64(countIf(p.came_7)) AS came_7,
            toInt64(countIf(p.came_30)) AS came_30,
            toInt64(countIf(p.first_session != 0 AND p.first_session = p.last_session)) AS one_session,
            toInt64(countIf(p.was_activated)) AS activated
        FROM
        (
            SELECT
                toString(any(e.project)) AS project,
                e.person_id AS person_id,
                any(f.first_day) AS day,
                max(e.day = f.first_day + 1) AS came_1,
                max(e.day = f.first_day + 7) AS came_7,
                max(e.day = f.first_day + 30) AS came_30,
                minIf(e.session_id, e.session_id != 0 AND e.day < f.first_day + 30) AS first_session,
                maxIf(e.session_id, e.session_id != 0 AND e.day < f.first_day + 30) AS last_session,
                max({match:Identifier} = {activation:String} AND e.day < f.first_day + 30) AS was_activated
            FROM touchline.events AS e
            INNER JOIN
            (
                SELECT
                    t.person_id AS person_id,
                    min(t.first_day) AS first_day
                FROM touchline.firsts AS t
                WHERE ({project:String} = '*' OR t.project = {project:String})
                  AND t.event = ''
                GROUP BY person_id
                HAVING first_day BETWEEN from_day AND last_day
            ) AS f ON f.person_id = e.person_id
            WHERE ({project:String} = '*' OR e.project = {project:String})
              AND (SELECT ok FROM touchline.allowed(project = {project:String}))
              AND (SELECT ok FROM touchline.good_interval(
                      granularity = 'day',
                      from = {from:DateTime64(3, 'UTC')},
                      to = {to:DateTime64(3, 'UTC')}))
              AND (SELECT throwIf({activation:String} = '', 'activation: want an event') = 0)
              -- A day of a project begins and ends up to 14 hours off UTC's.
              AND e.event_time >= toDateTime64(from_day, 3, 'UTC') - toIntervalDay(1)
              AND e.event_time < toDateTime64(last_day, 3, 'UTC') + toIntervalDay(33)
            GROUP BY person_id
        ) AS p
        GROUP BY project, day
    )
SELECT
    d.project AS project,
    d.day AS day,
    c.new_persons AS new_persons,
    c.came_1 AS day1_persons,
    c.came_7 AS day7_persons,
    c.came_30 AS day30_persons,
    if(c.new_persons > 0 AND d.day + 1 < d.as_of_day, c.came_1 / c.new_persons, NULL) AS day1_rate,
    if(c.new_persons > 0 AND d.day + 7 < d.as_of_day, c.came_7 / c.new_persons, NULL) AS day7_rate,
    if(c.new_persons > 0 AND d.day + 30 < d.as_of_day, c.came_30 / c.new_persons, NULL) AS day30_rate,
    c.one_session AS one_session,
    if(c.new_persons > 0 AND d.day + 29 < d.as_of_day, c.one_session / c.new_persons, NULL) AS one_session_rate,
    c.activated AS activated,
    if(c.new_persons > 0 AND d.day + 29 < d.as_of_day, c.activated / c.new_persons, NULL) AS activated_rate,
    toBool(d.day + 30 < d.as_of_day) AS complete
FROM
(
    SELECT project, as_of_day, from_day + toUInt16(arrayJoin(range(toUInt32(greatest(0, least(1000, last_day - from_day + 1)))))) AS day
    FROM touchline.asked_days(project = {project:String}, as_of = {as_of:DateTime64(3, 'UTC')})
) AS d
LEFT JOIN counts AS c ON c.project = d.project AND c.day = d.day
ORDER BY project, day
-- The caller's own setting would turn days of nobody into NULL.
SETTINGS join_use_nulls = 0
