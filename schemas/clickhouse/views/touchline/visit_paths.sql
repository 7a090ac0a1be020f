-- Refuses parameters of paths that would give a wrong or endless answer. The first
-- text that applies is the error. With two ends of three steps one is left for what
-- lies between.
CREATE OR REPLACE VIEW touchline.visit_paths AS
SELECT
    throwIf({gap_seconds:UInt64} NOT BETWEEN 1 AND 31622400, 'gap_seconds: want 1 to 31622400')
  + throwIf({max_steps:UInt64} NOT BETWEEN 3 AND 50, 'max_steps: want 3 to 50')
  + throwIf({start:String} != '' AND {start:String} = {end:String}, 'end: want another item than start')
  + throwIf(hasAny({exclude:Array(String)}, [{start:String}, {end:String}]), 'exclude: want neither start nor end, nor an empty item')
  = 0 AS ok
