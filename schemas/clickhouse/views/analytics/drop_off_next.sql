-- What those who fell out of a funnel did next: of the persons who reached
-- after_step, got no further, and whose latest attempt's window has closed
-- (the column dropped of analytics.funnel), the first event of any name after
-- their last step and within horizon_seconds, inclusive; '(nothing)' where there
-- is none. Of simultaneous events the one that the raw log holds first counts.
--
-- The persons stand on the right of the join, so that they and not the events are
-- held in memory; it is a RIGHT JOIN, so that those without an event stay.
--
-- Parameters and columns are a public contract and never change: a new mode is a
-- new view.
CREATE OR REPLACE VIEW analytics.drop_off_next
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    if(did = '', '(nothing)', did) AS next_event,
    toInt64(count()) AS persons,
    quantileExactInclusive(0.5)(seconds) AS median_seconds
FROM
(
    SELECT
        dropped.person_id AS person_id,
        argMin(later.event, (later.at, later.src_partition, later.src_offset, later.event)) AS did,
        if(did = '', 0, (min(later.at) - any(dropped.left_at)) / 1000.) AS seconds
    FROM
    (
        SELECT
            dictGetOrDefault('touchline.person_map', 'new_id', t.person_id, t.person_id) AS mapped_id,
            toUnixTimestamp64Milli(event_time) AS at,
            toString(t.event) AS event,
            src_partition,
            src_offset
        FROM touchline.touchpoints AS t
        WHERE project = {project:String}
          AND NOT is_bot
          AND event_time >= {from:DateTime64(3, 'UTC')}
          AND event_time <= {to:DateTime64(3, 'UTC')} + toIntervalSecond({window_seconds:UInt64} + {horizon_seconds:UInt64})
    ) AS later
    RIGHT JOIN
    (
        SELECT
            person_id,
            times[-1] AS left_at
        FROM touchline.funnel_persons(
            project = {project:String},
            steps = {steps:Array(String)},
            window_seconds = {window_seconds:UInt64},
            from = {from:DateTime64(3, 'UTC')},
            to = {to:DateTime64(3, 'UTC')})
        WHERE level = {after_step:UInt8}
          AND last_entry + toInt64({window_seconds:UInt64}) * 1000 < toUnixTimestamp64Milli({as_of:DateTime64(3, 'UTC')})
          AND (SELECT ok FROM touchline.good_drop_off(
                  steps = {steps:Array(String)},
                  after_step = {after_step:UInt8},
                  horizon_seconds = {horizon_seconds:UInt64}))
    ) AS dropped
    ON dropped.person_id = later.mapped_id
        AND later.at > dropped.left_at
        AND later.at <= dropped.left_at + toInt64({horizon_seconds:UInt64}) * 1000
    GROUP BY dropped.person_id
)
GROUP BY next_event
ORDER BY persons DESC, next_event
-- The caller's own setting would turn "nothing" into NULL.
SETTINGS join_use_nulls = 0
COMMENT 'What persons did after they fell out of a funnel. Call: analytics.drop_off_next(project = ''demo'', steps = [''page_view'', ''signup''], window_seconds = 604800, from = now64(3, ''UTC'') - INTERVAL 30 DAY, to = now64(3, ''UTC''), as_of = now64(3, ''UTC''), after_step = 1, horizon_seconds = 86400). Columns: next_event (''(nothing)'' = no event within the horizon), persons, median_seconds (since their last step)'
