-- Refuses parameters of a breakdown that would give a wrong answer.
CREATE OR REPLACE VIEW touchline.good_attribution AS
SELECT
    throwIf({attribution:String} NOT IN ('first', 'last', 'step', 'all', 'everybody'), 'attribution: want first, last, step or all')
  + throwIf({attribution:String} = 'step' AND {attribution_step:UInt8} NOT BETWEEN 1 AND length({steps:Array(String)}), 'attribution_step: want 1 to the number of steps')
  = 0 AS ok
