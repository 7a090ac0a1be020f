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
