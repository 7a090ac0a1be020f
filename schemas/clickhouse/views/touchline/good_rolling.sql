-- Refuses parameters of rolling retention that would give a wrong or endless answer.
-- The first text that applies is the error.
CREATE OR REPLACE VIEW touchline.good_rolling AS
SELECT
    throwIf({granularity:String} NOT IN ('hour', 'day', 'week', 'month'), 'granularity: want hour, day, week or month')
  + throwIf({from:DateTime64(3, 'UTC')} < toDateTime64('1970-01-08 00:00:00', 3, 'UTC'), 'from: want 1970-01-08 or later')
  + throwIf({from:DateTime64(3, 'UTC')} >= toDateTime64('2100-01-01 00:00:00', 3, 'UTC'), 'from: want a time before 2100')
  + throwIf({cohorts:UInt16} NOT BETWEEN 1 AND 1000, 'cohorts: want 1 to 1000')
  + throwIf({periods:UInt16} NOT BETWEEN 1 AND 1000, 'periods: want 1 to 1000')
  = 0 AS ok
