-- In which intervals each person did the start event and the return event, as bits:
-- the shared core of the retention views. Intervals are days, weeks from Monday, or
-- months, in the time zone of the project, counted from the one that holds `from` (0).
--
--   starts, returns   words of 64 bits: bit b of the word w (from 0) is the interval
--                     64 * w + b. There are as many bits as cohorts and periods
--                     together; the last stands for its interval and all later ones.
--
-- The days of a month become bits of intervals by shifts and masks, so a row costs
-- some operations on columns, however many days it has. (A shift by a signed number
-- gives a signed one, which is why they are all made UInt8.)
CREATE OR REPLACE VIEW touchline.person_words AS
WITH
    {granularity:String} = 'week' AS by_week,
    {granularity:String} = 'month' AS by_month,
    toDate({from:DateTime64(3, 'UTC')}) AS from_day,
    toInt32({cohorts:UInt16}) + {periods:UInt16} - 1 AS last_bit,
    range(toUInt32(1 + intDiv(last_bit, 64))) AS words
SELECT
    if({project:String} = '*', any(p.of_project), {project:String}) AS project,
    p.person_id AS person_id,
    -- No words at all where nothing was OR-ed.
    arrayResize(groupBitOrForEachIf(p.in_words, p.event = {start_event:String}), length(words), toUInt64(0)) AS starts,
    groupBitOrForEachIf(p.in_words, p.event = {return_event:String}) AS returns
FROM
(
    WITH
        -- Where the month's first interval lies, and its intervals with activity.
        if(by_month, toInt32(dateDiff('month', from_day, d.month)),
            if(by_week, intDiv(toInt32(toMonday(d.month)) - toInt32(toMonday(from_day)), 7),
                toInt32(d.month) - toInt32(from_day))) AS base,
        bitShiftLeft(toUInt64(d.days), toUInt8(d.month - toMonday(d.month))) AS week_days,
        if(by_month, toUInt64(d.days != 0),
            if(by_week,
                toUInt64(bitAnd(week_days, 127) != 0)
                    + 2 * (bitAnd(week_days, bitShiftLeft(toUInt64(127), 7)) != 0)
                    + 4 * (bitAnd(week_days, bitShiftLeft(toUInt64(127), 14)) != 0)
                    + 8 * (bitAnd(week_days, bitShiftLeft(toUInt64(127), 21)) != 0)
                    + 16 * (bitAnd(week_days, bitShiftLeft(toUInt64(127), 28)) != 0)
                    + 32 * (bitAnd(week_days, bitShiftLeft(toUInt64(127), 35)) != 0),
                toUInt64(d.days))) AS bits,
        -- None before interval 0, and those beyond the last as one.
        bitShiftRight(bits, toUInt8(least(63, greatest(0, -base)))) AS known,
        greatest(0, base) AS place,
        toUInt8(least(63, greatest(0, last_bit - place))) AS room,
        bitShiftRight(known, room) != 0 AS is_later,
        bitAnd(known, toUInt64(bitShiftLeft(toUInt64(1), room) - 1)) AS exact
    SELECT
        d.project AS of_project,
        d.person_id AS person_id,
        d.event AS event,
        arrayMap(
            w -> bitOr(
                if(place >= 64 * w,
                    if(place - 64 * w > 63, toUInt64(0), bitShiftLeft(exact, toUInt8(greatest(0, least(63, place - 64 * w))))),
                    bitShiftRight(exact, toUInt8(greatest(0, least(63, 64 * w - place))))),
                if(is_later AND intDiv(last_bit, 64) = w, bitShiftLeft(toUInt64(1), toUInt8(last_bit % 64)), toUInt64(0))),
            words) AS in_words
    FROM touchline.days AS d
    WHERE ({project:String} = '*' OR d.project = {project:String})
      AND (SELECT ok FROM touchline.allowed(project = {project:String}))
      AND d.event IN ({start_event:String}, {return_event:String})
      -- The week that holds `from` may begin in the month before.
      AND d.month >= toStartOfMonth(toMonday(from_day))
      -- Later ones count only where a late return counts for all periods before it.
      AND ({cumulative:Bool} OR d.month <= toDate(toUInt16(least(65535, toInt32(from_day) + last_bit * if(by_month, 31, if(by_week, 7, 1))))))
) AS p
GROUP BY person_id
HAVING countIf(p.event = {start_event:String}) > 0
