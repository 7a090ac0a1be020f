package enricher_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/kafkatest"
)

// maxResident is what a consumer may take at full speed, whatever waits for it.
const maxResident = 300_000_000

// An enricher that works off a backlog many times larger than its buffers, through
// both logs and into the tables, stays within the memory that its budget allows.
func TestEnricher_memoryWithABacklog(t *testing.T) {
	server := clickhousetest.Fresh(t)
	conn := server.Open(t, server.Writer)
	if _, err := clickhouse.Migrate(t.Context(), conn, server.Config().Account()); err != nil {
		t.Fatal(err)
	}
	broker := kafkatest.Start(t)
	const events = 120_000
	size := backlog(t, broker, events)
	if size < maxResident/2 {
		t.Fatalf("the backlog has only %d bytes", size)
	}
	projects := filepath.Join(t.TempDir(), "projects.yaml")
	if err := os.WriteFile(projects, []byte("projects: [{id: shop, write_keys: [k]}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	var logs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Args[0], "--kafka.brokers", strings.Join(broker.Kafka.Brokers, ","),
		"--clickhouse.url", server.URL, "--clickhouse.user", server.Writer.User, "--state.dir", t.TempDir(), "--projects.file", projects)
	cmd.Env = []string{childEnv + "=1", "ENRICHER_CLICKHOUSE_PASSWORD=" + server.Writer.Password}
	cmd.Stderr = &logs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	deadline := time.After(3 * time.Minute)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	peak := 0
	for counted := uint64(0); counted < events; {
		select {
		case err := <-ended:
			t.Fatalf("the enricher ended: %v\n%s", err, &logs)
		case <-deadline:
			t.Fatalf("%d of %d events after 3 minutes", counted, events)
		case <-tick.C:
		}
		if err := conn.QueryRow(t.Context(), "SELECT sum(events) FROM touchline.outcomes WHERE project = 'shop'").Scan(&counted); err != nil {
			t.Fatal(err)
		}
		peak = peakResident(t, cmd.Process.Pid)
	}
	t.Logf("%d MB for a backlog of %d MB", peak/1e6, size/1e6)
	if peak > maxResident {
		t.Errorf("the enricher took %d bytes, want at most %d", peak, maxResident)
	}
	if err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), <-ended); err != nil {
		t.Fatalf("stop the enricher: %v\n%s", err, &logs)
	}
}

// backlog writes so many events, each of about 1.6 kB and half of it noise, to all
// partitions and returns their bytes.
func backlog(t *testing.T, c *kafkatest.Cluster, events int) (size int) {
	t.Helper()
	cl := c.Client(t, kgo.ProducerBatchCompression(kgo.SnappyCompression()))
	random := rand.New(rand.NewPCG(1, 2))
	now := time.Now().UnixMilli()
	var recs []*kgo.Record
	for i := range events {
		id := fmt.Sprintf("m-%d", i)
		body := fmt.Appendf(nil, `{"type":"track","event":"Product Viewed","anonymousId":"a%d","messageId":%q,"context":{"page":{"url":"https://shop.example/p/%d","path":"/p/%d","title":"A page"},"library":{"name":"analytics.js","version":"npm:next-1.81.0"},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"},"properties":{"noise":"`,
			random.IntN(5000), id, i%1000, i%1000)
		for range 50 {
			body = fmt.Appendf(body, "%016x", random.Uint64())
		}
		for j := range 20 {
			body = fmt.Appendf(body, `","property_%d":"the same for every event`, j)
		}
		body = append(body, `"}}`...)
		receipt, mid := uuid.Must(uuid.NewV7()), ids.MessageHash("shop", []byte(id))
		raw := event.Raw{Project: "shop", Protocol: "segment", Endpoint: "track", Source: "site", ReceivedAt: now, Event: body, ClientIP: "203.0.113.7"}
		r := &kgo.Record{
			Topic: topics.Raw, Partition: int32(i / 100 % topics.EmbeddedPartitions), Key: fmt.Append(nil, "shop/d/a", i), Value: raw.Append(nil),
			Headers: []kgo.RecordHeader{{Key: topics.RID, Value: receipt[:]}, {Key: topics.MID, Value: mid[:]}},
		}
		size += len(r.Value)
		if recs = append(recs, r); len(recs) == 2000 || i == events-1 {
			if err := cl.ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
				t.Fatal(err)
			}
			recs = recs[:0]
		}
	}
	return size
}

// peakResident returns the most memory that the process has had resident.
func peakResident(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatalf("no VmHWM in\n%s", text)
	return 0
}
