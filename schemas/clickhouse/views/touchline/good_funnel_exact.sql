-- Refuses parameters of analytics.funnel_exact, beyond those of its funnel, that
-- would give a wrong answer.
CREATE OR REPLACE VIEW touchline.good_funnel_exact AS
SELECT
    throwIf({mode:String} NOT IN ('ordered', 'strict', 'unordered'), 'mode: want ordered, strict or unordered')
  + throwIf(length({exclude:Array(String)}) > 10, 'exclude: want at most 10 events')
  + throwIf(has({exclude:Array(String)}, ''), 'exclude: an event has no name')
  + throwIf(hasAny({exclude:Array(String)}, {steps:Array(String)}), 'exclude: an event is a step')
  + throwIf(length({exclude_from:Array(UInt8)}) != length({exclude:Array(String)}), 'exclude_from: want a step for each excluded event')
  + throwIf(length({exclude_to:Array(UInt8)}) != length({exclude:Array(String)}), 'exclude_to: want a step for each excluded event')
  + throwIf(
        arrayExists(
            (after, before) -> after < 1 OR after >= before OR before > length({steps:Array(String)}),
            arrayResize({exclude_from:Array(UInt8)}, length({exclude:Array(String)})),
            arrayResize({exclude_to:Array(UInt8)}, length({exclude:Array(String)}))),
        'exclude_from: want a step before exclude_to, and both from 1 to the number of steps')
  + throwIf(
        {mode:String} = 'unordered' AND arrayExists(
            (after, before) -> after != 1 OR before != length({steps:Array(String)}),
            arrayResize({exclude_from:Array(UInt8)}, length({exclude:Array(String)})),
            arrayResize({exclude_to:Array(UInt8)}, length({exclude:Array(String)}))),
        'exclude_from: want 1 and exclude_to the last step, because in any order there is no between')
  = 0 AS ok
