package meter

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// TestCPU burns a known amount of processor time and finds it in /proc.
func TestCPU(t *testing.T) {
	before, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	rusageBefore, err := ownCPU()
	if err != nil {
		t.Fatal(err)
	}
	if speed, err := Calibrate(200 * time.Millisecond); err != nil || speed <= 0 {
		t.Fatalf("%v MB/s, %v", speed, err)
	}
	after, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	rusageAfter, err := ownCPU()
	if err != nil {
		t.Fatal(err)
	}
	proc, rusage := after.Sub(before).Total(), rusageAfter-rusageBefore
	if d := proc - rusage; d < -50*time.Millisecond || d > 50*time.Millisecond {
		t.Errorf("/proc says %v, getrusage %v", proc, rusage)
	}
}

func TestPeakRSS(t *testing.T) {
	// What an earlier test took is given back, and the mark brought down to that.
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200); err != nil {
		t.Fatal(err)
	}
	before, err := PeakRSS(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	big := make([]byte, 64<<20)
	for i := 0; i < len(big); i += 4096 {
		big[i] = 1
	}
	after, err := PeakRSS(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if grown := after - before; grown < 32<<20 {
		t.Errorf("%d bytes more than before for %d", grown, len(big))
	}
}

func TestCPU_noProcess(t *testing.T) {
	if _, err := CPU(1 << 30); err == nil {
		t.Error("no error")
	}
	if _, err := PeakRSS(1 << 30); err == nil {
		t.Error("no error")
	}
}

// TestReadHeap reads the metrics of this process before and after it has
// allocated a known amount.
func TestReadHeap(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector())
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer server.Close()
	read := func() Heap {
		t.Helper()
		h, err := ReadHeap(t.Context(), strings.TrimPrefix(server.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	before := read()
	const objects, size = 100_000, 64
	kept := make([]*[size]byte, objects)
	for i := range kept {
		kept[i] = new([size]byte)
	}
	used := read().Sub(before)
	// The runtime counts some objects of a span late.
	if used.Objects < 0.95*objects || used.Objects > 2*objects {
		t.Errorf("%.0f objects for %d", used.Objects, len(kept))
	}
	if least := float64(objects * (size + 8)); used.Bytes < 0.95*least || used.Bytes > 2*least {
		t.Errorf("%.0f bytes, want about %.0f", used.Bytes, least)
	}
}

func TestReadHeap_noMetrics(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "go_memstats_mallocs_total 12\n")
	}))
	addr := strings.TrimPrefix(server.URL, "http://")
	if _, err := ReadHeap(t.Context(), addr); !errors.Is(err, errMetrics) {
		t.Errorf("half of them: %v", err)
	}
	server.Close()
	if _, err := ReadHeap(t.Context(), addr); err == nil {
		t.Error("no server: no error")
	}
}
