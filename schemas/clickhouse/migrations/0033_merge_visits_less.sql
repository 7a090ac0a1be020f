-- As in touchpoints, each of whose inserts makes a part here, too.
ALTER TABLE touchline.visits
    MODIFY SETTING merge_selector_base = 20
