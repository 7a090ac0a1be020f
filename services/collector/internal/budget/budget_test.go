package budget

import (
	"sync"
	"testing"
)

func TestBudget(t *testing.T) {
	b := New(100)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 10_000 {
				if b.Reserve(40) {
					b.Release(40)
				}
			}
		})
	}
	wait.Wait()
	if b.Used() != 0 {
		t.Fatalf("%d bytes used in the end", b.Used())
	}
	if !b.Reserve(100) || b.Reserve(1) || b.Used() != 100 {
		t.Errorf("a budget of 100 bytes: %d used", b.Used())
	}
	b.Release(60)
	if !b.Reserve(60) {
		t.Error("released bytes are not there again")
	}
}

// TestLarge: large bodies leave three quarters to the others, and get no more than
// there is.
func TestLarge(t *testing.T) {
	b := New(100)
	if !b.ReserveLarge(20) || b.ReserveLarge(6) || !b.ReserveLarge(5) || b.Used() != 25 || !b.Reserve(75) || b.Reserve(1) {
		t.Errorf("%d bytes used", b.Used())
	}
	b.ReleaseLarge(25)
	if !b.Reserve(20) || b.ReserveLarge(6) || b.Used() != 95 || !b.ReserveLarge(5) {
		t.Errorf("%d bytes used", b.Used())
	}
	b.Release(95)
	b.ReleaseLarge(5)
	b.LimitLarge(10)
	if b.ReserveLarge(11) || !b.ReserveLarge(10) {
		t.Errorf("%d bytes used of 10 for large bodies", b.Used())
	}
	b.ReleaseLarge(10)
	b.LimitLarge(1000)
	if b.ReserveLarge(101) || b.Used() != 0 || !b.ReserveLarge(100) {
		t.Errorf("%d bytes used in the end", b.Used())
	}
}

func TestLend(t *testing.T) {
	b := New(1)
	for _, tt := range []struct{ asked, got int }{
		{0, 4 << 10}, {1, 4 << 10}, {4 << 10, 4 << 10}, {4<<10 + 1, 8 << 10}, {300 << 10, 512 << 10}, {512 << 10, 512 << 10},
		{4 << 20, 4 << 20}, {4<<20 + 1, largestBlock}, {8<<20 + 1, largestBlock}, {largestBlock, largestBlock}, {largestBlock + 1, largestBlock + 1}, {20_000_000, 20_000_000},
	} {
		for range 3 {
			block := b.Lend(tt.asked)
			if cap(block.Bytes) != tt.got || len(block.Bytes) != 0 {
				t.Errorf("%d bytes asked for: %d of %d", tt.asked, len(block.Bytes), cap(block.Bytes))
			}
			b.Return(block)
		}
	}
}
