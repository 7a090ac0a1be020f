-- Refuses parameters of a funnel that would give a wrong or endless answer. The
-- first text that applies is the error.
--
-- * A repeated step would let one event count twice in windowFunnel.
-- * Times are milliseconds since 1970 in unsigned integers.
-- * 31622400 s are 366 days.
CREATE OR REPLACE VIEW touchline.good_funnel AS
SELECT
    throwIf(length({steps:Array(String)}) NOT BETWEEN 1 AND 10, 'steps: want 1 to 10 events')
  + throwIf(has({steps:Array(String)}, ''), 'steps: an event has no name')
  + throwIf(length(arrayDistinct({steps:Array(String)})) != length({steps:Array(String)}), 'steps: an event is repeated')
  + throwIf({window_seconds:UInt64} NOT BETWEEN 1 AND 31622400, 'window_seconds: want 1 to 31622400')
  + throwIf({from:DateTime64(3, 'UTC')} < toDateTime64('1970-01-02 00:00:00', 3, 'UTC'), 'from: want 1970-01-02 or later')
  + throwIf({from:DateTime64(3, 'UTC')} >= {to:DateTime64(3, 'UTC')}, 'from: want a time before to')
  + throwIf({as_of:DateTime64(3, 'UTC')} < toDateTime64('1970-01-02 00:00:00', 3, 'UTC'), 'as_of: want 1970-01-02 or later')
  = 0 AS ok
