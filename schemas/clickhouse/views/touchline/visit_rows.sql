-- The rows of visits, of the projects that the caller may read. A session may have
-- several rows: combine them by session_id, with min, max, sum and the -Merge of what
-- is a state, and then unify the person.
CREATE OR REPLACE VIEW touchline.visit_rows AS
SELECT
    t.project AS project,
    t.day AS day,
    t.session_id AS session_id,
    t.started_at AS started_at,
    t.ended_at AS ended_at,
    t.events AS events,
    t.pages AS pages,
    t.interactions AS interactions,
    t.conversions AS conversions,
    t.orders AS orders,
    t.revenue AS revenue,
    t.currency_low AS currency_low,
    t.currency_high AS currency_high,
    t.person AS person,
    t.entry AS entry,
    t.exit_page AS exit_page,
    t.won_by AS won_by
FROM touchline.visits AS t
WHERE (SELECT everything FROM touchline.reader) OR t.project IN (SELECT project FROM touchline.readable)
