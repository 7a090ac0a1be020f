-- Refuses a criterion of occurrences that nobody or everybody would meet. The first
-- text that applies is the error.
CREATE OR REPLACE VIEW touchline.good_occurrences AS
SELECT
    throwIf({comparison:String} NOT IN ('>=', '<=', '='), 'comparison: want >=, <= or =')
  + throwIf({occurrences:UInt64} NOT BETWEEN 1 AND 1000000, 'occurrences: want 1 to 1000000')
  = 0 AS ok
