package enricher_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/enricher"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/telemetry"
)

// Rows that a constraint of touchpoints refuses end in rejected, as they came; the
// others of the chunk land, and the outcomes say so.
func TestEnricher_putsRefusedRowsAmongTheRejected(t *testing.T) {
	server := clickhousetest.Start(t)
	conn := server.Open(t, server.Writer)
	exec := func(query string) {
		t.Helper()
		if err := conn.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := clickhouse.Migrate(t.Context(), conn, server.Config().Account()); err != nil {
		t.Fatal(err)
	}
	exec("ALTER TABLE touchline.touchpoints ADD CONSTRAINT no_tea CHECK event != 'Tea Poured'")
	exec("CREATE OR REPLACE TABLE " + clickhouse.TouchpointsProbe + " AS touchline.touchpoints ENGINE = Null")

	broker := kafkatest.Start(t)
	const n = 1000
	bad := map[int]string{}
	var recs []*kgo.Record
	for i := range n {
		name := "Coffee Poured"
		if i == 0 || i == 421 || i == n-1 {
			name = "Tea Poured"
		}
		body := fmt.Sprintf(`{"type":"track", "event":%q,"anonymousId":"a%d","messageId":"m-%d","properties":{"cup":%d}}`, name, i, i, i)
		if name == "Tea Poured" {
			bad[i] = body
		}
		receipt := uuid.Must(uuid.NewV7())
		raw := event.Raw{
			Project: "shop", Protocol: "segment", Endpoint: "track", Source: "site", ReceivedAt: time.Now().UnixMilli(), Event: []byte(body),
			ClientIP: "203.0.113.7", UserAgent: "agent", Headers: []event.Header{{Name: "dnt", Value: "1"}},
		}
		recs = append(recs, &kgo.Record{
			Topic: topics.Raw, Key: fmt.Append(nil, "shop/d/a", i), Value: raw.Append(nil), Headers: []kgo.RecordHeader{{Key: topics.RID, Value: receipt[:]}},
		})
	}
	if err := broker.Client(t).ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
		t.Fatal(err)
	}

	file := filepath.Join(t.TempDir(), "projects.yaml")
	if err := os.WriteFile(file, []byte("projects: [{id: shop, write_keys: [k]}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := enricher.Default()
	cfg.Kafka, cfg.ClickHouse, cfg.State.Dir, cfg.Projects.File = broker.Kafka, server.Config(), t.TempDir(), file
	e, err := enricher.New(cfg, telemetry.Deps{
		Log: zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel)), Metrics: prometheus.NewRegistry(), Health: telemetry.NewHealth(), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	var counted uint64
	kafkatest.Eventually(t, "the outcomes of every record", func() bool {
		if err := conn.QueryRow(t.Context(), "SELECT sum(events) FROM touchline.outcomes WHERE project = 'shop'").Scan(&counted); err != nil {
			t.Fatal(err)
		}
		return counted >= n
	})
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	for query, want := range map[string]uint64{
		"SELECT count() FROM touchline.touchpoints WHERE project = 'shop'":                                                                                                    n - 3,
		"SELECT uniqExact(src_offset) FROM touchline.touchpoints WHERE project = 'shop' AND src_offset NOT IN (0, 421, 999)":                                                  n - 3,
		"SELECT sum(events) FROM touchline.landed WHERE project = 'shop'":                                                                                                     n - 3,
		"SELECT sum(events) FROM touchline.outcomes WHERE project = 'shop' AND outcome = 'stored'":                                                                            n - 3,
		"SELECT sum(events) FROM touchline.outcomes WHERE project = 'shop' AND outcome = 'rejected' AND reason = 'refused_by_storage'":                                        3,
		"SELECT count() FROM touchline.rejected WHERE project = 'shop'":                                                                                                       3,
		"SELECT count() FROM touchline.rejected WHERE project = 'shop' AND stage = 'store' AND reason = 'refused_by_storage' AND endpoint = 'track' AND user_agent = 'agent'": 3,
	} {
		var got uint64
		if err := conn.QueryRow(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %d (%v), want %d", query, got, err, want)
		}
	}
	for offset, body := range bad {
		var payload string
		var receipt uuid.UUID
		err := conn.QueryRow(t.Context(), "SELECT payload, receipt_id FROM touchline.rejected WHERE project = 'shop' AND src_offset = ?", offset).Scan(&payload, &receipt)
		if err != nil || payload != body || string(receipt[:]) != string(recs[offset].Headers[0].Value) {
			t.Errorf("offset %d is kept as %s, receipt %s (%v), want %s", offset, payload, receipt, err, body)
		}
	}
}
