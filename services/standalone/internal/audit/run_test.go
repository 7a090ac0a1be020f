package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/telemetry"
)

// gauge returns the value of a metric that has no labels.
func gauge(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

func TestRun_keepsTheLedgerAndTellsItsState(t *testing.T) {
	w := newWorld(t)
	w.accept(0, some(20, "p", event.Stored)...)
	w.mark[0] = 9
	w.commit(0) // ten events are said to have landed, but have not
	reg, health := prometheus.NewRegistry(), telemetry.NewHealth()
	deps := Deps{Deps: telemetry.Deps{Log: zaptest.NewLogger(t, zaptest.Level(zap.FatalLevel)), Metrics: reg, Health: health, Now: time.Now}, Conn: w.conn}
	cfg := Default()
	cfg.Every = 100 * time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	a := New(cfg, w.kafka, deps)
	go func() { done <- a.Run(ctx) }()
	kafkatest.Eventually(t, "the residual", func() bool { return gauge(t, reg, "touchline_ledger_residual") == 10 })
	if minutes, flying := gauge(t, reg, "touchline_ledger_open_minutes"), gauge(t, reg, "touchline_ledger_in_flight"); minutes != 1 || flying != 10 {
		t.Errorf("%v minutes are open, %v events in flight", minutes, flying)
	}
	w.land(0, 19)
	kafkatest.Eventually(t, "everything to land", func() bool { return gauge(t, reg, "touchline_ledger_in_flight") == 0 })
	if reasons := health.Reasons(); len(reasons) > 0 {
		t.Errorf("unhealthy: %v", reasons)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestRun_saysWhyAndGoesOn(t *testing.T) {
	w := newWorld(t)
	reg, health := prometheus.NewRegistry(), telemetry.NewHealth()
	deps := Deps{Deps: telemetry.Deps{Log: zaptest.NewLogger(t, zaptest.Level(zap.FatalLevel)), Metrics: reg, Health: health, Now: time.Now}, Conn: w.conn}
	cfg := Default()
	cfg.Every = 100 * time.Millisecond
	w.exec("RENAME TABLE touchline.ledger_accepted TO touchline.ledger_away")
	t.Cleanup(func() { // also when the test fails in between: the others need it
		_ = w.conn.Exec(context.Background(), "RENAME TABLE touchline.ledger_away TO touchline.ledger_accepted")
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	a := New(cfg, w.kafka, deps)
	go func() { done <- a.Run(ctx) }()
	kafkatest.Eventually(t, "the reason", func() bool { return strings.Contains(health.Reasons()["ledger"], "ledger_accepted") })
	w.exec("RENAME TABLE touchline.ledger_away TO touchline.ledger_accepted")
	kafkatest.Eventually(t, "health", func() bool { return len(health.Reasons()) == 0 })
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := New(cfg, kafka.Config{Brokers: []string{"127.0.0.1:1"}}, Deps{
		Deps: telemetry.Deps{Log: zap.NewNop(), Metrics: prometheus.NewRegistry(), Health: health, Now: time.Now}, Conn: w.conn,
	}).Once(t.Context(), 0, time.Time{}); err == nil {
		t.Error("a report without a broker")
	}
}

func TestOnce_leavesOutEarlierMinutes(t *testing.T) {
	w := newWorld(t)
	w.accept(0, some(180, "p", event.Stored)...)
	w.land(0, 179)
	r, err := w.auditor().Once(t.Context(), 0, base.Add(time.Minute))
	if err != nil || !r.Closed || len(r.Projects) != 1 || r.Projects[0].Accepted != 120 || r.Projects[0].Stored != 120 {
		t.Errorf("report %+v, %v", r, err)
	}
}

func TestReport_printsWhereItDoesNotClose(t *testing.T) {
	r := Report{
		Pending:  2,
		Projects: []Total{{Project: "", Sums: Sums{Accepted: 1, Rejected: 1}}, {Project: "a\nb", Sums: Sums{Accepted: 12, Stored: 9, InFlight: 2, Residual: 1}, Open: 1}},
		Open:     []Line{{Partition: 3, Project: "a\nb", Minute: base, Sums: Sums{Accepted: 5, Stored: 4, Residual: 1}, MinOffset: 7, MaxOffset: 19}},
	}
	var b bytes.Buffer
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"(not told)", `"a\nb"`, "7-19", "2 events that were accepted", "in 1 minutes", "touchline audit --deep 7 19 --partition 3"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
	b.Reset()
	if err := PrintJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back["closed"] != false || back["pending"] != 2.0 {
		t.Errorf("JSON reads back as %v, %v", back, err)
	}
	if line := back["open"].([]any)[0].(map[string]any); line["partition"] != 3.0 || line["residual"] != 1.0 || line["min_offset"] != 7.0 {
		t.Errorf("the open line is %v", line)
	}
	b.Reset()
	closed := Report{Closed: true}
	if err := closed.Print(&b); err != nil || !strings.Contains(b.String(), "The ledger closes") {
		t.Errorf("printed %q, %v", b.String(), err)
	}
}
