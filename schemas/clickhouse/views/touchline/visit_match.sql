-- Refuses what names are not compared with.
CREATE OR REPLACE VIEW touchline.visit_match AS
SELECT throwIf({match:String} NOT IN ('event', 'kind'), 'match: want event or kind') = 0 AS ok
