-- Keeps the days of different channels apart, for the persons of each channel by day,
-- and the first and last time of each. Most persons use one channel in a month, so the
-- rows hardly grow more.
--
-- Rows that were stored before have no channel and no times. They are made anew once,
-- while nothing is landed:
--
--   TRUNCATE TABLE touchline.person_days
--   INSERT INTO touchline.person_days SELECT ... the query of person_days_mv
ALTER TABLE touchline.person_days
    ADD COLUMN IF NOT EXISTS channel LowCardinality(String) COMMENT 'channel of the events' CODEC(ZSTD(1)) AFTER person_id,
    ADD COLUMN IF NOT EXISTS first_time SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'earliest event_time' CODEC(T64, LZ4),
    ADD COLUMN IF NOT EXISTS last_time SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'latest event_time' CODEC(T64, LZ4),
    MODIFY ORDER BY (project, event, month, person_id, channel)
