-- Who did step 1 and an event that the funnel excludes: only these can be excluded, so
-- only these are followed by touchline.funnel_persons_exact.
CREATE OR REPLACE VIEW touchline.funnel_excluded AS
SELECT DISTINCT e.person_id AS person_id
FROM touchline.events AS e
WHERE ({project:String} = '*' OR e.project = {project:String})
  AND e.{on:Identifier} IN {exclude:Array(String)}
  AND e.event_time >= {from:DateTime64(3, 'UTC')}
  AND e.event_time < {to:DateTime64(3, 'UTC')} + toIntervalSecond({window_seconds:UInt64})
  AND e.person_id IN (
      SELECT first.person_id
      FROM touchline.events AS first
      WHERE ({project:String} = '*' OR first.project = {project:String})
        AND first.{on:Identifier} = {steps:Array(String)}[1]
        AND first.event_time >= {from:DateTime64(3, 'UTC')}
        AND first.event_time < {to:DateTime64(3, 'UTC')})
