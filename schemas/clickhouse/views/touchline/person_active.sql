-- In which intervals each person did an event: the shared core of active_users,
-- lifecycle and stickiness. Intervals are days, weeks from Monday, or months, in the
-- time zone of the project, counted from the one that holds the UTC date of `from`
-- (0) to the one that holds the last day before `to`; and back to the one that holds
-- the day so many days before it.
--
--   intervals   ascending, without repetition; with one at least
CREATE OR REPLACE VIEW touchline.person_active AS
-- dateDiff would refuse an unknown unit before good_interval can say what is wrong.
WITH
    if({granularity:String} IN ('week', 'month'), {granularity:String}, 'day') AS unit,
    toDate({from:DateTime64(3, 'UTC')}) AS from_day,
    toDate({to:DateTime64(3, 'UTC')} - toIntervalMillisecond(1)) AS last_day,
    toInt32(dateDiff(unit, from_day, last_day)) AS last_number,
    toInt32(dateDiff(unit, from_day, from_day - {days_back:UInt16})) AS first_number
SELECT
    if({project:String} = '*', any(p.of_project), {project:String}) AS project,
    p.person_id AS person_id,
    arraySort(groupUniqArrayArray(p.numbers)) AS intervals
FROM
(
    SELECT
        d.project AS of_project,
        d.person_id AS person_id,
        arrayFilter(
            number -> number BETWEEN first_number AND last_number,
            arrayDistinct(arrayMap(bit -> toInt32(dateDiff(unit, from_day, d.month + bit)), bitPositionsToArray(d.days)))
        ) AS numbers
    FROM touchline.days AS d
    WHERE ({project:String} = '*' OR d.project = {project:String})
      AND (SELECT ok FROM touchline.allowed(project = {project:String}))
      AND (SELECT ok FROM touchline.good_interval(
              granularity = {granularity:String},
              from = {from:DateTime64(3, 'UTC')},
              to = {to:DateTime64(3, 'UTC')}))
      AND d.event = {event:String}
      -- A week may begin in the month before, and end in the month after.
      AND d.month >= toStartOfMonth(toMonday(from_day - {days_back:UInt16}))
      AND d.month <= last_day + 6
) AS p
WHERE notEmpty(p.numbers)
GROUP BY person_id
