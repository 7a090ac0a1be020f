-- The projects that whoever asks may read: currentUser() is the caller, also inside
-- a view that runs with the rights of its definer. Row policies would not do: they do
-- not reach through such views.
--
-- The base views (events, days, firsts, ...) ask it like this, as everything that is
-- built on them is restricted by it, and nothing else reads the tables:
--
--   WHERE (SELECT everything FROM touchline.reader) OR t.project IN (SELECT project FROM touchline.readable)
--
-- The first half is a constant when the query is planned; the set of the second
-- prunes by key.
CREATE OR REPLACE VIEW touchline.readable AS
SELECT project
FROM touchline.bi_access
WHERE user = currentUser()
