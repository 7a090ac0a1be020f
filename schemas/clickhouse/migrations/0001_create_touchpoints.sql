-- One row per stored event. BI tools read it as analytics.touchpoints.
--
-- * Plain MergeTree: a row is kept from doubling when it is inserted, by the
--   deduplication window, never by FINAL. The window counts parts, and an insert
--   makes one part for each month it touches.
-- * Each fact stands here once, in its cheapest form; the view puts together
--   what readers want (url, sent_at, message_id, hex ids).
-- * A funnel reads few events of all persons, a timeline few persons of all
--   events: hence the order (project, event, person_id, event_time).
-- * Codecs are those that measured smallest at no loss of reading speed. 'event_id' is
--   random and compresses under none.
CREATE TABLE IF NOT EXISTS touchline.touchpoints
(
    project                LowCardinality(String)         COMMENT 'id of the project',
    event                  LowCardinality(String)         COMMENT 'name of the event; page_view, screen_view, identify, group, alias for the calls that have none',
    person_id              UInt64                         COMMENT 'person as stamped at ingest; dictionary person_map unifies it at query time' CODEC(Delta(8), LZ4),
    event_time             DateTime64(3, 'UTC')           COMMENT 'when it happened, corrected for the device clock, frozen at the first receipt' CODEC(T64, LZ4),

    event_id               UUID                           COMMENT 'id of the row: the SDK''s when that is a UUID, else derived from project and message id, else the receipt id' CODEC(NONE),
    message_id             String                         COMMENT 'the SDK''s id as sent; empty when it equals event_id or when there was none' CODEC(ZSTD(1)),
    receipt_id             UUID                           COMMENT 'id of this receipt (UUIDv7); zero when it equals event_id, because the SDK sent no id' CODEC(ZSTD(1)),
    type                   LowCardinality(String)         COMMENT 'track, page, screen, identify, group, alias' CODEC(ZSTD(1)),
    name                   String                         COMMENT 'name of the page or screen' CODEC(ZSTD(1)),
    kind                   LowCardinality(String)         COMMENT 'canonical kind of touchpoint' CODEC(ZSTD(1)),
    channel                LowCardinality(String)         COMMENT 'web, app, email, ad, support, chat, social, survey, purchase, crm' CODEC(ZSTD(1)),
    source                 LowCardinality(String)         COMMENT 'label of the write key' CODEC(ZSTD(1)),
    protocol               LowCardinality(String)         COMMENT 'wire protocol' CODEC(ZSTD(1)),

    anonymous_id           String                         COMMENT 'id of the device' CODEC(ZSTD(1)),
    user_id                String                         COMMENT 'id of the user' CODEC(ZSTD(1)),
    previous_id            String                         COMMENT 'the id given up, in an alias' CODEC(ZSTD(1)),
    group_id               String                         COMMENT 'id of the account or company' CODEC(ZSTD(1)),
    group_type             LowCardinality(String)         COMMENT 'kind of the group' CODEC(ZSTD(1)),
    session_id             UInt64                         COMMENT 'keyed hash of the session; 0 = none' CODEC(ZSTD(1)),

    day                    Date                           COMMENT 'day of event_time in the time zone of the project' CODEC(Delta(2), LZ4),
    has_original_timestamp Bool                           COMMENT 'whether the SDK sent a time of the event' CODEC(ZSTD(1)),
    shift_ms               Int64                          COMMENT 'event_time - original_timestamp in ms; 0 when the SDK sent none' CODEC(T64, ZSTD(1)),
    received_at            DateTime64(3, 'UTC')           COMMENT 'when the collector had read the request' CODEC(T64, ZSTD(1)),
    has_sent_at            Bool                           COMMENT 'whether the SDK sent a time of sending' CODEC(ZSTD(1)),
    skew_ms                Int64                          COMMENT 'received_at - sent_at in ms; 0 when the SDK sent none' CODEC(T64, ZSTD(1)),
    time_source            Enum8('client' = 1, 'corrected' = 2, 'receipt' = 3, 'clamped' = 4) COMMENT 'how event_time came about' CODEC(ZSTD(1)),
    ingested_at            DateTime('UTC') DEFAULT now()  COMMENT 'when the row was inserted' CODEC(T64, ZSTD(1)),

    url_origin             LowCardinality(String)         COMMENT 'URL as written, 1st part: scheme and authority' CODEC(ZSTD(1)),
    url_path               String                         COMMENT 'URL as written, 2nd part: up to the first ? or #' CODEC(ZSTD(1)),
    url_query              String                         COMMENT 'URL as written, 3rd part: the rest' CODEC(ZSTD(1)),
    page_title             String                         COMMENT 'title of the page' CODEC(ZSTD(1)),
    referrer_origin        LowCardinality(String)         COMMENT 'referrer as written, 1st part: scheme and authority' CODEC(ZSTD(1)),
    referrer_path          String                         COMMENT 'referrer as written, 2nd part: the rest' CODEC(ZSTD(1)),

    acquisition_channel    LowCardinality(String)         COMMENT 'how the visit was won' CODEC(ZSTD(1)),
    utm_source             LowCardinality(String)         COMMENT 'campaign parameter' CODEC(ZSTD(1)),
    utm_medium             LowCardinality(String)         COMMENT 'campaign parameter' CODEC(ZSTD(1)),
    utm_campaign           LowCardinality(String)         COMMENT 'campaign parameter' CODEC(ZSTD(1)),
    utm_content            LowCardinality(String)         COMMENT 'campaign parameter' CODEC(ZSTD(1)),
    utm_term               LowCardinality(String)         COMMENT 'campaign parameter' CODEC(ZSTD(1)),
    click_id_name          LowCardinality(String)         COMMENT 'name of the click id parameter: gclid, fbclid, ...' CODEC(ZSTD(1)),
    click_id               String                         COMMENT 'its value' CODEC(ZSTD(1)),

    device_type            LowCardinality(String)         COMMENT 'desktop, mobile, tablet, ...' CODEC(ZSTD(1)),
    os                     LowCardinality(String)         COMMENT 'operating system' CODEC(ZSTD(1)),
    os_version             LowCardinality(String)         COMMENT 'its version' CODEC(ZSTD(1)),
    browser                LowCardinality(String)         COMMENT 'browser' CODEC(ZSTD(1)),
    browser_version        LowCardinality(String)         COMMENT 'its version' CODEC(ZSTD(1)),
    app_version            LowCardinality(String)         COMMENT 'version of the customer''s app' CODEC(ZSTD(1)),
    locale                 LowCardinality(String)         COMMENT 'language tag' CODEC(ZSTD(1)),
    timezone               LowCardinality(String)         COMMENT 'time zone of the device' CODEC(ZSTD(1)),
    ip                     String                         COMMENT 'client address, as far as privacy settings keep it' CODEC(ZSTD(1)),
    library                LowCardinality(String)         COMMENT 'name of the SDK' CODEC(ZSTD(1)),
    library_version        LowCardinality(String)         COMMENT 'its version' CODEC(ZSTD(1)),
    is_bot                 Bool                           COMMENT 'metrics leave bots out' CODEC(ZSTD(1)),
    bot_reasons            Array(LowCardinality(String))  COMMENT 'what made it a bot' CODEC(ZSTD(1)),
    country                LowCardinality(String)         COMMENT 'ISO 3166 code' CODEC(ZSTD(1)),
    region                 LowCardinality(String)         COMMENT 'region of the country' CODEC(ZSTD(1)),
    city                   LowCardinality(String)         COMMENT 'city' CODEC(ZSTD(1)),

    revenue                Decimal(18, 4)                 COMMENT 'amount in currency' CODEC(ZSTD(1)),
    currency               LowCardinality(String)         COMMENT 'ISO 4217 code, upper case' CODEC(ZSTD(1)),
    order_id               String                         COMMENT 'id of the order' CODEC(ZSTD(1)),
    consent                LowCardinality(String)         COMMENT 'purposes granted, sorted, joined by commas' CODEC(ZSTD(1)),

    properties             String                         COMMENT 'JSON text as the SDK wrote it' CODEC(ZSTD(1)),
    traits                 String                         COMMENT 'JSON text as the SDK wrote it' CODEC(ZSTD(1)),
    context                String                         COMMENT 'JSON text as the SDK wrote it' CODEC(ZSTD(1)),
    schema_status          Enum8('none' = 0, 'valid' = 1, 'invalid' = 2, 'unknown' = 3) COMMENT 'verdict of the event''s schema' CODEC(ZSTD(1)),
    enrichment_version     UInt32                         COMMENT 'version of the rules that made the row' CODEC(T64, ZSTD(1)),

    src_topic              LowCardinality(String)         COMMENT 'id of the topic touchpoints.raw.v1 (not its name: a recreated topic has another id)' CODEC(ZSTD(1)),
    src_partition          UInt16                         COMMENT 'partition in it' CODEC(ZSTD(1)),
    src_offset             UInt64                         COMMENT 'offset in that' CODEC(T64, ZSTD(1)),

    CONSTRAINT has_project CHECK project != '',
    -- '' stands for "any event" in person_days and person_first.
    CONSTRAINT has_event CHECK event != ''
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(event_time)
ORDER BY (project, event, person_id, event_time)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'One row per stored event'
