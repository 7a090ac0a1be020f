-- As in touchpoints, each of whose inserts makes a part here, too.
ALTER TABLE touchline.metric_days
    MODIFY SETTING merge_selector_base = 20
