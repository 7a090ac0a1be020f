package limit

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"touchline.dev/schemas/projects"
)

func grantOf(t testing.TB, file, key string) projects.Grant {
	t.Helper()
	set, err := projects.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	g, ok := set.Key([]byte(key), "segment", time.Now())
	if !ok {
		t.Fatalf("key %s opens nothing", key)
	}
	return g
}

var (
	here  = netip.MustParseAddr("192.0.2.1")
	there = netip.MustParseAddr("198.51.100.1")
)

// TestTake walks through requests at given times.
func TestTake(t *testing.T) {
	type request struct {
		at     time.Duration
		from   netip.Addr
		events int
		wait   time.Duration
	}
	v6 := netip.MustParseAddr
	tests := []struct {
		name, project, key string
		requests           []request
	}{
		{"no rate", "", "", []request{{0, here, 1 << 20, 0}, {0, here, 1 << 20, 0}}},
		{"rate and burst of a key", "", "rate: {events_per_second: 10, burst: 20}", []request{
			{0, here, 15, 0}, {0, there, 5, 0}, {0, here, 1, 100 * time.Millisecond}, {0, here, 0, 100 * time.Millisecond},
			{50 * time.Millisecond, here, 1, 50 * time.Millisecond}, {100 * time.Millisecond, here, 1, 0},
			{time.Second, here, 10, 100 * time.Millisecond}, {time.Second, here, 9, 0},
		}},
		{"larger than the burst", "", "rate: {events_per_second: 10, burst: 20}", []request{
			{0, here, 50, 0}, {time.Second, here, 1, 2*time.Second + 100*time.Millisecond},
			{3 * time.Second, here, 50, 2 * time.Second}, {5 * time.Second, here, 50, 0},
		}},
		{"default burst", "", "rate: {events_per_second: 2}", []request{{0, here, 20, 0}, {0, here, 1, 500 * time.Millisecond}}},
		{"before the start", "", "rate: {events_per_second: 10, burst: 20}", []request{{-time.Hour, here, 20, 0}, {-time.Hour, here, 1, 100 * time.Millisecond}, {-time.Hour + time.Second, here, 10, 0}}},
		{"slow rate", "", "rate: {events_per_second: 0.01}", []request{{0, here, 1, 0}, {0, here, 1, 100 * time.Second}}},
		{"per client", "", "rate: {per_client_per_second: 1}", []request{
			{0, here, 10, 0}, {0, here, 1, time.Second}, {0, netip.MustParseAddr("192.0.2.255"), 1, time.Second},
			{0, netip.MustParseAddr("::ffff:192.0.2.7"), 1, time.Second},
			{0, netip.MustParseAddr("192.0.3.1"), 10, 0}, {0, netip.Addr{}, 1000, 0}, {0, netip.Addr{}, 1000, 0},
			{0, v6("2001:db8:1:100::1"), 10, 0}, {0, v6("2001:db8:1:1ff:ffff::2%eth0"), 1, time.Second}, {0, v6("2001:db8:1:200::1"), 10, 0},
		}},
		{"of the project", "rate: {events_per_second: 1, burst: 3, per_client_per_second: 0.2},", "rate: {events_per_second: 1, burst: 2}", []request{
			// A request that one rate refuses takes nothing from the others.
			{0, here, 2, 0}, {0, there, 2, 2 * time.Second}, {time.Second, there, 2, time.Second}, {2 * time.Second, there, 2, 0},
			{10 * time.Second, here, 2, 0}, {20 * time.Second, here, 2, 0}, {20 * time.Second, here, 2, 10 * time.Second},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := fmt.Sprintf("projects: [{id: shop, %s write_keys: [{key: k, %s}]}]", tt.project, tt.key)
			l := New(Default())
			for i, r := range tt.requests {
				// The grant is that of a file read anew for each request.
				ok, wait := l.Take(grantOf(t, file, "k"), r.from, r.events, l.start.Add(r.at))
				if ok != (r.wait == 0) || (wait-r.wait).Abs() > time.Microsecond {
					t.Errorf("request %d: %v, %v; want to wait %v", i, ok, wait, r.wait)
				}
			}
		})
	}
}

