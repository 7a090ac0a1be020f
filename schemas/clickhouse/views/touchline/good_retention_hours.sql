-- Refuses parameters of a retention table of hours that would give a wrong or endless
-- answer. The first text that applies is the error. Zones whose hours do not begin at
-- a quarter of an hour are older than 1973.
CREATE OR REPLACE VIEW touchline.good_retention_hours AS
SELECT
    throwIf({mode:String} NOT IN ('recurring', 'first_time', 'first_ever'), 'mode: want recurring, first_time or first_ever')
  + throwIf({from:DateTime64(3, 'UTC')} < toDateTime64('1973-01-01 00:00:00', 3, 'UTC'), 'from: want 1973-01-01 or later')
  + throwIf({from:DateTime64(3, 'UTC')} >= toDateTime64('2100-01-01 00:00:00', 3, 'UTC'), 'from: want a time before 2100')
  + throwIf({cohorts:UInt16} NOT BETWEEN 1 AND 1000, 'cohorts: want 1 to 1000')
  + throwIf({periods:UInt16} NOT BETWEEN 1 AND 1000, 'periods: want 1 to 1000')
  = 0 AS ok
