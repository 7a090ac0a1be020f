package receipt

import (
	"bytes"
	"testing"

	"github.com/google/uuid"
)

func TestNew(t *testing.T) {
	seen := map[[16]byte]bool{}
	var last [16]byte
	for ms := int64(1795331352214); ms < 1795331352214+10_000; ms++ {
		id := New(ms)
		u := uuid.UUID(id)
		if u.Version() != 7 || u.Variant() != uuid.RFC4122 {
			t.Fatalf("%v is no UUIDv7", u)
		}
		if sec, nsec := u.Time().UnixTime(); sec*1000+nsec/1e6 != ms {
			t.Fatalf("%v is of %d.%09d, want %d ms", u, sec, nsec, ms)
		}
		if seen[id] || bytes.Compare(last[:], id[:]) >= 0 {
			t.Fatalf("%v after %v", u, uuid.UUID(last))
		}
		seen[id], last = true, id
	}
	for range 10_000 {
		id := New(1795331352214)
		if seen[id] {
			t.Fatalf("%v twice", uuid.UUID(id))
		}
		seen[id] = true
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		New(1795331352214)
	}
}
