-- What analytics.drop_off_next and drop_off_next_page show: what persons did next (what =
-- 'event') or looked at next ('page'), after steps that are names of events (on = 'event') or
-- canonical kinds (on = 'kind').
CREATE OR REPLACE VIEW touchline.drop_off_followers AS
SELECT
    project,
    did_next,
    toInt64(count()) AS persons,
    persons / sum(persons) OVER (PARTITION BY project) AS share,
    quantileExactInclusive(0.5)(seconds) AS median_seconds
FROM
(
    SELECT
        any(dropped.project) AS project,
        argMinIf(later.did, later.place, later.ms > 0) AS first_did,
        if(first_did = '', '(nothing)', first_did) AS did_next,
        if(first_did = '', 0, (min(later.ms) - any(dropped.left_at)) / 1000.) AS seconds
    FROM
    (
        SELECT
            e.person_id AS person_id,
            e.ms AS ms,
            toString(e.{what:Identifier}) AS did,
            bitShiftLeft(toUInt128(toUInt64(e.ms)), 80)
                + bitShiftLeft(toUInt128(e.src_partition), 64)
                + toUInt128(e.src_offset) AS place
        FROM touchline.events AS e
        WHERE ({project:String} = '*' OR e.project = {project:String})
          AND ({what:String} = 'event' OR e.type IN ('page', 'screen') AND e.page != '')
          AND e.event_time >= {from:DateTime64(3, 'UTC')}
          AND e.event_time <= {to:DateTime64(3, 'UTC')} + toIntervalSecond({window_seconds:UInt64} + {horizon_seconds:UInt64})
    ) AS later
    RIGHT JOIN
    (
        SELECT
            project,
            person_id,
            times[-1] AS left_at
        FROM touchline.funnel_persons(
            project = {project:String},
            on = {on:String},
            steps = {steps:Array(String)},
            window_seconds = {window_seconds:UInt64},
            from = {from:DateTime64(3, 'UTC')},
            to = {to:DateTime64(3, 'UTC')},
            as_of = {as_of:DateTime64(3, 'UTC')},
            by = 'event',
            property = '',
            attribution = 'everybody',
            attribution_step = 1)
        WHERE level = {after_step:UInt8}
          AND NOT open
          AND (SELECT ok FROM touchline.good_drop_off(
                  steps = {steps:Array(String)},
                  after_step = {after_step:UInt8},
                  horizon_seconds = {horizon_seconds:UInt64}))
    ) AS dropped
    ON dropped.person_id = later.person_id
        AND later.ms > dropped.left_at
        AND later.ms <= dropped.left_at + toInt64({horizon_seconds:UInt64}) * 1000
    GROUP BY dropped.person_id
)
GROUP BY project, did_next
-- The caller's own setting would turn "nothing" into NULL.
SETTINGS join_use_nulls = 0
