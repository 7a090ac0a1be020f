-- What is known of a session, added up as its events arrive: what sessions and
-- bounces are read from, instead of the events themselves. Rows of a session merge,
-- whatever block they came in; readers group by session_id, which has the project in
-- its hash.
--
-- * A session has a row for each day that it touches, because a range of days must
--   not need all sessions: readers look at two days more on both sides.
-- * 'place' in the comments is the order of events: time, partition and offset in one
--   number.
-- * No partitions: a block of late events would make a part for each that it touches.
--   Days are in the key, which keeps readers from other months.
-- * Several texts of one event are one, with the byte 1 between them: a state of a
--   tuple costs five times as much to read.
CREATE TABLE IF NOT EXISTS touchline.visits
(
    project       LowCardinality(String)                            COMMENT 'id of the project',
    day           Date                                              COMMENT 'day of the events, in the time zone of the project' CODEC(Delta(2), LZ4),
    session_id    UInt64                                            COMMENT 'the session, never 0' CODEC(Delta(8), LZ4),
    started_at    SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'earliest event_time' CODEC(T64, ZSTD(1)),
    ended_at      SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'latest event_time' CODEC(T64, ZSTD(1)),
    events        SimpleAggregateFunction(sum, UInt64)              COMMENT 'number of events' CODEC(T64, ZSTD(1)),
    pages         SimpleAggregateFunction(sum, UInt64)              COMMENT 'page and screen views' CODEC(T64, ZSTD(1)),
    interactions  SimpleAggregateFunction(sum, UInt64)              COMMENT 'events with which somebody did something' CODEC(T64, ZSTD(1)),
    conversions   SimpleAggregateFunction(sum, UInt64)              COMMENT 'orders, sign-ups, leads, starts of subscriptions' CODEC(T64, ZSTD(1)),
    orders        SimpleAggregateFunction(sum, UInt64)              COMMENT 'orders' CODEC(T64, ZSTD(1)),
    revenue       SimpleAggregateFunction(sum, Decimal(38, 4))      COMMENT 'sum of amounts, whatever their currency' CODEC(ZSTD(1)),
    currency_low  SimpleAggregateFunction(min, String)              COMMENT 'first currency of amounts by alphabet, empty before all; the byte 255 where there is no amount' CODEC(ZSTD(1)),
    currency_high SimpleAggregateFunction(max, String)              COMMENT 'last currency of amounts by alphabet; empty where there is none' CODEC(ZSTD(1)),
    person        AggregateFunction(argMax, UInt64, UInt128)        COMMENT 'person of the last event by place, as stamped at ingest' CODEC(ZSTD(1)),
    entry         AggregateFunction(argMin, String, UInt128)        COMMENT 'URL origin, device type, operating system, browser, country and page of the first page or screen by place, else of the first event' CODEC(ZSTD(1)),
    exit_page     AggregateFunction(argMax, String, UInt128)        COMMENT 'last page or screen by place' CODEC(ZSTD(1)),
    won_by        AggregateFunction(argMin, String, UInt128)        COMMENT 'acquisition channel, source, medium, campaign, referrer origin of the first event by place that has a channel' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (project, day, session_id)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'Sessions, added up by day; without bots'
