package spool_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"touchline.dev/services/collector/internal/spool"
	"touchline.dev/services/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// log is where records go: it takes them while it is up, and keeps what it took
// by key, in order.
type log struct {
	mu    sync.Mutex
	up    bool
	taken map[string][]string
	// refuse says, for each chunk, after how many records it fails; -1 for never.
	refuse func() int
	calls  int
}

var errDown = errors.New("down")

func (l *log) produce(_ context.Context, records []kgo.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if !l.up {
		return errDown
	}
	if l.taken == nil {
		l.taken = map[string][]string{}
	}
	after := -1
	if l.refuse != nil {
		after = l.refuse()
	}
	for i := range records {
		if i == after {
			return errDown // what came before it is taken
		}
		r := &records[i]
		l.taken[string(r.Key)] = append(l.taken[string(r.Key)], string(r.Value))
	}
	return nil
}

func (l *log) set(up bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up = up
}

// forget drops what was taken.
func (l *log) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.taken)
}

// events returns what was taken of each key, each once, in the order of the first.
func (l *log) events() map[string][]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := map[string][]string{}
	for key, values := range l.taken {
		for _, v := range values {
			if !slices.Contains(first[key], v) {
				first[key] = append(first[key], v)
			}
		}
	}
	return first
}

type opened struct {
	*spool.Spool
	health  *telemetry.Health
	metrics *prometheus.Registry
	stop    func() error
}

// clock is a clock that tests set.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func open(t testing.TB, dir string, l *log, change ...func(*spool.Config)) *opened {
	t.Helper()
	o, err := tryOpen(t, dir, l, &clock{}, change...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func tryOpen(t testing.TB, dir string, l *log, c *clock, change ...func(*spool.Config)) (*opened, error) {
	t.Helper()
	cfg := spool.Default()
	cfg.Dir, cfg.MinFree = dir, 32<<20
	for _, f := range change {
		f(&cfg)
	}
	o := &opened{health: telemetry.NewHealth(), metrics: prometheus.NewRegistry()}
	var err error
	if o.Spool, err = spool.Open(cfg, telemetry.Deps{Log: zap.NewNop(), Metrics: o.metrics, Health: o.health, Now: c.now}); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- o.Run(ctx, l.produce) }()
	stopped := false
	o.stop = func() error {
		stopped = true
		cancel()
		return errors.Join(<-ran, o.Close())
	}
	t.Cleanup(func() {
		if !stopped {
			if err := o.stop(); err != nil {
				t.Error(err)
			}
		}
	})
	return o, nil
}

func record(key, value string) kgo.Record {
	return kgo.Record{
		Key: []byte(key), Value: []byte(value),
		Headers: []kgo.RecordHeader{{Key: "rid", Value: []byte("0123456789abcdef")}, {Key: "mid", Value: []byte("fedcba9876543210")}},
	}
}

// records makes one for each value, of different keys.
func records(values []string) []kgo.Record {
	var all []kgo.Record
	for i, v := range values {
		all = append(all, record(fmt.Sprint("k", i), v))
	}
	return all
}

func all(n int) []bool {
	chosen := make([]bool, n)
	for i := range chosen {
		chosen[i] = true
	}
	return chosen
}

// divert puts records into the spool and waits until they are synced.
func (o *opened) divert(t testing.TB, records ...kgo.Record) {
	t.Helper()
	c, err := o.Divert(records, all(len(records)))
	if err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	if err := c.Err(); err != nil {
		t.Fatal(err)
	}
}

func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !cond(); <-time.After(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 30s for %s", what)
		}
	}
}

func (o *opened) empty(t testing.TB) {
	t.Helper()
	eventually(t, "an empty spool", func() bool { return !o.Busy() })
}

