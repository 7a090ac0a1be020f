-- The projects that the caller may read and that have events. Small and quick,
-- because landed has a row per minute, not per event.
CREATE OR REPLACE VIEW touchline.projects AS
SELECT DISTINCT t.project AS project
FROM touchline.landed AS t
WHERE (SELECT everything FROM touchline.reader) OR t.project IN (SELECT project FROM touchline.readable)
