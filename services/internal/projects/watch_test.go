package projects

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"touchline.dev/services/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a watched file in a directory of its own.
type bench struct {
	*Watcher
	t       *testing.T
	file    string
	logs    *observer.ObservedLogs
	metrics *prometheus.Registry
}

const (
	shop = "projects: [{id: shop, write_keys: [k1]}]"
	both = "projects: [{id: shop, write_keys: [k1]}, {id: blog, write_keys: [k2]}]"
)

func newBench(t *testing.T, content string) *bench {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	b := &bench{t: t, file: filepath.Join(t.TempDir(), "projects.yaml"), logs: logs, metrics: prometheus.NewRegistry()}
	b.write(content)
	w, err := Watch(Config{File: b.file, Interval: 10 * time.Millisecond},
		Deps{Deps: telemetry.Deps{Log: zap.New(core), Metrics: b.metrics}})
	if err != nil {
		t.Fatalf("watch: %v", err)
	}
	b.Watcher = w
	return b
}

func (b *bench) write(content string) {
	b.t.Helper()
	next := b.file + ".next"
	if err := os.WriteFile(next, []byte(content), 0o600); err != nil {
		b.t.Fatalf("write projects file: %v", err)
	}
	if err := os.Rename(next, b.file); err != nil {
		b.t.Fatalf("rename projects file: %v", err)
	}
}

func (b *bench) opens(key string) bool {
	_, ok := b.Current().Key([]byte(key), "segment", time.Now())
	return ok
}

func (b *bench) metric(name string) float64 {
	b.t.Helper()
	families, err := b.metrics.Gather()
	if err != nil {
		b.t.Fatalf("gather metrics: %v", err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	b.t.Fatalf("no metric %s", name)
	return 0
}

func TestReload_takesEffectAtOnce(t *testing.T) {
	b := newBench(t, both)
	if !b.opens("k1") || !b.opens("k2") || b.metric("touchline_projects") != 2 || b.metric("touchline_projects_file_ok") != 1 {
		t.Fatal("the first file is not in use")
	}
	old := b.Current()
	b.write(shop)
	b.Reload()
	if _, ok := b.Current().Project("blog"); ok || b.opens("k2") || !b.opens("k1") || b.Err() != nil {
		t.Error("the removed project is still open")
	}
	if _, ok := old.Project("blog"); !ok {
		t.Error("the set handed out before has changed")
	}
	b.write("projects: [{id: shop, write_keys: [k3]}]")
	b.Reload()
	if b.opens("k1") || !b.opens("k3") {
		t.Error("the removed key is still open")
	}
	if n := b.logs.FilterMessage("projects file read").Len(); n != 2 {
		t.Errorf("%d log lines tell of a reload, want 2", n)
	}
}

func TestReload_keepsTheOldSet(t *testing.T) {
	var many strings.Builder
	many.WriteString("projects:\n")
	for range 50 {
		many.WriteString("- {id: UPPER, write_keys: [sesame]}\n")
	}
	tests := []struct {
		name, content string
		want          string // part of the reason
	}{
		{"wrong", "projects: [{id: shop, write_keys: [sesame, sesame]}]", "projects[0].write_keys[1]: already used"},
		{"empty", "", "no projects"},
		{"zone", "projects: [{id: shop, time_zone: Asia/Tokyo, write_keys: [sesame]}]", "shop"},
		{"many problems", many.String(), "projects[49].id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, shop)
			before := b.Current()
			b.write(tt.content)
			b.Reload()
			if b.Current() != before || b.Err() == nil || !strings.Contains(b.Err().Error(), tt.want) {
				t.Fatalf("Err() = %v, want %q and the old set", b.Err(), tt.want)
			}
			if tt.name == "zone" && !errors.Is(b.Err(), ErrZoneChanged) {
				t.Errorf("Err() = %v, want ErrZoneChanged", b.Err())
			}
			if b.metric("touchline_projects_file_ok") != 0 {
				t.Error("the metric says the file is in use")
			}
			refused := b.logs.FilterMessageSnippet("refused").All()
			if len(refused) != 1 {
				t.Fatalf("%d log lines, want 1", len(refused))
			}
			problems := refused[0].ContextMap()["problems"].([]any)
			if text := fmt.Sprint(problems); strings.Contains(text, "sesame") || len(problems) > 21 {
				t.Errorf("the log shows a key or too much: %s", text)
			}
			b.write(both)
			b.Reload()
			if b.Err() != nil || !b.opens("k2") || b.metric("touchline_projects_file_ok") != 1 {
				t.Errorf("the next good file is not in use: %v", b.Err())
			}
		})
	}
}

// TestZones_areRemembered: removing a project and adding it again is no way
// around the rule, nor is a restart where the zones are recorded.
func TestZones_areRemembered(t *testing.T) {
	b := newBench(t, both)
	b.write(shop)
	b.Reload()
	b.write("projects: [{id: blog, time_zone: Asia/Tokyo, write_keys: [k2]}]")
	b.Reload()
	if !errors.Is(b.Err(), ErrZoneChanged) {
		t.Errorf("Err() = %v, want ErrZoneChanged", b.Err())
	}
	recorded := map[string]string{"blog": "UTC"}
	_, err := Watch(Config{File: b.file, Interval: time.Second},
		Deps{Deps: telemetry.Deps{Log: zap.NewNop(), Metrics: prometheus.NewRegistry()}, Zones: recorded})
	if !errors.Is(err, ErrZoneChanged) {
		t.Errorf("Watch = %v, want ErrZoneChanged", err)
	}
	if len(recorded) != 1 {
		t.Error("Watch wrote to the caller's map")
	}
}

// TestLook_waitsForTheWriter drives the looks by hand.
func TestLook_waitsForTheWriter(t *testing.T) {
	b := newBench(t, both)
	b.write(shop) // as a file cut short while it is written
	b.look()
	if !b.opens("k2") {
		t.Fatal("a file that was seen once is in use")
	}
	b.write(both + "\n")
	b.look()
	b.look()
	if !b.opens("k2") || b.logs.FilterMessage("projects file read").Len() != 1 {
		t.Error("the complete file is not in use after two looks")
	}

	if err := os.Remove(b.file); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		b.look()
	}
	if !errors.Is(b.Err(), os.ErrNotExist) || !b.opens("k2") || b.logs.FilterMessageSnippet("refused").Len() != 1 {
		t.Errorf("a missing file: Err() = %v and %d log lines, want one and the old set", b.Err(), b.logs.FilterMessageSnippet("refused").Len())
	}
	b.write("projects: [")
	for range 5 {
		b.look()
	}
	if b.logs.FilterMessageSnippet("refused").Len() != 2 {
		t.Error("want one log line for each refused content")
	}
	b.write(both + "\n")
	b.look()
	b.look()
	if b.Err() != nil {
		t.Errorf("the file as it was before is refused: %v", b.Err())
	}
}

