-- Which features are used, and by how many of those who did anything at all.
--
-- summary | Adoption of features: persons who used each, of all who were active
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | events from here on
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | and before this
-- param  | match | String | 'event' | what features name: event or kind
-- param  | features | Array(String) | [] | which to look for, also when nobody used them; [] = all that anybody used
-- column | project | String | id of the project
-- column | feature | String | name of the event or kind
-- column | uses | Int64 | how often it was used
-- column | persons | Int64 | by how many
-- column | active_persons | Int64 | how many did anything
-- column | adoption_rate | Float64 | persons / active_persons
-- column | uses_per_person | Float64 | uses / persons
CREATE OR REPLACE VIEW analytics.engagement_features
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH used AS
(
    SELECT
        toString(e.project) AS of_project,
        toString(if({match:String} = 'kind', e.kind, e.event)) AS feature,
        toInt64(count()) AS uses,
        toInt64(uniqExact(e.person_id)) AS persons
    FROM touchline.events AS e
    WHERE ({project:String} = '*' OR e.project = {project:String})
      AND (SELECT ok FROM touchline.allowed(project = {project:String}))
      AND (SELECT ok FROM touchline.visit_match(match = {match:String}))
      AND (SELECT ok FROM touchline.visit_range(from = {from:DateTime64(3, 'UTC')}, to = {to:DateTime64(3, 'UTC')}))
      AND e.event_time >= {from:DateTime64(3, 'UTC')}
      AND e.event_time < {to:DateTime64(3, 'UTC')}
      AND (empty({features:Array(String)}) AND feature != '' OR feature IN {features:Array(String)})
    GROUP BY of_project, feature
)
SELECT
    a.of_project AS project,
    f.feature AS feature,
    u.uses AS uses,
    u.persons AS persons,
    a.persons AS active_persons,
    persons / active_persons AS adoption_rate,
    if(u.persons = 0, 0, u.uses / u.persons) AS uses_per_person
FROM
(
    SELECT
        toString(e.project) AS of_project,
        toInt64(uniqExact(e.person_id)) AS persons
    FROM touchline.events AS e
    WHERE ({project:String} = '*' OR e.project = {project:String})
      AND e.event_time >= {from:DateTime64(3, 'UTC')}
      AND e.event_time < {to:DateTime64(3, 'UTC')}
    GROUP BY of_project
) AS a
INNER JOIN
(
    SELECT of_project, feature FROM used
    UNION DISTINCT
    SELECT p.project, arrayJoin({features:Array(String)}) FROM touchline.projects AS p
) AS f ON f.of_project = a.of_project
LEFT JOIN used AS u ON u.of_project = f.of_project AND u.feature = f.feature
ORDER BY project, persons DESC, feature
SETTINGS join_use_nulls = 0
COMMENT '${comment}'
