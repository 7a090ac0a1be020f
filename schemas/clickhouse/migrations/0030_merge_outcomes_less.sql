-- As in touchpoints: each chunk that lands makes a part here, too.
ALTER TABLE touchline.outcomes
    MODIFY SETTING merge_selector_base = 20
