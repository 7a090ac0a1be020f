package landing

import "sync/atomic"

// memory bounds what chunks take: half of the limit is for what is gathered, the
// other for the chunk under way. It is safe for concurrent use.
type memory struct {
	limit, maxRows       int64
	gathered, away, rows atomic.Int64
}

// room reports whether a partition may gather further. None may hold more than is
// left for the others: one with a backlog takes half, and never all, so it delays
// nobody; n of them take n/(n+1).
func (m *memory) room(own *share) bool {
	var held int64
	if own != nil {
		held = own.bytes
	}
	return held < m.limit/2-m.gathered.Load() && m.rows.Load() < m.maxRows
}

// grow notes the size of a share that is being gathered.
func (m *memory) grow(s *share, rows int) {
	bytes := int64(s.builder.Bytes())
	m.gathered.Add(bytes - s.bytes)
	m.rows.Add(int64(rows))
	s.bytes = bytes
}

// fly notes that the share is under way.
func (m *memory) fly(s *share) {
	m.drop(s)
	m.away.Add(s.bytes)
}

// drop notes that the share is no longer gathered.
func (m *memory) drop(s *share) {
	m.gathered.Add(-s.bytes)
	m.rows.Add(-int64(s.builder.Rows()))
}

// flown notes that the memory of a share that was under way is free.
func (m *memory) flown(s *share) {
	m.away.Add(-s.bytes)
	s.bytes = 0
}

// bytes is what all chunks take.
func (m *memory) bytes() int64 { return m.gathered.Load() + m.away.Load() }
