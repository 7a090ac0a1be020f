// Package budget bounds the bytes that all requests together hold: bodies being
// read and records that wait for their acknowledgement. What does not fit is
// refused at once, so that a slow log costs clients a retry and never the
// process its memory. It also lends the buffers that the bytes are in.
package budget

import "sync/atomic"

// Budget is a number of bytes to reserve from. It may be used concurrently.
type Budget struct {
	max, maxLarge int64
	used, large   atomic.Int64
	pools         pools
}

// New returns a budget of max bytes, of which large bodies get a quarter.
func New(max int64) *Budget { return &Budget{max: max, maxLarge: max / 4} }

// LimitLarge sets how many bytes large bodies get. It is for before the first use.
func (b *Budget) LimitLarge(n int64) { b.maxLarge = n }

// Reserve takes n bytes and reports whether they were there. Each success must
// be followed by a Release of as many.
func (b *Budget) Reserve(n int) bool {
	if b.used.Add(int64(n)) > b.max {
		b.used.Add(int64(-n))
		return false
	}
	return true
}

// Release gives n bytes back.
func (b *Budget) Release(n int) { b.used.Add(int64(-n)) }

// ReserveLarge is Reserve for what only large bodies need. They get a part of the
// budget together, so that no other request is refused because of them. Each
// success must be followed by a ReleaseLarge of as many.
func (b *Budget) ReserveLarge(n int) bool {
	if b.large.Add(int64(n)) > b.maxLarge || !b.Reserve(n) {
		b.large.Add(int64(-n))
		return false
	}
	return true
}

// ReleaseLarge gives n bytes back.
func (b *Budget) ReleaseLarge(n int) {
	b.large.Add(int64(-n))
	b.Release(n)
}

// Used is the number of bytes reserved now.
func (b *Budget) Used() int64 { return b.used.Load() }
