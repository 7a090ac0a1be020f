-- Refuses what persons cannot be broken down by.
CREATE OR REPLACE VIEW touchline.acquisition_by AS
SELECT throwIf({by:String} NOT IN ('channel', 'source', 'medium', 'campaign'), 'by: want channel, source, medium or campaign') = 0 AS ok
