-- When each person signed up, was activated and used the product first: the core of
-- time_to_value. One row for each person whose first sign-up of all history lies in
-- [from, to).
--
--   signed_up    ms since 1970
--   activated    the first activation not before it, within window_seconds; 0 = none
--   used         the first use not before that, within the same window; 0 = none
--
-- `match` is the column that holds the names: event, or kind for the canonical ones.
CREATE OR REPLACE VIEW touchline.value_persons AS
WITH toInt64({window_seconds:UInt64}) * 1000 AS window_ms
SELECT
    if({project:String} = '*', any(e.project), {project:String}) AS project,
    e.person_id AS person_id,
    minIf(e.ms, {match:Identifier} = {sign_up:String}) AS signed_up,
    arrayMin(arrayFilter(
        t -> t BETWEEN signed_up AND signed_up + window_ms,
        groupArrayIf(e.ms, {match:Identifier} = {activation:String}))) AS activated,
    if(activated = 0, 0, arrayMin(arrayFilter(
        t -> t BETWEEN activated AND signed_up + window_ms,
        groupArrayIf(e.ms, {match:Identifier} = {first_use:String})))) AS used
FROM touchline.events AS e
WHERE ({project:String} = '*' OR e.project = {project:String})
  AND (SELECT ok FROM touchline.allowed(project = {project:String}))
  AND (SELECT ok FROM touchline.good_time_to_value(
          sign_up = {sign_up:String},
          activation = {activation:String},
          first_use = {first_use:String},
          window_seconds = {window_seconds:UInt64},
          from = {from:DateTime64(3, 'UTC')},
          to = {to:DateTime64(3, 'UTC')}))
  AND {match:Identifier} IN ({sign_up:String}, {activation:String}, {first_use:String})
  -- Sign-ups of all history tell the first one.
  AND ({match:Identifier} = {sign_up:String}
      OR e.event_time >= {from:DateTime64(3, 'UTC')} AND e.event_time <= {to:DateTime64(3, 'UTC')} + toIntervalSecond({window_seconds:UInt64}))
GROUP BY person_id
HAVING countIf({match:Identifier} = {sign_up:String}) > 0
   AND signed_up >= toUnixTimestamp64Milli({from:DateTime64(3, 'UTC')})
   AND signed_up < toUnixTimestamp64Milli({to:DateTime64(3, 'UTC')})
