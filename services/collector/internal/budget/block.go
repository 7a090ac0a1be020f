package budget

import (
	"math/bits"
	"sync"
)

const (
	leastBlock = 4 << 10
	// pooled is how many sizes of blocks are kept for the next borrower: 4 KiB to
	// 8 MiB. 4 KiB to a few hundred KiB is what SDKs send; the large ones would be
	// garbage of megabytes for each request that is meant to do harm.
	pooled = 12
	// largestBlock has room for the block of a packed stream that goes beyond
	// 8 MiB, before its decoder stops.
	largestBlock = leastBlock<<(pooled-1) + 256<<10
)

type pools [pooled]sync.Pool

// Block is a buffer on loan.
type Block struct {
	// Bytes has no length, and at least the capacity that was asked for.
	Bytes []byte
	class int
}

// Lend returns a block of at least n bytes. Blocks wait here and not in the hands
// of requests, so that one which is waiting for its body has only what it needs,
// however large the one before it was. What is lent is not counted: reserve it.
func (b *Budget) Lend(n int) *Block {
	if n > largestBlock {
		return &Block{Bytes: make([]byte, 0, n), class: pooled}
	}
	class := min(bits.Len(uint(max(n, leastBlock)-1))-bits.Len(uint(leastBlock-1)), pooled-1)
	if block, ok := b.pools[class].Get().(*Block); ok {
		return block
	}
	size := leastBlock << class
	if class == pooled-1 {
		size = largestBlock
	}
	return &Block{Bytes: make([]byte, 0, size), class: class}
}

// Return takes a block back that nothing refers to any more.
func (b *Budget) Return(block *Block) {
	if block.class < pooled {
		b.pools[block.class].Put(block)
	}
}
