-- Refuses a span of intervals that would give a wrong or endless answer. The first
-- text that applies is the error.
--
-- from and to are times, but what counts is the UTC date of `from`, as the first day,
-- and that of the last instant before `to`, as the last.
CREATE OR REPLACE VIEW touchline.good_interval AS
WITH
    toDate({from:DateTime64(3, 'UTC')}) AS first_day,
    toDate({to:DateTime64(3, 'UTC')} - toIntervalMillisecond(1)) AS last_day
SELECT
    throwIf({granularity:String} NOT IN ('day', 'week', 'month'), 'granularity: want day, week or month')
  + throwIf({from:DateTime64(3, 'UTC')} < toDateTime64('1970-03-08 00:00:00', 3, 'UTC'), 'from: want 1970-03-08 or later')
  + throwIf({to:DateTime64(3, 'UTC')} >= toDateTime64('2100-01-01 00:00:00', 3, 'UTC'), 'to: want a time before 2100')
  + throwIf({from:DateTime64(3, 'UTC')} >= {to:DateTime64(3, 'UTC')}, 'from: want a time before to')
  + throwIf(
        dateDiff(if({granularity:String} IN ('week', 'month'), {granularity:String}, 'day'), first_day, last_day) >= 1000,
        'to: want at most 1000 intervals after from')
  = 0 AS ok
