-- The projects that a call is about, each with its time zone, and with the date that
-- its clocks show at as_of: a day, week or month of the project that ended before
-- this date has ended. An as_of that was left out would make nothing complete: it is
-- refused. The clocks of a project that has no zone yet are those of UTC.
CREATE OR REPLACE VIEW touchline.asked_days AS
SELECT
    a.project AS project,
    if(z.time_zone = '', 'UTC', z.time_zone) AS time_zone,
    -- The other functions of dates want one zone for all rows.
    toDate32(left(toString({as_of:DateTime64(3, 'UTC')}, time_zone), 10)) AS as_of_day
FROM touchline.asked_projects(project = {project:String}) AS a
LEFT JOIN
(
    SELECT
        p.project AS project,
        argMin(p.time_zone, p.first_used) AS time_zone
    FROM touchline.project_zones AS p
    -- A condition on project reaches this side of the join too.
    WHERE (SELECT everything FROM touchline.reader) OR p.project IN (SELECT project FROM touchline.readable)
    GROUP BY p.project
) AS z ON z.project = a.project
WHERE (SELECT throwIf({as_of:DateTime64(3, 'UTC')} < toDateTime64('1970-01-08 00:00:00', 3, 'UTC'), 'as_of: want 1970-01-08 or later') = 0)
-- The caller's own setting would turn a project without a zone into NULL.
SETTINGS join_use_nulls = 0
