-- Refuses an interval that analytics.funnel_trend does not know.
CREATE OR REPLACE VIEW touchline.good_trend AS
SELECT throwIf({granularity:String} NOT IN ('day', 'week', 'month'), 'granularity: want day, week or month') = 0 AS ok
