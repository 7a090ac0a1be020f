-- Whether the conversion of a funnel from its first step to its last differs between
-- groups by more than chance: each value of a breakdown against all others together, or
-- against a baseline, which then has no row. A test of two variants is
-- by = 'properties.variant', baseline = 'control'.
--
-- * Only persons take part whose window has closed. Of the others those who converted are
--   known sooner than those who will not, so a group with more newcomers would look better.
-- * The test is the z test of two proportions with the pooled share (equal to chi-squared
--   without correction) where each of the four cells is expected to hold 5 persons or more
--   (Cochran 1954, Biometrics 10:417), else Fisher's exact test: of all numbers of converts
--   that the group could have had, those no more probable than the one it had.
-- * Intervals: of a share Wilson's (1927, JASA 22:209), of the difference Newcombe's method
--   10 (1998, Statistics in Medicine 17:873), made of the former.
-- * p_value_adjusted is for looking at all rows (Holm 1979, Scandinavian Journal of Statistics
--   6:65): of ten equal groups one or more fall below 0.05 in four cases of ten. It
--   says nothing of looking again every day until something shows.
-- * A group of nobody differs from nothing: p_value 1, difference from -1 to 1.
--
-- summary | Whether groups of a funnel convert differently by more than chance: rates, difference, intervals, p value
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | steps | Array(String) | ['page_view', 'Product Added', 'Order Completed'] | 1 to 10 different event names, in order
-- param  | window_seconds | UInt64 | 604800 | time from step 1 to the last step, inclusive, 1 to 31622400
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | step 1 counts from here
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | step 1 counts before this
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | only those take part whose window has closed before this
-- param  | by | String | 'acquisition_channel' | column to break down by: channel, acquisition_channel, country, device_type, utm_campaign, ..., or properties.NAME for a property of the events
-- param  | attribution | String | 'first' | whose value a person has: first or last that is set, or step (that of attribution_step)
-- param  | attribution_step | UInt8 | 1 | number of the step for attribution = step, else not looked at
-- param  | top | UInt64 | 10 | values that are shown by themselves, 1 to 1000; the rest is Other
-- param  | baseline | String | '' | group that the others are compared with, for example control; empty = each with all others together
-- column | project | String | id of the project
-- column | breakdown | String | value of the group; (not set) without one, Other beyond the top
-- column | persons | Int64 | who entered, of those whose window has closed at as_of
-- column | converted | Int64 | of these, who reached the last step
-- column | undecided | Int64 | who entered, but is left out because their window is open, converted or not
-- column | conversion | Float64 | converted / persons
-- column | conversion_low | Float64 | lower bound of its 95 % interval (Wilson score)
-- column | conversion_high | Float64 | upper bound of it
-- column | others | Int64 | persons that the group is compared with
-- column | others_converted | Int64 | of these, who reached the last step
-- column | others_conversion | Float64 | others_converted / others
-- column | difference | Float64 | conversion - others_conversion; 0 if there is nobody to compare
-- column | difference_low | Float64 | lower bound of its 95 % interval (hybrid score)
-- column | difference_high | Float64 | upper bound of it
-- column | p_value | Float64 | how probable so large a difference is by chance alone, two-sided
-- column | p_value_adjusted | Float64 | the same for as many comparisons as there are rows (Holm)
-- column | test | String | z (two proportions, pooled), or exact (Fisher) where a cell is expected to hold less than 5
CREATE OR REPLACE VIEW analytics.funnel_significance
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    breakdown,
    persons,
    converted,
    undecided,
    conversion,
    conversion_low,
    conversion_high,
    others,
    others_converted,
    others_conversion,
    difference,
    difference_low,
    difference_high,
    p_value,
    p_value_adjusted,
    test
FROM touchline.funnel_shares(
    project = {project:String},
    on = 'event',
    steps = {steps:Array(String)},
    window_seconds = {window_seconds:UInt64},
    from = {from:DateTime64(3, 'UTC')},
    to = {to:DateTime64(3, 'UTC')},
    as_of = {as_of:DateTime64(3, 'UTC')},
    by = {by:String},
    attribution = {attribution:String},
    attribution_step = {attribution_step:UInt8},
    top = {top:UInt64},
    baseline = {baseline:String})
ORDER BY project, p_value, breakdown
COMMENT '${comment}'