func (o *opened) metric(t testing.TB, name string) float64 {
	t.Helper()
	families, err := o.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.Metric[0].GetCounter().GetValue() + f.Metric[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// A record comes out as it went in, all of it.
func TestSpool_keepsRecordsAsTheyWere(t *testing.T) {
	dir := t.TempDir()
	o := open(t, dir, &log{})
	want := []kgo.Record{record("shop/d/\x00\xff", strings.Repeat("v\x00", 700_000)), record("k", "")}
	want[1].Headers = want[1].Headers[:1]
	o.divert(t, want...)
	if err := o.stop(); err != nil {
		t.Fatal(err)
	}
	got := make(chan kgo.Record, len(want))
	s, err := spool.Open(func() spool.Config { c := spool.Default(); c.Dir = dir; return c }(), telemetry.Deps{
		Log: zap.NewNop(), Metrics: prometheus.NewRegistry(), Health: telemetry.NewHealth(), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() {
		ran <- s.Run(ctx, func(_ context.Context, records []kgo.Record) error {
			for _, r := range records {
				got <- r
			}
			return nil
		})
	}()
	for range want {
		r := <-got
		w := want[0]
		if string(r.Key) == "k" {
			w = want[1]
		}
		if string(r.Key) != string(w.Key) || string(r.Value) != string(w.Value) || !reflect.DeepEqual(r.Headers, w.Headers) {
			t.Errorf("%q with %d bytes and %v", r.Key, len(r.Value), r.Headers)
		}
	}
	cancel()
	if err := errors.Join(<-ran, s.Close()); err != nil {
		t.Error(err)
	}
}

// Concurrent clients send numbered events of their devices, directly while that
// works and through the spool while not, and the log goes and comes: each device's
// events arrive in their order, and none is missing.
func TestSpool_keepsTheOrderOfEachKey(t *testing.T) {
	const devices, each, partitions = 16, 120, 4
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	flaky := rand.New(rand.NewPCG(seed, 0))
	l := &log{refuse: func() int {
		if flaky.IntN(4) > 0 {
			return -1
		}
		return flaky.IntN(20)
	}}
	o := open(t, t.TempDir(), l)
	o.Partitions(partitions)
	stop := make(chan struct{})
	var moods sync.WaitGroup
	moods.Go(func() {
		mood := rand.New(rand.NewPCG(seed, 1))
		for up := false; ; up = !up {
			l.set(up)
			select {
			case <-stop:
				l.set(true)
				return
			case <-time.After(time.Duration(mood.IntN(20)) * time.Millisecond):
			}
		}
	})
	var clients sync.WaitGroup
	direct := atomic.Int64{}
	for d := range devices {
		clients.Go(func() {
			for n := range each {
				batch := []kgo.Record{record(fmt.Sprintf("d%d", d), fmt.Sprint(n, "a")), record(fmt.Sprintf("d%d", d), fmt.Sprint(n, "b"))}
				taken := make([]bool, len(batch))
				if o.Busy() {
					c, _, err := o.Follow(batch, taken)
					if err != nil {
						t.Error(err)
						return
					}
					if c != nil {
						<-c.Done()
					}
				}
				if !taken[0] {
					if l.produce(t.Context(), batch) == nil {
						direct.Add(1)
						continue
					}
					o.divert(t, batch...)
				}
			}
		})
	}
	clients.Wait()
	close(stop)
	moods.Wait()
	o.empty(t)
	got := l.events()
	for d := range devices {
		var want []string
		for n := range each {
			want = append(want, fmt.Sprint(n, "a"), fmt.Sprint(n, "b"))
		}
		if have := got[fmt.Sprintf("d%d", d)]; !slices.Equal(have, want) {
			t.Errorf("device %d: %v", d, have)
		}
	}
	t.Logf("%d batches went directly, %v records through the spool, %v chunks repeated",
		direct.Load(), o.metric(t, "touchline_collector_spool_drained_total"), o.metric(t, "touchline_collector_spool_retries_total"))
	if o.metric(t, "touchline_collector_spool_bytes") != 0 || o.metric(t, "touchline_collector_spool_records") != 0 {
		t.Error("an empty spool holds something")
	}
}

// One partition that takes nothing holds up no other.
func TestSpool_onlyLanesThatWaitAreTaken(t *testing.T) {
	l := &log{}
	o := open(t, t.TempDir(), l)
	o.Partitions(8)
	part := kgo.StickyKeyPartitioner(nil).ForTopic("")
	o.divert(t, record("stuck", "1"))
	stuck := record("stuck", "")
	lane := part.Partition(&stuck, 8)
	batch := make([]kgo.Record, 64)
	for i := range batch {
		batch[i] = record(fmt.Sprint("k", i), "x")
	}
	taken := make([]bool, len(batch))
	c, n, err := o.Follow(batch, taken)
	if err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	for i := range batch {
		if want := part.Partition(&batch[i], 8) == lane; taken[i] != want {
			t.Errorf("record %d: taken %v", i, taken[i])
		}
	}
	if n == 0 || n == len(batch) {
		t.Errorf("%d taken", n)
	}
}

// What waits is there after a start and leaves first, in order, also when the
// number of partitions is not known or another one meanwhile.
func TestSpool_startsWithWhatWaited(t *testing.T) {
	dir, l := t.TempDir(), &log{}
	var want []string
	next := func(o *opened) {
		for range 50 {
			v := fmt.Sprint(len(want))
			want = append(want, v)
			o.divert(t, record("device", v), record("other"+v, v))
		}
	}
	o := open(t, dir, l)
	o.Partitions(6)
	next(o)
	if err := o.stop(); err != nil {
		t.Fatal(err)
	}
	for _, partitions := range []int{0, 3} {
		o = open(t, dir, l)
		if !o.Busy() {
			t.Fatal("an opened spool with records says that nothing waits")
		}
		if n := o.metric(t, "touchline_collector_spool_records"); int(n) != 2*len(want) {
			t.Errorf("%v records, want %d", n, 2*len(want))
		}
		if partitions > 0 {
			o.Partitions(partitions)
		}
		next(o)
		if err := o.stop(); err != nil {
			t.Fatal(err)
		}
	}
	l.set(true)
	o = open(t, dir, l)
	next(o)
	o.empty(t)
	if have := l.events()["device"]; !slices.Equal(have, want) {
		t.Errorf("%v", have)
	}
	if err := o.stop(); err != nil {
		t.Fatal(err)
	}
	calls := l.calls
	o = open(t, dir, l)
	if o.Busy() || l.calls != calls {
		t.Error("what was drained waits again")
	}
}

func TestSpool_opensOnceOnly(t *testing.T) {
	dir, l := t.TempDir(), &log{}
	o := open(t, dir, l)
	if _, err := tryOpen(t, dir, l, &clock{}); !errors.Is(err, spool.ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
	o.divert(t, record("a", "1"))
}

func TestSpool_openFailsOnAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := tryOpen(t, file, &log{}, &clock{}); err == nil {
		t.Error("opened a file")
	}
	if text, err := os.ReadFile(file); string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
}

// Above the watermark of bytes nothing is taken and the collector is not ready;
// what waits stays, and below it all is well again.
func TestSpool_refusesAboveTheWatermarkOfBytes(t *testing.T) {
	l := &log{}
	o := open(t, t.TempDir(), l, func(c *spool.Config) { c.MaxBytes, c.Watermark = 16<<20, 0.5 })
	value := strings.Repeat("x", 100_000)
	n := 0
	for ; ; n++ {
		c, err := o.Divert([]kgo.Record{record("k", fmt.Sprint(n, value))}, all(1))
		if errors.Is(err, spool.ErrRefused) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		<-c.Done()
		if n > 1000 {
			t.Fatal("never full")
		}
	}
	if bytes := o.metric(t, "touchline_collector_spool_bytes"); bytes < 8<<20 || bytes > 9<<20 {
		t.Errorf("full with %v bytes", bytes)
	}
	if reason := o.health.Reasons()["spool"]; !strings.Contains(reason, "MiB wait in it for Kafka") {
		t.Errorf("ready: %q", reason)
	}
	if o.metric(t, "touchline_collector_spool_shed_total") != 1 {
		t.Error("the refusal is not counted")
	}
	l.set(true)
	eventually(t, "readiness", func() bool { return len(o.health.Reasons()) == 0 })
	o.divert(t, record("k", "after"))
	o.empty(t)
	if have := l.events()["k"]; len(have) != n+1 {
		t.Errorf("%d events, want %d", len(have), n+1)
	}
}

func TestSpool_refusesAboveTheWatermarkOfAge(t *testing.T) {
	l, c := &log{}, &clock{}
	o, err := tryOpen(t, t.TempDir(), l, c, func(c *spool.Config) { c.MaxAge = 10 * time.Hour })
	if err != nil {
		t.Fatal(err)
	}
	o.divert(t, record("k", "1"))
	c.ahead.Store(int64(8 * time.Hour))
	o.divert(t, record("k", "2"))
	if reasons := o.health.Reasons(); len(reasons) > 0 {
		t.Errorf("not ready at 8 of 10 hours: %v", reasons)
	}
	c.ahead.Store(int64(9*time.Hour + time.Minute))
	if _, err := o.Divert([]kgo.Record{record("k", "3")}, all(1)); !errors.Is(err, spool.ErrRefused) {
		t.Errorf("taken at 9 of 10 hours: %v", err)
	}
	if age := o.metric(t, "touchline_collector_spool_oldest_seconds"); age < 9*3600 || age > 10*3600 {
		t.Errorf("age %v", age)
	}
	if o.health.Reasons()["spool"] == "" {
		t.Error("ready")
	}
	l.set(true)
	o.empty(t)
	if reasons := o.health.Reasons(); len(reasons) > 0 {
		t.Errorf("not ready though empty: %v", reasons)
	}
	o.divert(t, record("k", "4"))
	o.empty(t)
	if have := l.events()["k"]; !slices.Equal(have, []string{"1", "2", "4"}) {
		t.Errorf("%v", have)
	}
}

// A store that cannot be read is set aside, and the spool goes on.
func TestSpool_thatIsDamagedIsSetAside(t *testing.T) {
	const many, few = 200, 20 // more, and less, than a table in memory holds
	for name, damage := range map[string]struct {
		records int
		files   string
		do      func(file string) error
	}{
		"the list of tables is garbage": {many, "MANIFEST-*", func(f string) error { return os.WriteFile(f, []byte("nothing"), 0o600) }},
		"a table is gone":               {many, "*.sst", os.Remove},
		"a table is changed":            {many, "*.sst", flip},
		// Not its end: that is what a crash tears.
		"the middle of the log is changed": {few, "*.log", flip},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "spool")
			l := &log{}
			o := open(t, dir, l)
			for i := range damage.records {
				o.divert(t, record(fmt.Sprint("k", i), strings.Repeat(fmt.Sprint(i), 30_000)))
			}
			if err := o.stop(); err != nil {
				t.Fatal(err)
			}
			if err := each(dir, damage.files, damage.do); err != nil {
				t.Fatal(err)
			}
			l.set(true)
			o = open(t, dir, l)
			if n := o.metric(t, "touchline_collector_spool_set_aside_total"); n != 1 {
				t.Errorf("%v set aside", n)
			}
			if n := o.metric(t, "touchline_collector_spool_set_aside_bytes_total"); n < 100_000 {
				t.Errorf("%v bytes set aside", n)
			}
			if kept, err := filepath.Glob(dir + ".damaged-1/*"); err != nil || len(kept) == 0 {
				t.Errorf("nothing is kept: %v", err)
			}
			o.divert(t, record("new", "1"))
			o.empty(t)
			if have := l.events()["new"]; len(have) != 1 {
				t.Errorf("%v", slices.Sorted(maps.Keys(l.events())))
			}
		})
	}
}

func each(dir, pattern string, do func(file string) error) error {
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("no %s", pattern)
	}
	for _, name := range names {
		err = errors.Join(err, do(name))
	}
	return err
}

