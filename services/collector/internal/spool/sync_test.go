package spool

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/services/internal/telemetry"
)

// slowDisk holds up the syncs of logs while it is locked, and counts them.
type slowDisk struct {
	vfs.FS
	gate  sync.RWMutex
	mu    sync.Mutex // guards syncs
	syncs int
}

func (d *slowDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	return d.watch(name, f), err
}

func (d *slowDisk) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.ReuseForWrite(from, to, c)
	return d.watch(to, f), err
}

func (d *slowDisk) watch(name string, f vfs.File) vfs.File {
	if f == nil || !strings.HasSuffix(name, ".log") {
		return f
	}
	return slowFile{f, d}
}

type slowFile struct {
	vfs.File
	disk *slowDisk
}

func (f slowFile) pass() {
	f.disk.gate.RLock()
	defer f.disk.gate.RUnlock()
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.syncs++
}

func (f slowFile) Sync() error {
	f.pass()
	return f.File.Sync()
}

func (f slowFile) SyncData() error {
	f.pass()
	return f.File.SyncData()
}

// A commit is done when its log is synced and not before, and what comes while one
// is synced shares the next sync. A disk that takes no write makes the spool refuse.
func TestCommit_isDoneWhenSynced(t *testing.T) {
	disk := &slowDisk{FS: vfs.Default}
	cfg := Default()
	cfg.Dir, cfg.MinFree = t.TempDir(), openFree
	health := telemetry.NewHealth()
	s, err := openOn(disk, cfg, telemetry.Deps{Log: zap.NewNop(), Metrics: prometheus.NewRegistry(), Health: health, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	divert := func(n int) *Commit {
		t.Helper()
		c, err := s.Divert([]kgo.Record{{Key: []byte("k"), Value: fmt.Append(nil, n)}}, []bool{true})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	<-divert(0).Done()
	disk.gate.Lock()
	first := divert(1)
	for writing := false; !writing; {
		s.mu.Lock()
		writing = !s.writing.IsZero()
		s.mu.Unlock()
	}
	var rest []*Commit
	for n := range 100 {
		rest = append(rest, divert(2+n))
	}
	for deadline := time.Now().Add(30 * time.Second); s.Trouble() == nil; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("ready though the disk takes nothing")
		}
	}
	if _, err := s.Divert([]kgo.Record{{}}, []bool{true}); err == nil || health.Reasons()["spool"] == "" {
		t.Errorf("taken by a disk that takes nothing: %v", err)
	}
	for i, c := range append(rest, first) {
		select {
		case <-c.Done():
			t.Fatalf("commit %d is done though nothing was synced", i)
		default:
		}
	}
	disk.mu.Lock()
	before := disk.syncs
	disk.mu.Unlock()
	disk.gate.Unlock()
	for _, c := range append(rest, first) {
		<-c.Done()
		if c.Err() != nil {
			t.Error(c.Err())
		}
	}
	disk.mu.Lock()
	syncs := disk.syncs - before
	disk.mu.Unlock()
	if syncs > 4 {
		t.Errorf("%d syncs for 101 writes of which 100 waited", syncs)
	}
	if err := s.Trouble(); err != nil {
		t.Errorf("not ready: %v", err)
	}
	var got []string
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() {
		ran <- s.Run(ctx, func(_ context.Context, records []kgo.Record) error {
			for _, r := range records {
				got = append(got, string(r.Value))
			}
			return nil
		})
	}()
	for s.Busy() {
		<-time.After(time.Millisecond)
	}
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for n, v := range got {
		if v != fmt.Sprint(n) {
			t.Fatalf("record %d is %s", n, v)
		}
	}
	if len(got) != 102 {
		t.Errorf("%d records, want 102", len(got))
	}
}
