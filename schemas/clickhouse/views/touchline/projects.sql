-- The projects that the caller may read and that have events. Small and quick,
-- because arrivals has a row for each source.
CREATE OR REPLACE VIEW touchline.projects AS
SELECT DISTINCT t.project AS project
FROM touchline.arrivals AS t
