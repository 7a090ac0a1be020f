-- Fewer files and fewer merges; what is stored and what queries see stays the same.
--
-- * A part is compact, twelve files, until it holds 256 MiB uncompressed, about
--   340,000 rows. In the other format it is 260 files, and the default of 10 MiB made
--   them of every insert from 14,000 rows on. A file system spends up to a millisecond
--   on a file that is made where others were deleted a minute ago, as merges do.
-- * About 20 parts of a size become one, where the default of 5 has each row written
--   three times as often while small inserts arrive. Queries read more parts instead,
--   at most some 50 a month: the more there are, the sooner they are merged.
ALTER TABLE touchline.touchpoints
    MODIFY SETTING merge_selector_base = 20, min_bytes_for_wide_part = 268435456
