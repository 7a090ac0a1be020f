package enricher_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// What a device did before its user logged in counts to the user, and what it does
// afterwards, too, also when another process goes on: from the raw record to what a
// query sees.
func TestEnricher_unifiesADeviceWithItsUser(t *testing.T) {
	server := clickhousetest.Fresh(t) // a database takes one log
	conn := server.Open(t, server.Writer)
	if _, err := clickhouse.Migrate(t.Context(), conn, server.Config().Account()); err != nil {
		t.Fatal(err)
	}
	broker := kafkatest.Start(t)
	file := filepath.Join(t.TempDir(), "projects.yaml")
	if err := os.WriteFile(file, []byte("projects: [{id: linked, write_keys: [k]}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := enricher.Default()
	cfg.Kafka, cfg.ClickHouse, cfg.State.Dir, cfg.Projects.File = broker.Kafka, server.Config(), t.TempDir(), file
	// What comes before the login, the login and what comes behind it, in two runs.
	sent := 0
	for _, bodies := range [][]string{
		{
			`{"type":"page","name":"Home","anonymousId":"dev"}`, `{"type":"track","event":"Product Viewed","anonymousId":"dev"}`,
			`{"type":"page","name":"Home","anonymousId":"other"}`, `{"type":"identify","anonymousId":"dev","userId":"ann"}`,
			`{"type":"track","event":"Order Completed","anonymousId":"dev"}`, `{"type":"identify","anonymousId":"other","userId":"undefined"}`,
		},
		{
			`{"type":"track","event":"Product Viewed","anonymousId":"dev"}`, `{"type":"identify","anonymousId":"dev","userId":"bob"}`,
			`{"type":"track","event":"Order Completed","anonymousId":"dev"}`, `{"type":"alias","previousId":"old","userId":"ann","anonymousId":"other"}`,
		},
	} {
		var recs []*kgo.Record
		for _, body := range bodies {
			receipt := uuid.Must(uuid.NewV7())
			raw := event.Raw{Project: "linked", Protocol: "segment", Endpoint: "track", Source: "site", ReceivedAt: time.Now().UnixMilli(), Event: []byte(body)}
			recs = append(recs, &kgo.Record{Topic: topics.Raw, Partition: 0, Key: []byte("linked/d/dev"), Value: raw.Append(nil), Headers: []kgo.RecordHeader{{Key: topics.RID, Value: receipt[:]}}})
		}
		if err := broker.Client(t).ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		sent += len(recs)
		e, err := enricher.New(cfg, telemetry.Deps{
			Log: zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel)), Metrics: prometheus.NewRegistry(), Health: telemetry.NewHealth(), Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		kafkatest.Eventually(t, fmt.Sprint("the outcomes of ", sent, " records"), func() bool {
			var counted uint64
			if err := conn.QueryRow(t.Context(), "SELECT sum(events) FROM touchline.outcomes WHERE project = 'linked'").Scan(&counted); err != nil {
				t.Fatal(err)
			}
			return counted >= uint64(sent)
		})
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Exec(t.Context(), "SYSTEM RELOAD DICTIONARY touchline.person_map"); err != nil {
		t.Fatal(err)
	}
	list := func(query string) (all []string) {
		t.Helper()
		rows, err := conn.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return all
	}
	// Persons by what their users are called; one without a user by its device.
	persons := list(`WITH dictGetOrDefault('touchline.person_map', 'new_id', person_id, person_id) AS person
		SELECT concat(event, ' ', who) FROM (SELECT src_offset, event, person AS p FROM touchline.touchpoints WHERE project = 'linked') AS e
		LEFT JOIN (SELECT person_id AS p, if(max(user_id) = '', max(anonymous_id), max(user_id)) AS who FROM touchline.touchpoints
			WHERE project = 'linked' AND (user_id != '' OR anonymous_id = 'other') GROUP BY p) AS w USING p ORDER BY src_offset`)
	if want := []string{
		"page_view ann", "Product Viewed ann", "page_view ann", "identify ann", "Order Completed ann", "identify ann",
		"Product Viewed ann", "identify bob", "Order Completed bob", "alias ann",
	}; !slices.Equal(persons, want) {
		t.Errorf("events count to\n%q, want\n%q", persons, want)
	}
	links := list("SELECT concat(type, ' ', device_id, ' ', user_id) FROM touchline.identity_links WHERE project = 'linked' ORDER BY src_offset, device_id")
	if want := []string{"identify dev ann", "identify dev bob", "alias old ann", "alias other ann"}; !slices.Equal(links, want) {
		t.Errorf("links %q, want %q", links, want)
	}
	// The device had one session from its first event to its last, over both runs.
	if sessions := list("SELECT toString(uniqExact(session_id)) FROM touchline.touchpoints WHERE project = 'linked' AND anonymous_id = 'dev' AND session_id != 0"); !slices.Equal(sessions, []string{"1"}) {
		t.Errorf("sessions of the device: %q", sessions)
	}
}
