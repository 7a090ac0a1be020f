package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/standalone/internal/terminal"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

// reportNow is a Thursday.
var reportNow = time.Date(2026, 10, 15, 16, 30, 0, 0, time.UTC)

// migrated returns connections of the writer and of the user of BI tools to a
// server with the schema.
func migrated(t *testing.T) (writer, bi driver.Conn) {
	t.Helper()
	server := clickhousetest.Start(t)
	writer = server.Open(t, server.Writer)
	account := clickhouse.Account{User: server.Writer.User, Password: server.Writer.Password}
	if _, err := clickhouse.Migrate(t.Context(), writer, account); err != nil {
		t.Fatal(err)
	}
	if server.BI.User == "" {
		return writer, writer
	}
	return writer, server.Open(t, server.BI)
}

// project returns an id that no other run on the same server has used.
func project(name string) string { return fmt.Sprintf("%s-%d", name, time.Now().UnixNano()) }

// stored is the history of a project in the database: one row an event, persons
// as the pipeline tells them apart while no ids are linked.
func stored(t *testing.T, conn driver.Conn, project string, cfg Config, now, received time.Time) []Event {
	t.Helper()
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO touchline.touchpoints (project, message_id, type, event, person_id, event_time, received_at, day, is_bot)")
	if err != nil {
		t.Fatal(err)
	}
	var all []Event
	for visitor := range history(cfg, now) {
		for _, e := range visitor {
			all = append(all, e)
			if err := batch.Append(project, e.MessageID, e.Type, eventName(e), person(e), e.At, received, e.At, e.Context.UserAgent == crawler); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	return all
}

// eventName is the name under which a call is stored.
func eventName(e Event) string {
	switch e.Type {
	case "page":
		return "page_view"
	case "screen":
		return "screen_view"
	case "track":
		return e.Event
	}
	return e.Type
}

func person(e Event) uint64 {
	h := fnv.New64a()
	if e.UserID != "" {
		h.Write([]byte("user " + e.UserID))
	} else {
		h.Write([]byte("device " + e.AnonymousID))
	}
	return h.Sum64()
}

func TestReport(t *testing.T) {
	writer, bi := migrated(t)
	cfg, shop := Default(), project("shop")
	events := stored(t, writer, shop, cfg, reportNow, reportNow)
	stored(t, writer, project("neighbour"), Config{Visitors: 40, Days: 30, Seed: 2}, reportNow, reportNow)
	var out bytes.Buffer
	if err := Report(t.Context(), bi, &out, shop, reportNow); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", out.String())
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
			t.Errorf("a line has %d characters: %q", n, line)
		}
		if trimmed := strings.TrimRight(line, " \n"); trimmed+"\n" != line {
			t.Errorf("a line ends in spaces: %q", line)
		}
	}

	// The report shows what counting the events by hand gives.
	seen := map[string]map[uint64]bool{"page_view": {}}
	byWeek := map[uint64]int{}
	monday := time.Date(2026, 9, 21, 0, 0, 0, 0, time.UTC)
	slices.SortFunc(events, func(a, b Event) int { return a.At.Compare(b.At) })
	for _, e := range events {
		if e.Type != "page" || e.Context.UserAgent == crawler {
			continue
		}
		if p := person(e); !seen["page_view"][p] {
			seen["page_view"][p] = true
			byWeek[p] = int(e.At.Sub(monday).Hours() / (7 * 24))
			if e.At.Before(monday) {
				byWeek[p] = -1
			}
		}
	}
	first := 0
	for _, week := range byWeek {
		if week == 0 {
			first++
		}
	}
	for _, want := range []string{
		fmt.Sprintf("   1  page_view         %7s  100.0 %%", terminal.Number(int64(len(seen["page_view"])))),
		fmt.Sprintf("  week of 2026-09-21  %7s  100.0 %%", terminal.Number(int64(first))),
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q", want)
		}
	}
}

func TestSettledAndAfter(t *testing.T) {
	writer, bi := migrated(t)
	cfg, late := Config{Visitors: 30, Days: 30, Seed: 3}, project("late")
	after, err := After(t.Context(), bi, late, reportNow)
	if err != nil || !after.IsZero() {
		t.Fatalf("After(empty project) = %v, %v; want zero", after, err)
	}
	before := reportNow.AddDate(0, 0, -10)
	events := stored(t, writer, late, cfg, before, before)
	if err := Settled(t.Context(), bi, late, len(events)); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), settledPoll*settledPolls*2)
	defer cancel()
	if err := Settled(short, bi, late, len(events)+1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Settled with an event missing = %v, want the deadline", err)
	}

	last := slices.MaxFunc(events, func(a, b Event) int { return a.At.Compare(b.At) }).At
	if cfg.After, err = After(t.Context(), bi, late, reportNow); err != nil || !cfg.After.Equal(last) {
		t.Fatalf("After = %v, %v; want the last event's %v", cfg.After, err, last)
	}
	// Sent again ten days later, nothing of it is sent twice.
	old := map[string]bool{}
	for _, e := range events {
		old[e.MessageID] = true
	}
	further := stored(t, writer, late, cfg, reportNow, reportNow)
	if len(further) == 0 {
		t.Error("nothing happened in ten days")
	}
	for _, e := range further {
		if old[e.MessageID] {
			t.Errorf("message %s is sent again", e.MessageID)
		}
	}
	// What has just been stored is remembered by the pipeline.
	if after, err := After(t.Context(), bi, late, reportNow); err != nil || !after.Equal(last) {
		t.Errorf("After = %v, %v; want still %v", after, err, last)
	}
}

func TestReportOfAnEmptyProject(t *testing.T) {
	_, bi := migrated(t)
	var out bytes.Buffer
	if err := Report(t.Context(), bi, &out, `it's \ empty`, reportNow); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `project = 'it\'s \\ empty',`) || !strings.Contains(out.String(), "page_view") {
		t.Errorf("the report of an empty project is\n%s", out.String())
	}
}
