-- As in touchpoints: a chunk that links somebody makes a part here, too.
ALTER TABLE touchline.identity_links
    MODIFY SETTING merge_selector_base = 20
