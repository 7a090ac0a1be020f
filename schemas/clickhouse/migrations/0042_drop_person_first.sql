-- person_days says when a person did an event first and last, too: the least and the
-- greatest of its months.
DROP TABLE IF EXISTS touchline.person_first