// TestTake_apart: keys and projects with the same rate do not share a bucket.
func TestTake_apart(t *testing.T) {
	const file = `
projects:
- {id: a, rate: {per_client_per_second: 0.1}, write_keys: [{key: "1", protocols: [segment], rate: {events_per_second: 1, burst: 1}}, {key: k2, rate: {events_per_second: 1, burst: 1}}]}
- {id: b, rate: {per_client_per_second: 0.1}, write_keys: [{key: k3, rate: {events_per_second: 1, burst: 1}}]}`
	l := New(Default())
	for _, r := range []struct {
		key  string
		from netip.Addr
		want bool
	}{{"1", here, true}, {"1", there, false}, {"k2", here, false}, {"k2", there, true}, {"k3", here, true}, {"k3", there, false}} {
		if ok, _ := l.Take(grantOf(t, file, r.key), r.from, 1, l.start); ok != r.want {
			t.Errorf("key %s from %v: %v, want %v", r.key, r.from, ok, r.want)
		}
	}
}

// TestTake_concurrently: goroutines together get exactly a burst.
func TestTake_concurrently(t *testing.T) {
	g := grantOf(t, "projects: [{id: shop, rate: {events_per_second: 1000, burst: 1000}, write_keys: [{key: k, rate: {events_per_second: 1, burst: 700, per_client_per_second: 60}}]}]", "k")
	l := New(Default())
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 300 {
				if ok, _ := l.Take(g, here, 1, l.start); ok {
					taken.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if taken.Load() != 600 {
		t.Errorf("%d events of one client, want 600", taken.Load())
	}
}

// TestMemory: a million networks leave no more behind than the table holds, and
// whoever is forgotten meanwhile starts with a full burst.
func TestMemory(t *testing.T) {
	g := grantOf(t, "projects: [{id: shop, write_keys: [{key: k, rate: {per_client_per_second: 0.1}}]}]", "k")
	l := New(Config{Clients: 1024})
	if ok, _ := l.Take(g, here, 1, l.start); !ok {
		t.Fatal("the first event is refused")
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 1 << 20 {
		var a [16]byte
		binary.LittleEndian.PutUint64(a[:], random.Uint64())
		l.Take(g, netip.AddrFrom16(a), 1, l.start)
	}
	held := 0
	for i := range l.clients.shards {
		held += l.clients.shards[i].full.Len()
	}
	if held > 1024 {
		t.Errorf("%d networks remembered, want at most 1024", held)
	}
	if ok, _ := l.Take(g, here, 1, l.start); !ok {
		t.Error("a forgotten network is refused")
	}
}

func TestTake_allocatesNothing(t *testing.T) {
	g := grantOf(t, "projects: [{id: shop, rate: {events_per_second: 10, per_client_per_second: 1}, write_keys: [{key: k, rate: {events_per_second: 10, per_client_per_second: 1}}]}]", "k")
	l := New(Default())
	now := l.start
	refused := 0
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(100 * time.Millisecond)
		if ok, _ := l.Take(g, here, 1, now); !ok {
			refused++
		}
	}); n != 0 {
		t.Errorf("Take allocates %v times a call, want 0", n)
	}
	if refused == 0 {
		t.Error("no request was refused")
	}
}

func BenchmarkTake(b *testing.B) {
	for _, bb := range []struct{ name, rate string }{
		{"no rate", ""},
		{"key", ", rate: {events_per_second: 10000000}"},
		{"key and client", ", rate: {events_per_second: 10000000, per_client_per_second: 10000000}"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			g := grantOf(b, "projects: [{id: shop, write_keys: [{key: k"+bb.rate+"}]}]", "k")
			l := New(Default())
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					l.Take(g, here, 1, l.start)
				}
			})
		})
	}
}
