-- Refuses parameters of a drop-off, beyond those of its funnel, that would give a
-- wrong or endless answer.
CREATE OR REPLACE VIEW touchline.good_drop_off AS
SELECT
    throwIf(notEmpty({steps:Array(String)}) AND {after_step:UInt8} NOT BETWEEN 1 AND length({steps:Array(String)}) - 1, 'after_step: want 1 to the number of steps less one')
  + throwIf({horizon_seconds:UInt64} NOT BETWEEN 1 AND 31622400, 'horizon_seconds: want 1 to 31622400')
  = 0 AS ok
