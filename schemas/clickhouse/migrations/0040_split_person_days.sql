-- Keeps the days of different channels apart, for the persons of each channel by
-- day. Most persons use one channel in a month, so the rows hardly grow more; rows
-- that were there before have no channel.
ALTER TABLE touchline.person_days
    ADD COLUMN IF NOT EXISTS channel LowCardinality(String) COMMENT 'channel of the events' CODEC(ZSTD(1)) AFTER person_id,
    MODIFY ORDER BY (project, event, month, person_id, channel)
