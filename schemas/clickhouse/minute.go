package clickhouse

// Minute returns the minute of receipt under which the ledger counts a record
// received at ms, milliseconds since 1970: its start in seconds since 1970, moved
// to the nearest end of what the type DateTime holds. The view landed_mv computes
// the same.
func Minute(ms int64) uint32 {
	const last = 4294967280 // the last full minute below 2^32 s
	return uint32(max(0, min(last, ms/60_000*60)))
}
