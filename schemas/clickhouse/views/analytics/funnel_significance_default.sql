-- analytics.funnel_significance for tools that cannot pass parameters: the funnel of
-- analytics.funnel_default over 30 days, of which the last window has just closed.
--
-- summary | Whether acquisition channels of a shop convert differently by more than chance, over 30 days
CREATE OR REPLACE VIEW analytics.funnel_significance_default
(
    project           String  COMMENT 'id of the project',
    breakdown         String  COMMENT 'value of the group; (not set) without one, Other beyond the top',
    persons           Int64   COMMENT 'who entered, of those whose window has closed at as_of',
    converted         Int64   COMMENT 'of these, who reached the last step',
    undecided         Int64   COMMENT 'who entered, but is left out because their window is open, converted or not',
    conversion        Float64 COMMENT 'converted / persons',
    conversion_low    Float64 COMMENT 'lower bound of its 95 % interval (Wilson score)',
    conversion_high   Float64 COMMENT 'upper bound of it',
    others            Int64   COMMENT 'persons that the group is compared with',
    others_converted  Int64   COMMENT 'of these, who reached the last step',
    others_conversion Float64 COMMENT 'others_converted / others',
    difference        Float64 COMMENT 'conversion - others_conversion; 0 if there is nobody to compare',
    difference_low    Float64 COMMENT 'lower bound of its 95 % interval (hybrid score)',
    difference_high   Float64 COMMENT 'upper bound of it',
    p_value           Float64 COMMENT 'how probable so large a difference is by chance alone, two-sided',
    p_value_adjusted  Float64 COMMENT 'the same for as many comparisons as there are rows (Holm)',
    test              String  COMMENT 'z (two proportions, pooled), or exact (Fisher) where a cell is expected to hold less than 5'
)
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
    project = '*',
    on = 'kind',
    steps = ['page_view', 'product_view', 'cart_add', 'checkout_start', 'order'],
    window_seconds = 604800,
    from = now64(3, 'UTC') - INTERVAL 37 DAY,
    to = now64(3, 'UTC') - INTERVAL 7 DAY,
    as_of = now64(3, 'UTC'),
    by = 'acquisition_channel',
    attribution = 'first',
    attribution_step = 1,
    top = 10,
    baseline = '')
ORDER BY project, p_value, breakdown
COMMENT '${comment}'
