-- Migration 0044 makes it anew, with the channel and times. Changing it in place would
-- give repeated inserts other deduplication ids after the server's next start.
DROP VIEW IF EXISTS touchline.person_days_mv
