-- On which days each person did an event, as bits: what active_users counts. The
-- span from the UTC date of `from` is cut into pieces of 35 days; each piece of each
-- person is a row, whose 64 bits are the 29 days before the piece and its own. So
-- whatever looks back less than 30 days finds all it needs in one number.
--
--   piece   from 0
--   mask    bit i = active on the day from + 35 * piece - 29 + i
CREATE OR REPLACE VIEW touchline.person_masks AS
WITH
    toDate({from:DateTime64(3, 'UTC')}) AS from_day,
    toDate({to:DateTime64(3, 'UTC')} - toIntervalMillisecond(1)) AS last_day,
    range(toUInt32(greatest(0, least(29, 1 + intDiv(last_day - from_day, 35))))) AS pieces
SELECT
    if({project:String} = '*', any(d.project), {project:String}) AS project,
    d.person_id AS person_id,
    piece,
    groupBitOr(if(shift >= 0, bitShiftLeft(toUInt64(d.days), greatest(shift, 0)), bitShiftRight(toUInt64(d.days), greatest(-shift, 0)))) AS mask
FROM
(
    SELECT
        t.project AS project,
        t.person_id AS person_id,
        t.month AS month,
        t.days AS days
    FROM touchline.days AS t
    WHERE ({project:String} = '*' OR t.project = {project:String})
      AND (SELECT ok FROM touchline.allowed(project = {project:String}))
      AND (SELECT ok FROM touchline.good_interval(
              granularity = 'day',
              from = {from:DateTime64(3, 'UTC')},
              to = {to:DateTime64(3, 'UTC')}))
      AND t.event = {event:String}
      AND t.month >= toStartOfMonth(from_day - 29)
      AND t.month <= last_day
) AS d
ARRAY JOIN
    pieces AS piece,
    -- Where the first day of the month lies in the piece.
    arrayMap(p -> toInt32(d.month - from_day) + 29 - 35 * toInt32(p), pieces) AS shift
WHERE shift BETWEEN -30 AND 63
GROUP BY person_id, piece
