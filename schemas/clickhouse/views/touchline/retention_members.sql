-- The cohorts of each person, and the intervals of their return events: what the
-- retention views count.
--
--   member_of   numbers of the cohorts, 0 to cohorts - 1
--   returned    numbers of the intervals with a return event, also those before
CREATE OR REPLACE VIEW touchline.retention_members AS
WITH
    if({granularity:String} IN ('week', 'month'), {granularity:String}, 'day') AS unit,
    toDate({from:DateTime64(3, 'UTC')}) AS from_day,
    {mode:String} != 'recurring' AS by_first
SELECT
    i.project AS project,
    i.person_id AS person_id,
    arrayFilter(
        number -> number >= 0 AND number < {cohorts:UInt16}
            AND (NOT by_first OR number = toInt32(dateDiff(unit, from_day, f.first_day))),
        i.start_intervals
    ) AS member_of,
    i.return_intervals AS returned
FROM touchline.person_intervals(
    project = {project:String},
    start_event = {start_event:String},
    return_event = {return_event:String},
    granularity = {granularity:String},
    from = {from:DateTime64(3, 'UTC')}) AS i
LEFT JOIN
(
    SELECT
        p.person_id AS person_id,
        min(p.first_day) AS first_day
    FROM touchline.firsts AS p
    WHERE by_first
      AND ({project:String} = '*' OR p.project = {project:String})
      AND p.event = {start_event:String}
    GROUP BY person_id
) AS f ON f.person_id = i.person_id
WHERE (SELECT ok FROM touchline.good_retention(
          granularity = {granularity:String},
          mode = {mode:String},
          from = {from:DateTime64(3, 'UTC')},
          cohorts = {cohorts:UInt16},
          periods = {periods:UInt16}))
