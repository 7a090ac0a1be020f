-- Which logs the rows come from. Offsets mean nothing without their log: a topic
-- that was deleted and created again has another id and starts at offset 0.
CREATE TABLE IF NOT EXISTS touchline.topics
(
    name       String                                             COMMENT 'name of the topic',
    topic_id   String                                             COMMENT 'id that the broker gave it, as in src_topic',
    first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'when a service first worked with it; read with min()'
)
ENGINE = AggregatingMergeTree
ORDER BY (name, topic_id)
COMMENT 'Logs that rows have come from'
