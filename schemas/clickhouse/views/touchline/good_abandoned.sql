-- Refuses parameters of analytics.abandoned that would give a wrong answer.
CREATE OR REPLACE VIEW touchline.good_abandoned AS
SELECT
    throwIf({from:DateTime64(3, 'UTC')} < toDateTime64('1970-01-02 00:00:00', 3, 'UTC'), 'from: want 1970-01-02 or later')
  + throwIf({from:DateTime64(3, 'UTC')} >= {to:DateTime64(3, 'UTC')}, 'from: want a time before to')
  + throwIf({after_seconds:UInt64} NOT BETWEEN 1 AND 31622400, 'after_seconds: want 1 to 31622400')
  = 0 AS ok