// TestRun_seesChanges changes the file under readers, with the size and the
// time of the file unchanged.
func TestRun_seesChanges(t *testing.T) {
	b := newBench(t, shop)
	stamp := time.Now().Add(-time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if p, ok := b.Current().Project("shop"); !ok || p.ID != "shop" {
					t.Error("a reader found no project")
					return
				}
			}
		})
	}
	b.write(strings.Replace(shop, "k1", "k9", 1))
	if err := os.Chtimes(b.file, stamp, stamp); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !b.opens("k9") {
		select {
		case <-tick.C:
		case <-deadline:
			t.Error("the change was not seen")
			cancel()
		}
		if ctx.Err() != nil {
			break
		}
	}
	if b.opens("k1") {
		t.Error("the old key is still open")
	}
	cancel()
	wg.Wait()
}

// TestRun_reloadsOnHangup has an interval that never comes: only the signal makes
// a good file count and a bad one not.
func TestRun_reloadsOnHangup(t *testing.T) {
	b := newBench(t, shop)
	b.cfg.Interval = time.Hour
	// It must not end this process, were nobody else listening for it.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	defer signal.Stop(caught)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	defer wg.Wait()
	defer cancel()
	hangup := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !done(); {
			if time.Now().After(deadline) {
				t.Fatal(what)
			}
			if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			<-caught
		}
	}
	b.write(both)
	hangup("the new file is not in use", func() bool { return b.opens("k2") })
	b.write("projects: [{id: shop, write_keys: [k1, k1]}]")
	hangup("the bad file is not refused", func() bool { return b.Err() != nil })
	if !b.opens("k2") || b.metric("touchline_projects_file_ok") != 0 || b.logs.FilterMessageSnippet("refused").Len() == 0 {
		t.Error("the bad file is in use, or nothing says that it is not")
	}
	b.write(shop)
	hangup("the mended file is not in use", func() bool { return b.Err() == nil && !b.opens("k2") && b.opens("k1") })
}

func TestWatch_refuses(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("projects: []"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		cfg  Config
		want string
	}{
		{Config{File: "", Interval: time.Second}, "want the path of a projects file"},
		{Config{File: bad}, "want 10ms to 1h"},
		{Config{File: filepath.Join(dir, "none.yaml"), Interval: time.Second}, "no such file"},
		{Config{File: dir, Interval: time.Second}, "is a directory"},
		{Config{File: bad, Interval: time.Second}, "line 1: projects: is empty"},
	} {
		_, err := Watch(tt.cfg, Deps{Deps: telemetry.Deps{Log: zap.NewNop(), Metrics: prometheus.NewRegistry()}})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Watch(%+v) = %v, want %q", tt.cfg, err, tt.want)
		}
	}
}
