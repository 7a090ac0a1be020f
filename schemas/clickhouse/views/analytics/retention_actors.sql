-- The persons behind a cell of retention: everybody in the cohort, with whether they
-- count in the period. Those with returned = false are who did not come back, once
-- the cell is complete. The other parameters are those of retention.
--
-- summary | The persons behind a cell of retention: who is in the cohort and who came back
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | start_event | String | 'page_view' | what puts a person into a cohort; empty = any event
-- param  | return_event | String | '' | what counts as coming back; empty = any event
-- param  | granularity | String | 'week' | day, week (from Monday) or month
-- param  | mode | String | 'first_time' | recurring (a cohort for each interval with start_event) or first_time (of all history)
-- param  | cumulative | Bool | false | count a person at every period up to their last return
-- param  | from | DateTime64(3, 'UTC') | today() - 21 | its UTC date lies in the first cohort
-- param  | cohorts | UInt16 | 4 | number of cohorts, 1 to 1000
-- param  | periods | UInt16 | 4 | number of periods, 1 to 1000
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | a cell is complete when its interval had ended by then; it leaves no events out
-- param  | cohort | UInt16 | 0 | number of the cohort, less than cohorts
-- param  | period | UInt16 | 1 | number of the period, less than periods
-- column | project | String | id of the project
-- column | person_id | String | id of the person, 16 hex digits
-- column | cohort_date | Date | first day of the cohort
-- column | cohort | Int64 | number of the cohort
-- column | period | Int64 | number of the period
-- column | returned | Bool | whether the person counts in the cell
-- column | complete | Bool | the interval has ended
CREATE OR REPLACE VIEW analytics.retention_actors
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    if({granularity:String} IN ('week', 'month'), {granularity:String}, 'day') AS unit,
    toDate({from:DateTime64(3, 'UTC')}) AS from_day,
    toInt32({cohort:UInt16}) AS of_cohort,
    toInt32({period:UInt16}) AS of_period,
    (words, i) -> bitTest(words[1 + intDiv(i, 64)], i % 64) AS has_bit
SELECT
    m.project AS project,
    leftPad(hex(m.person_id), 16, '0') AS person_id,
    multiIf(
        unit = 'month', addMonths(toStartOfMonth(from_day), of_cohort),
        unit = 'week', toMonday(from_day) + 7 * of_cohort,
        from_day + of_cohort
    ) AS cohort_date,
    toInt64(of_cohort) AS cohort,
    toInt64(of_period) AS period,
    toBool(of_period = 0
        OR has_bit(m.return_words, of_cohort + of_period)
        OR {cumulative:Bool} AND arrayExists(
            i -> has_bit(m.return_words, i),
            range(of_cohort + of_period, toInt32({cohorts:UInt16}) + {periods:UInt16}))) AS returned,
    toBool(of_cohort + of_period < dateDiff(unit, from_day, a.as_of_day)) AS complete
FROM touchline.retention_members(
    project = {project:String},
    start_event = {start_event:String},
    return_event = {return_event:String},
    granularity = {granularity:String},
    mode = {mode:String},
    cumulative = {cumulative:Bool},
    from = {from:DateTime64(3, 'UTC')},
    cohorts = {cohorts:UInt16},
    periods = {periods:UInt16}) AS m
INNER JOIN touchline.asked_days(project = {project:String}, as_of = {as_of:DateTime64(3, 'UTC')}) AS a ON a.project = m.project
WHERE (SELECT ok FROM touchline.good_retention_cell(
          cohorts = {cohorts:UInt16},
          periods = {periods:UInt16},
          cohort = {cohort:UInt16},
          period = {period:UInt16}))
  AND has_bit(m.cohort_words, of_cohort)
COMMENT '${comment}'
