-- The cohorts of each person who is in one, and the intervals of their return events:
-- what the retention views count. Both are words of bits like those of person_words.
--
--   cohort_words   bit i = the person is in cohort i
--   return_words   bit i = the person came back in interval i
--
-- Whoever did the start event before interval 0 is in no cohort of first starts, and
-- for everybody else the first start is the lowest bit.
CREATE OR REPLACE VIEW touchline.retention_members AS
WITH
    {mode:String} != 'recurring' AS by_first,
    toDate({from:DateTime64(3, 'UTC')}) AS from_day,
    if({granularity:String} = 'month', toStartOfMonth(from_day), if({granularity:String} = 'week', toMonday(from_day), from_day)) AS begin,
    -- The bits of cohorts.
    arrayMap(
        w -> bitShiftRight(bitNot(toUInt64(0)), toUInt8(least(63, greatest(0, 64 * (w + 1) - toInt32({cohorts:UInt16})))))
            * (64 * w < {cohorts:UInt16}),
        range(toUInt32(1 + intDiv(toInt32({cohorts:UInt16}) + {periods:UInt16} - 1, 64)))) AS cohort_bits
SELECT
    i.project AS project,
    i.person_id AS person_id,
    if(by_first,
        -- The lowest bit of the first word that has one.
        arrayMap(
            (x, before) -> if(before = 0, bitAnd(x, toUInt64(bitNot(x) + 1)), toUInt64(0)),
            i.starts,
            arrayPopBack(arrayPushFront(arrayCumSum(arrayMap(x -> toUInt64(x != 0), i.starts)), toUInt64(0)))),
        i.starts) AS started,
    arrayMap((x, mask) -> bitAnd(x, mask), started, cohort_bits) AS cohort_words,
    i.returns AS return_words
FROM touchline.person_words(
    project = {project:String},
    start_event = {start_event:String},
    return_event = {return_event:String},
    granularity = {granularity:String},
    cumulative = {cumulative:Bool},
    from = {from:DateTime64(3, 'UTC')},
    cohorts = {cohorts:UInt16},
    periods = {periods:UInt16}) AS i
WHERE (SELECT ok FROM touchline.good_retention(
          granularity = {granularity:String},
          mode = {mode:String},
          from = {from:DateTime64(3, 'UTC')},
          cohorts = {cohorts:UInt16},
          periods = {periods:UInt16}))
  AND arrayExists(x -> x != 0, cohort_words)
  AND (NOT by_first OR i.person_id NOT IN
      (
          SELECT p.person_id
          FROM touchline.firsts AS p
          WHERE by_first
            AND ({project:String} = '*' OR p.project = {project:String})
            AND p.event = {start_event:String}
            AND p.first_day < begin
      ))