// flip changes a byte in the middle of a file.
func flip(file string) error {
	b, err := os.ReadFile(file)
	if err != nil || len(b) == 0 {
		return err
	}
	b[len(b)/2] ^= 0x55
	return os.WriteFile(file, b, 0o600)
}

// The end of the log that a crash has torn is cut off; what was synced before it
// is there.
func TestSpool_repairsATornEnd(t *testing.T) {
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	o := open(t, dir, &log{})
	for i := range 20 {
		o.divert(t, record("k", fmt.Sprint(i)))
	}
	// As a crash leaves it: the process that goes on has it open.
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	logs, err := filepath.Glob(filepath.Join(copied, "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no log: %v", err)
	}
	slices.Sort(logs)
	last := logs[len(logs)-1]
	stat, err := os.Stat(last)
	if err != nil {
		t.Fatal(err)
	}
	end := stat.Size()
	for cut := range 3 {
		torn := filepath.Join(t.TempDir(), fmt.Sprint("torn", cut))
		if err := os.CopyFS(torn, os.DirFS(copied)); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(torn, filepath.Base(last))
		switch cut {
		case 0: // half a write
			f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.Write([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
			if err := errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
		case 1: // a write whose bytes never came
			if err := os.Truncate(file, end+5000); err != nil {
				t.Fatal(err)
			}
		}
		l := &log{up: true}
		o := open(t, torn, l)
		o.empty(t)
		if have := l.events()["k"]; len(have) != 20 || have[0] != "0" || have[19] != "19" {
			t.Errorf("cut %d: %v", cut, have)
		}
		if o.metric(t, "touchline_collector_spool_set_aside_total") != 0 {
			t.Errorf("cut %d: set aside", cut)
		}
	}
}
