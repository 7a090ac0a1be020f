package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"touchline.dev/services/standalone/bench/internal/stack"
)

func TestMain(m *testing.M) {
	if code, ran := stack.RunRoleIfRequested(); ran {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// TestRun runs a small benchmark with everything in it, and adds up what it
// prints: every event that was sent is acknowledged, and is one row or the
// duplicate of one.
func TestRun(t *testing.T) {
	document := filepath.Join(t.TempDir(), "benchmarks.md")
	if err := os.WriteFile(document, []byte("# Title\n<!-- bench: begin -->\n<!-- bench: end -->\nRemarks\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	profiles := t.TempDir()
	var out bytes.Buffer
	args := []string{"--events", "8000", "--rounds", "1", "--window", "1s", "--o", document, "--profiles", profiles}
	if err := run(t.Context(), args, &out, t.Output()); err != nil {
		t.Fatal(err)
	}

	row := regexp.MustCompile(`(?m)^\| round 1 \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$`).FindStringSubmatch(out.String())
	if row == nil {
		t.Fatalf("no counts in\n%s", out.String())
	}
	var n [8]int
	for i := range n {
		var err error
		if n[i], err = strconv.Atoi(row[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	sent, acked, stored, duplicate, rows, distinct, lost, doubled := n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]
	if sent != 8000+8000/singleShare {
		t.Errorf("%d events sent", sent)
	}
	if acked != sent || stored+duplicate != acked || rows != stored || distinct != stored || lost != 0 || doubled != 0 {
		t.Errorf("counts do not add up: %s", row[0])
	}
	if duplicate == 0 {
		t.Error("no retry was sent")
	}
	for _, line := range []string{"collector, 1 event a request", "enricher: raw log to dense log", "enricher: dense log to ClickHouse", "ClickHouse: inserts"} {
		cost := regexp.MustCompile(regexp.QuoteMeta("| "+line) + `[^|]*\| ([0-9.]+) \|`).FindStringSubmatch(out.String())
		if len(cost) != 2 || strings.Trim(cost[1], "0.") == "" {
			t.Errorf("%s: %v, want a cost", line, cost)
		}
	}
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), row[0]) || !strings.HasSuffix(string(text), "Remarks\n") {
		t.Errorf("the document is\n%s", text)
	}
	for _, phase := range []string{"collector-1", "collector-50", "enriching", "landing"} {
		if info, err := os.Stat(filepath.Join(profiles, "round1-"+phase+".pprof")); err != nil || info.Size() == 0 {
			t.Errorf("profile of %s: %v", phase, err)
		}
	}
}

func TestRun_flags(t *testing.T) {
	for _, args := range [][]string{{"--events", "10"}, {"--rounds", "0"}, {"--users", "1"}, {"--window", "-1s"}, {"more"}, {"--unknown"}} {
		if err := run(context.Background(), args, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
