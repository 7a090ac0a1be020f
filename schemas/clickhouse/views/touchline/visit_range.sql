-- Refuses a range of time that would give a wrong answer. The first text that applies
-- is the error. Days are counted two beyond the range, and the type Date ends in 2149.
CREATE OR REPLACE VIEW touchline.visit_range AS
SELECT
    throwIf({from:DateTime64(3, 'UTC')} < toDateTime64('1970-01-08 00:00:00', 3, 'UTC'), 'from: want 1970-01-08 or later')
  + throwIf({from:DateTime64(3, 'UTC')} >= {to:DateTime64(3, 'UTC')}, 'from: want a time before to')
  + throwIf({to:DateTime64(3, 'UTC')} >= toDateTime64('2149-01-01 00:00:00', 3, 'UTC'), 'to: want a time before 2149')
  = 0 AS ok
