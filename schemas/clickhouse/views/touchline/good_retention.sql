-- Refuses parameters of a retention table that would give a wrong or endless
-- answer. The first text that applies is the error.
CREATE OR REPLACE VIEW touchline.good_retention AS
SELECT
    throwIf({granularity:String} NOT IN ('day', 'week', 'month'), 'granularity: want day, week or month')
  + throwIf({mode:String} NOT IN ('recurring', 'first_time'), 'mode: want recurring or first_time')
  + throwIf({from:DateTime64(3, 'UTC')} < toDateTime64('1970-01-08 00:00:00', 3, 'UTC'), 'from: want 1970-01-08 or later')
  + throwIf({cohorts:UInt16} NOT BETWEEN 1 AND 1000, 'cohorts: want 1 to 1000')
  + throwIf({periods:UInt16} NOT BETWEEN 1 AND 1000, 'periods: want 1 to 1000')
  = 0 AS ok
