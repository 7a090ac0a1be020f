-- Refuses parameters of time_to_value that would give a wrong or endless answer. The
-- first text that applies is the error.
CREATE OR REPLACE VIEW touchline.good_time_to_value AS
SELECT
    throwIf({sign_up:String} = '', 'sign_up: want an event')
  + throwIf({activation:String} IN ('', {sign_up:String}), 'activation: want an event other than sign_up')
  + throwIf({first_use:String} IN ('', {sign_up:String}, {activation:String}), 'first_use: want an event other than sign_up and activation')
  + throwIf({window_seconds:UInt64} NOT BETWEEN 1 AND 31622400, 'window_seconds: want 1 to 31622400')
  + throwIf({from:DateTime64(3, 'UTC')} < toDateTime64('1970-01-02 00:00:00', 3, 'UTC'), 'from: want 1970-01-02 or later')
  + throwIf({from:DateTime64(3, 'UTC')} >= {to:DateTime64(3, 'UTC')}, 'from: want a time before to')
  = 0 AS ok
