-- After two days, far behind every mark, the rows of a minute become one again.
ALTER TABLE touchline.landed
    MODIFY TTL landed_at + INTERVAL 2 DAY
    GROUP BY src_topic, src_partition, project, minute
    SET chunk = max(chunk), min_offset = min(min_offset), max_offset = max(max_offset), events = sum(events), landed_at = max(landed_at)
