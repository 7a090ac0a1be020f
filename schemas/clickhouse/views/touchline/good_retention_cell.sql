-- Refuses a cell that the retention table does not have.
CREATE OR REPLACE VIEW touchline.good_retention_cell AS
SELECT
    throwIf({cohort:UInt16} >= {cohorts:UInt16}, 'cohort: want 0 to cohorts - 1')
  + throwIf({period:UInt16} >= {periods:UInt16}, 'period: want 0 to periods - 1')
  = 0 AS ok
