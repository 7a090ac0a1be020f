package landing

import "sync"

// builders keeps empty builders with the memory that they have grown, so that a chunk
// finds that of the one before the last. There are never more than were in use at once,
// two for each partition. It is safe for concurrent use.
type builders struct {
	make func() Builder

	mu   sync.Mutex // guards the following
	free []Builder
}

// get returns an empty builder for rows of that partition.
func (b *builders) get(source string, partition int32) Builder {
	builder := b.pop()
	if builder == nil {
		builder = b.make()
	}
	builder.Begin(source, partition)
	return builder
}

func (b *builders) pop() Builder {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := len(b.free) - 1
	if last < 0 {
		return nil
	}
	builder := b.free[last]
	b.free[last] = nil
	b.free = b.free[:last]
	return builder
}

// put takes a builder back.
func (b *builders) put(builder Builder) {
	builder.Reset()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free = append(b.free, builder)
}
