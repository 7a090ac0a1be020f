// Package budget bounds the bytes that all requests together hold: bodies being
// read and records that wait for their acknowledgement. What does not fit is
// refused at once, so that a slow log costs clients a retry and never the
// process its memory. It also lends the buffers that the bytes are in.
package budget

import "sync/atomic"

// Budget is a number of bytes to reserve from. It may be used concurrently.
type Budget struct {
	max   int64
	used  atomic.Int64
	large atomic.Int64
	pools pools
}

// New returns a budget of max bytes.
func New(max int64) *Budget { return &Budget{max: max} }

// largePart is the part of the budget that large bodies share.
const largePart = 4

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

// ReserveLarge is Reserve for what only large bodies need. They get a quarter of
// the budget together, and no other request is refused because of them. Each
// success must be followed by a ReleaseLarge of as many.
func (b *Budget) ReserveLarge(n int) bool {
	if b.large.Add(int64(n)) > b.max/largePart || !b.Reserve(n) {
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
