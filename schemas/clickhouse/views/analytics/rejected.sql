-- Unusable events with the reason and their bytes, kept 30 days. The address and
-- the headers of the client stay in touchline.rejected.
--
-- summary | One row per rejected event, kept 30 days
CREATE OR REPLACE VIEW analytics.rejected
(
    project        String               COMMENT 'id of the project',
    received_at    DateTime64(3, 'UTC') COMMENT 'when the collector had read the request; the time column',
    rejected_at    DateTime64(3, 'UTC') COMMENT 'when the row was inserted',
    stage          String               COMMENT 'step that refused it: collect, adapt, ...',
    reason         String               COMMENT 'why, one of a closed list',
    message        String               COMMENT 'what was wrong, for a person',
    field          String               COMMENT 'path of the field at fault; empty = the event as a whole',
    receipt_id     UUID                 COMMENT 'id that the collector gave to this receipt',
    protocol       String               COMMENT 'wire protocol: segment, ...',
    endpoint       String               COMMENT 'call of that protocol',
    source         String               COMMENT 'label of the write key',
    batch_index    Int64                COMMENT 'position of the event in its request, from 0',
    sent_at        String               COMMENT 'sent time of the request, as written',
    user_agent     String               COMMENT 'User-Agent of the request',
    payload        String               COMMENT 'the event: the bytes the SDK wrote',
    original_bytes Int64                COMMENT 'length of the event; more than payload has when that was cut'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    r.project,
    r.received_at,
    r.rejected_at,
    r.stage,
    r.reason,
    r.message,
    r.field,
    r.receipt_id,
    r.protocol,
    r.endpoint,
    r.source,
    r.batch_index,
    r.sent_at,
    r.user_agent,
    r.payload,
    if(r.original_bytes = 0, length(r.payload), r.original_bytes) AS original_bytes
FROM touchline.rejected AS r
WHERE (SELECT everything FROM touchline.reader) OR r.project IN (SELECT project FROM touchline.readable)
COMMENT '${comment}'
