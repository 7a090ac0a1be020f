-- Refuses a number of groups that would give a wrong or endless answer.
CREATE OR REPLACE VIEW touchline.good_top AS
SELECT throwIf({top:UInt64} NOT BETWEEN 1 AND 1000, 'top: want 1 to 1000') = 0 AS ok
