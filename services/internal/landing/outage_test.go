package landing_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/landing"
)

// sum returns the sum of a metric over all its labels, of a histogram the number
// of observations.
func (f *fixture) sum(name string) (sum float64) {
	f.t.Helper()
	families, err := f.metrics.Gather()
	if err != nil {
		f.t.Fatal(err)
	}
	found := false
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		found = true
		for _, m := range family.GetMetric() {
			sum += value(m)
		}
	}
	if !found {
		f.t.Fatalf("no metric %s", name)
	}
	return sum
}

func value(m *dto.Metric) float64 {
	return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
}

// bulk appends records of so many bytes each, which cannot be compressed, for source
// offsets [from, to).
func (f *fixture) bulk(partition int32, from, to int64, size int) {
	f.t.Helper()
	var random rand.ChaCha8
	for ; from < to; from += 500 {
		var recs []*kgo.Record
		for src := from; src < min(to, from+500); src++ {
			at := denselog.Position{Src: src, Prev: src - 1, Outcome: event.Stored}
			value := make([]byte, size)
			random.Read(value)
			recs = append(recs, &kgo.Record{Topic: topics.Enriched, Partition: partition, Value: value, Headers: at.Headers()})
		}
		if err := f.client.ProduceSync(f.t.Context(), recs...).FirstErr(); err != nil {
			f.t.Fatal(err)
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// While ClickHouse is away, and for however long, a lander holds what it has room
// for, reads no further, and says why; when ClickHouse is back everything lands
// by itself, once.
func TestLander_waitsForClickHouseWithBoundedMemory(t *testing.T) {
	server := clickhousetest.Fresh(t)
	f := newFixture(t, server)
	through := newProxy(t, f.ch.URL)
	f.ch.URL = through.URL
	f.queueBytes = 2 << 20
	const n, size = 7500, 1000 // 30 MB in 4 partitions
	cfg := landing.Default()
	cfg.MaxBytes, cfg.FlushAge, cfg.InsertShare = 4*config.MiB, 50*time.Millisecond, 1
	for p := range int32(4) {
		f.original(p, n-originals)
		f.bulk(p, 0, n, size)
	}
	// The broker of the test keeps its records on the same heap.
	before := heap()
	through.cut(into(f.db + ".landed"))
	f.run(cfg)
	stalled := func() bool { return f.sum("touchline_landing_waiting_partitions") == 4 }
	kafkatest.Eventually(t, "every partition to wait", stalled)
	// The server's own supervisor brings it back soon; the address stays dead.
	through.point(t, "")
	if err := server.Embedded.Kill(); err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "several failed attempts", func() bool { return f.sum("touchline_landing_retries_total") >= 3 })
	if !stalled() {
		t.Error("a partition goes on without ClickHouse")
	}
	held := heap()
	// For each of 4 partitions a queue of 2 MiB, a fetch of a quarter of that by
	// which it may be exceeded, one in hand and one in the client; records take
	// half as much again beside their bytes. The chunks, in columns that may have
	// grown to twice their size, and their encoded form.
	most := uint64(4*(2<<20)*7/4*3/2) + 3*uint64(cfg.MaxBytes)
	t.Logf("heap %d KiB, %d KiB while ClickHouse is away", before>>10, held>>10)
	if held > before+most {
		t.Errorf("the heap grew by %d KiB, want at most %d", (held-before)>>10, most>>10)
	}
	if bytes := f.sum("touchline_landing_chunk_bytes"); bytes > float64(cfg.MaxBytes)+4*size*1.1 {
		t.Errorf("chunks take %.0f bytes, max_bytes is %d", bytes, cfg.MaxBytes)
	}
	if f.sum("touchline_landing_oldest_seconds") <= 0 {
		t.Error("nothing seems to wait")
	}
	if reason := f.health.Reasons()["test"]; !strings.Contains(reason, "ClickHouse is unreachable") {
		t.Errorf("health says %q", reason)
	}

	kafkatest.Eventually(t, "ClickHouse to be back", func() bool { return f.conn.Ping(t.Context()) == nil })
	through.cut(nil)
	through.point(t, server.URL)
	f.expect(4 * n)
	kafkatest.Eventually(t, "health, and all memory given back", func() bool {
		return len(f.health.Reasons()) == 0 && f.sum("touchline_landing_waiting_partitions") == 0 && f.sum("touchline_landing_chunk_bytes") == 0
	})
}

// Whatever ClickHouse suffers from, the lander says what it is and goes on when it
// is over. (Disks are filled end to end.)
func TestLander_goesOnAfterTrouble(t *testing.T) {
	server := clickhousetest.Start(t)
	for _, c := range []struct {
		// begin and end are statements in which DB is the database, settings what
		// inserts are given between them.
		begin, end string
		settings   map[string]string
		says       string
	}{
		{
			begin: "ALTER TABLE DB.landed MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1",
			end:   "ALTER TABLE DB.landed RESET SETTING parts_to_throw_insert, parts_to_delay_insert",
			says:  "is overloaded",
		},
		{begin: "RENAME TABLE DB.landed TO DB.elsewhere", end: "RENAME TABLE DB.elsewhere TO DB.landed", says: "has another schema"},
		{settings: map[string]string{"max_memory_usage": "1000"}, says: "is out of memory"},
		{settings: map[string]string{"readonly": "1"}, says: "is read-only"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			f := newFixture(t, server)
			through := newProxy(t, f.ch.URL)
			f.ch.URL = through.URL
			f.produce(0, dense(0, 50)...)
			f.run(small())
			f.expect(50)
			if c.begin != "" {
				f.exec(strings.ReplaceAll(c.begin, "DB", f.db))
			}
			through.set(c.settings)
			f.produce(0, dense(50, 100)...)
			kafkatest.Eventually(t, "health to say what is wrong", func() bool { return strings.Contains(f.health.Reasons()["test"], c.says) })
			through.set(nil)
			if c.end != "" {
				f.exec(strings.ReplaceAll(c.end, "DB", f.db))
			}
			f.expect(100)
			kafkatest.Eventually(t, "health", func() bool { return len(f.health.Reasons()) == 0 })
		})
	}
}

// A lander that is told to stop while ClickHouse is away ends in time and leaves
// its intent to the next one.
func TestLander_endsWhileClickHouseIsAway(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	direct := f.ch.URL
	through := newProxy(t, direct)
	f.ch.URL = through.URL
	f.produce(0, dense(0, 50)...)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	run := f.group(small())
	go func() { done <- run(ctx) }()
	f.expect(50)
	through.point(t, "")
	f.produce(0, dense(50, 70)...)
	f.produce(1, dense(0, 30)...)
	var leader int32
	kafkatest.Eventually(t, "an intent", func() bool {
		for p := range int32(2) {
			if f.pending(p) != nil {
				leader = p
				return true
			}
		}
		return false
	})
	began := time.Now()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("took %s to end", took)
	}
	if f.pending(leader) == nil {
		t.Error("the intent is gone")
	}
	through.point(t, direct)
	f.run(small())
	f.expect(100)
}
