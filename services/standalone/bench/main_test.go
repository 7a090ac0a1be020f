package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"touchline.dev/services/standalone/bench/internal/report"
	"touchline.dev/services/standalone/bench/internal/stack"
)

func TestMain(m *testing.M) {
	if code, ran := stack.RunRoleIfRequested(); ran {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// small makes a run with everything in it as short as it gets. The rate is one
// that a busy machine keeps up with.
var small = []string{"-events", "5000", "-rounds", "1", "-window", "500ms", "-rate", "200", "-connections", "300"}

func TestBench(t *testing.T) {
	root, err := stack.Root()
	if err != nil {
		t.Fatal(err)
	}
	programs := t.TempDir()
	if err := stack.Build(t.Context(), root, programs); err != nil {
		t.Fatal(err)
	}
	args := append(slices.Clone(small), "-bin", programs)
	t.Run("everything", func(t *testing.T) { testEverything(t, slices.Clone(args)) })
	t.Run("part", func(t *testing.T) { testPart(t, slices.Clone(args)) })
}

// testEverything runs a small benchmark with everything in it, and adds up what it
// reports: every event that was sent is acknowledged, and is one row or the
// duplicate of one.
func testEverything(t *testing.T, args []string) {
	s, err := parse(args, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	r, err := measure(t.Context(), s, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	text := r.Markdown()
	t.Log(text)
	checkCounts(t, text)
	checkLines(t, text)
	for _, counts := range []*report.Counts{&r.Rounds[0].Counts[0], &r.Rounds[0].Counts[1], &r.Tenths[0].Counts[0], &r.Freshness[0].Counts, &r.Freshness[1].Counts} {
		checkDoctored(t, r, counts)
	}
}

// checkDoctored changes each count by one and expects the report's own check to
// find it.
func checkDoctored(t *testing.T, r report.Report, counts *report.Counts) {
	t.Helper()
	good := *counts
	for name, n := range map[string]*int{
		"sent": &counts.Sent, "acked": &counts.Acked, "retried": &counts.Retried, "rows": &counts.Rows, "distinct rows": &counts.DistinctRows,
	} {
		*n++
		if err := r.Check(); !errors.Is(err, report.ErrCounts) {
			t.Errorf("one more %s of %s: %v", name, good.Name, err)
		}
		*counts = good
	}
	for outcome := range good.Outcomes {
		good.Outcomes[outcome]--
		if err := r.Check(); !errors.Is(err, report.ErrCounts) {
			t.Errorf("one less %s of %s: %v", outcome, good.Name, err)
		}
		good.Outcomes[outcome]++
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
}

// number is a figure of a row that is more than 0.
var number = regexp.MustCompile(`[1-9]`)

// checkCounts adds up the rows of the table of counts.
func checkCounts(t *testing.T, text string) {
	t.Helper()
	_, table, _ := strings.Cut(text, "| Events | sent |")
	row := regexp.MustCompile(`(?m)^\| (.+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (-?\d+) \| (-?\d+) \|$`)
	found := map[string]bool{}
	for _, columns := range row.FindAllStringSubmatch(table, -1) {
		name := columns[1]
		found[name] = true
		var n [8]int
		for i := range n {
			var err error
			if n[i], err = strconv.Atoi(columns[2+i]); err != nil {
				t.Fatal(err)
			}
		}
		sent, acked, stored, duplicate, rows, distinct, lost, doubled := n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]
		if sent == 0 || acked != sent || stored+duplicate != acked || rows != stored || distinct != stored || lost != 0 || doubled != 0 {
			t.Errorf("counts do not add up: %s", columns[0])
		}
		if name == "round 1" && (sent != 5000+500+125+500+2*300 || duplicate == 0) {
			t.Errorf("%s: not what was to be sent, or no retry", columns[0])
		}
	}
	for _, name := range []string{"round 1", "round 1, table of 30 columns", "small round 1", "small round 1, table of 30 columns", "freshness, `touchline up`", "freshness, separate services"} {
		if !found[name] {
			t.Errorf("no counts of %q", name)
		}
	}
}

// checkLines looks for every line that there is a target for.
func checkLines(t *testing.T, text string) {
	t.Helper()
	for line, cells := range map[string]int{
		"collector, 1 event a request":                               3,
		"collector, 50 events a request":                             3,
		"collector, 1 event a request, gzip":                         3,
		"collector, 50 events a request, gzip":                       3,
		"enricher: raw log to dense log":                             3,
		"enricher: dense log to ClickHouse":                          3,
		"landing and ClickHouse, merges included":                    2,
		"table of 30 columns, no views, merges off: landing process": 3,
		"table of 30 columns: landing process and ClickHouse":        2,
		"whole path, 50 events a request, without the broker":        2,
		"enricher":  2,
		"collector": 2,
		"collector, 300 open connections of which 300 send at a time": 1,
		"`touchline up`":              1,
		"separate services":           1,
		"`touchline up`: ClickHouse":  1,
		"separate services: enricher": 1,
		"separate services: ClickHouse and landing (the enricher's cores less those with landing held off)": 1,
	} {
		rows := regexp.MustCompile(`(?m)^\| `+regexp.QuoteMeta(line)+` \|(.*)$`).FindAllStringSubmatch(text, -1)
		if len(rows) != cells {
			t.Errorf("%q stands in %d tables, want %d", line, len(rows), cells)
		}
		// A phase of a few milliseconds may cost no tick of the clock, but it allocates.
		if !slices.ContainsFunc(rows, func(row []string) bool { return number.MatchString(row[1]) }) {
			t.Errorf("%q: no figure in %q", line, rows)
		}
	}
}

// testPart measures one part with a profile of it, and writes that and nothing of
// the others into a document.
func testPart(t *testing.T, args []string) {
	document := filepath.Join(t.TempDir(), "benchmarks.md")
	if err := os.WriteFile(document, []byte("# Title\n<!-- bench: begin -->\n<!-- bench: end -->\nRemarks\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	profiles := t.TempDir()
	if err := run(t.Context(), append(args, "-only", "enricher", "-o", document, "-profiles", profiles), &out, t.Output()); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if !strings.Contains(text, "| enricher: raw log to dense log |") || strings.Contains(text, "| collector, ") || strings.Contains(text, "ClickHouse: inserts") {
		t.Errorf("the report is\n%s", text)
	}
	written, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(written), strings.TrimSpace(text)) || !strings.HasSuffix(string(written), "Remarks\n") {
		t.Errorf("the document is\n%s", written)
	}
	if info, err := os.Stat(filepath.Join(profiles, "round1-enriching.pprof")); err != nil || info.Size() == 0 {
		t.Errorf("profile: %v", err)
	}
}

func TestRun_flags(t *testing.T) {
	for _, args := range [][]string{
		{"--events", "10"}, {"--rounds", "0"}, {"--users", "1"}, {"--window", "-1s"}, {"--connections", "-1"}, {"--rate", "1"},
		{"--only", "nothing"}, {"more"}, {"--unknown"},
	} {
		if err := run(context.Background(), args, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
