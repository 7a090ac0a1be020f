package dedup

// Tick returns the time of a partition after one more record: the running maximum
// of the earlier of the record's two times, when the broker appended it and when
// a collector received it, in milliseconds since 1970. A partition begins at 0.
//
// It is the only clock that deduplication knows. It depends on nothing but the
// records before, so every reading of a log gives every record the same time, and
// no host can move it alone: a clock that runs ahead is overruled by the other
// one, and a clock that falls back holds the time still for as long as that
// lasts, at most. The window of a retry that falls into such a stretch, and of
// one whose first try does, is longer or shorter by what the time stood still;
// every other decision is the same. Two clocks that are ahead together do move
// it; it then stands still until they are overtaken.
func Tick(clock, appended, received int64) int64 {
	return max(clock, min(appended, received))
}
