-- How many persons did an event on a day, in the 7 days that end with it and in the
-- 30 days that end with it, and the share of the last who came that day. Days are
-- those of the project's time zone; the first is the UTC date of `from`, the last
-- that of the last instant before `to`. Days before `from` are looked at as far as
-- the numbers reach back. A day is complete when it had ended at as_of, by the
-- clocks of the project; until then its numbers still grow. Bots are left out.
--
-- A day is a bit of a number (touchline.person_masks). Shifting it by a day and so
-- on, and OR-ing, gives the days with activity in the 7 and in the 30 days that end
-- with each: of_7, of_30. From a person's bits only those are counted where such a
-- stretch begins or ends, and the running sum of these counts is the number of
-- persons; so it takes a few steps for a person and not one for each day.
--
-- summary | Active users by day: of the day, of 7 and of 30 days
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | event | String | '' | what makes a person active; empty = any event
-- param  | from | DateTime64(3, 'UTC') | today() - 30 | its UTC date is the first day
-- param  | to | DateTime64(3, 'UTC') | today() + 1 | the first day that does not count
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | a day that had ended by then is complete
-- column | project | String | id of the project
-- column | day | Date | day in the time zone of the project
-- column | dau | Int64 | persons active on the day
-- column | wau | Int64 | persons active in the 7 days that end with it
-- column | mau | Int64 | persons active in the 30 days that end with it
-- column | stickiness | Float64 | dau / mau, 0 to 1; 0 if nobody was active
-- column | complete | Bool | the day has ended
CREATE OR REPLACE VIEW analytics.active_users
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    toDate({from:DateTime64(3, 'UTC')}) AS from_day,
    -- Limited, because rows are made before good_interval is asked.
    toUInt32(greatest(0, least(1000, toDate({to:DateTime64(3, 'UTC')} - toIntervalMillisecond(1)) - from_day + 1))) AS day_count,
    -- How many persons have an edge at a place of a piece: kind 0 is a day of their
    -- own, 1 and 2 are where of_7 begins and ends, 3 and 4 those of of_30.
    edges AS
    (
        WITH
            bitOr(m.mask, bitShiftLeft(m.mask, 1)) AS of_2,
            bitOr(of_2, bitShiftLeft(of_2, 2)) AS of_4,
            bitOr(of_4, bitShiftLeft(of_4, 3)) AS of_7,
            bitOr(of_4, bitShiftLeft(of_4, 4)) AS of_8,
            bitOr(of_8, bitShiftLeft(of_8, 8)) AS of_16,
            bitOr(of_16, bitShiftLeft(of_16, 14)) AS of_30,
            bitShiftRight(of_7, 29) AS in_7,
            bitShiftRight(of_30, 29) AS in_30
        SELECT
            m.project AS project,
            m.piece AS piece,
            edge,
            toInt64(count()) AS n
        FROM touchline.person_masks(
            project = {project:String},
            event = {event:String},
            from = {from:DateTime64(3, 'UTC')},
            to = {to:DateTime64(3, 'UTC')}) AS m
        ARRAY JOIN arrayConcat(
            arrayMap(place -> toUInt16(place), bitPositionsToArray(bitShiftRight(m.mask, 29))),
            arrayMap(place -> toUInt16(64 + place), bitPositionsToArray(bitAnd(in_7, bitNot(bitShiftLeft(in_7, 1))))),
            arrayMap(place -> toUInt16(128 + place), bitPositionsToArray(bitAnd(bitShiftLeft(in_7, 1), bitNot(in_7)))),
            arrayMap(place -> toUInt16(192 + place), bitPositionsToArray(bitAnd(in_30, bitNot(bitShiftLeft(in_30, 1))))),
            arrayMap(place -> toUInt16(256 + place), bitPositionsToArray(bitAnd(bitShiftLeft(in_30, 1), bitNot(in_30))))
        ) AS edge
        GROUP BY project, piece, edge
    ),
    every_day AS
    (
        SELECT
            p.project AS project,
            p.number AS number,
            any(p.as_of_day) AS as_of_day,
            sumIf(e.n, intDiv(e.edge, 64) = 0) AS dau,
            sumIf(e.n, intDiv(e.edge, 64) = 1) - sumIf(e.n, intDiv(e.edge, 64) = 2) AS change_7,
            sumIf(e.n, intDiv(e.edge, 64) = 3) - sumIf(e.n, intDiv(e.edge, 64) = 4) AS change_30
        FROM
        (
            SELECT
                project,
                as_of_day,
                arrayJoin(range(day_count)) AS number,
                toUInt32(intDiv(number, 35)) AS piece,
                toUInt16(number % 35) AS place
            FROM touchline.asked_days(project = {project:String}, as_of = {as_of:DateTime64(3, 'UTC')})
        ) AS p
        LEFT JOIN edges AS e ON e.project = p.project AND e.piece = p.piece AND e.edge % 64 = p.place
        GROUP BY project, number
    )
SELECT
    e.project AS project,
    from_day + e.number AS day,
    e.dau AS dau,
    sum(e.change_7) OVER until_now AS wau,
    sum(e.change_30) OVER until_now AS mau,
    if(mau = 0, 0, dau / mau) AS stickiness,
    toBool(day < e.as_of_day) AS complete
FROM every_day AS e
WINDOW until_now AS (PARTITION BY e.project, intDiv(e.number, 35) ORDER BY e.number)
ORDER BY project, day
-- The caller's own setting would turn days of nobody into NULL.
SETTINGS join_use_nulls = 0
COMMENT '${comment}'
