-- How often something was shown and how often people reacted: click rates of ads,
-- open rates of e-mails, or of any two events or kinds.
--
-- Clicks count whether or not the same person was shown anything; clicked_persons are
-- those who were shown it under the same value of the breakdown, and clicked, in
-- whatever order.
--
-- summary | Click rate: how often one event or kind was followed up by another, by any column
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | events from here on
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | and before this
-- param  | match | String | 'kind' | what shown and clicked name: event or kind
-- param  | shown | String | 'product_view' | what was shown: ad_impression, email_sent, ...
-- param  | clicked | String | 'cart_add' | what people did: ad_click, email_open, ...
-- param  | by | Identifier | 'channel' | what to break down by: a text column of touchpoints: country, utm_campaign, page, ...; project for no breakdown
-- param  | top | UInt64 | 10 | how many values have rows of their own, 1 to 1000
-- column | project | String | id of the project
-- column | breakdown | String | the value; (not set) = empty, Other = beyond top
-- column | shown | Int64 | how often it was shown
-- column | clicked | Int64 | how often people reacted
-- column | click_rate | Float64 | clicked / shown
-- column | shown_persons | Int64 | to how many persons it was shown
-- column | clicked_persons | Int64 | how many of them reacted
-- column | person_rate | Float64 | clicked_persons / shown_persons
CREATE OR REPLACE VIEW analytics.engagement
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH ranked AS
(
    SELECT
        toString(by.project) AS of_project,
        toString(by.{by:Identifier}) AS value,
        count() AS number
    FROM touchline.events AS by
    WHERE ({project:String} = '*' OR by.project = {project:String})
      AND ({match:String} != 'event' OR by.event IN ({shown:String}, {clicked:String}))
      AND ({match:String} != 'kind' OR by.kind IN ({shown:String}, {clicked:String}))
      AND by.event_time >= {from:DateTime64(3, 'UTC')}
      AND by.event_time < {to:DateTime64(3, 'UTC')}
      AND value != ''
    GROUP BY of_project, value
    ORDER BY number DESC, value
    LIMIT {top:UInt64} BY of_project
)
SELECT
    p.of_project AS project,
    p.label AS breakdown,
    toInt64(sum(p.shown_count)) AS shown,
    toInt64(sum(p.clicked_count)) AS clicked,
    if(shown = 0, 0, clicked / shown) AS click_rate,
    toInt64(countIf(p.shown_count > 0)) AS shown_persons,
    toInt64(countIf(p.shown_count > 0 AND p.clicked_count > 0)) AS clicked_persons,
    if(shown_persons = 0, 0, clicked_persons / shown_persons) AS person_rate
FROM
(
    SELECT
        if({project:String} = '*', toString(any(by.project)), {project:String}) AS of_project,
        multiIf(
            toString(by.{by:Identifier}) = '', '(not set)',
            (toString(by.project), toString(by.{by:Identifier})) IN (SELECT of_project, value FROM ranked), toString(by.{by:Identifier}),
            'Other') AS label,
        by.person_id AS person_id,
        countIf(if({match:String} = 'kind', by.kind, by.event) = {shown:String}) AS shown_count,
        countIf(if({match:String} = 'kind', by.kind, by.event) = {clicked:String}) AS clicked_count
    FROM touchline.events AS by
    WHERE ({project:String} = '*' OR by.project = {project:String})
      AND (SELECT ok FROM touchline.allowed(project = {project:String}))
      AND (SELECT ok FROM touchline.visit_range(from = {from:DateTime64(3, 'UTC')}, to = {to:DateTime64(3, 'UTC')}))
      AND (SELECT ok FROM touchline.good_top(top = {top:UInt64}))
      AND (SELECT ok FROM touchline.visit_by(by = {by:String}))
      AND (SELECT ok FROM touchline.visit_match(match = {match:String}))
      AND (SELECT ok FROM touchline.visit_pair(shown = {shown:String}, clicked = {clicked:String}))
      AND ({match:String} != 'event' OR by.event IN ({shown:String}, {clicked:String}))
      AND ({match:String} != 'kind' OR by.kind IN ({shown:String}, {clicked:String}))
      AND by.event_time >= {from:DateTime64(3, 'UTC')}
      AND by.event_time < {to:DateTime64(3, 'UTC')}
    GROUP BY person_id, label
) AS p
GROUP BY project, breakdown
ORDER BY project, shown DESC, clicked DESC, breakdown
COMMENT '${comment}'
