package enrichment_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
)

var update = flag.Bool("update", false, "write the results of this run to testdata")

// columnsFile holds what the steps behind adapt make of every recorded event: a
// line each, with protocol, name, kind, channel, acquisition channel and money.
// Run the test with -update after a change of these steps, and read the diff.
const columnsFile = "testdata/columns.txt"

func TestColumnsOfRecordings(t *testing.T) {
	p := newPipeline(t)
	shop := project(t, "projects: [{id: shop, write_keys: [wk_test], currency: EUR, domains: [shop.example.com]}]")
	manifests, err := filepath.Glob(filepath.Join(recordings, "*", "manifest.json"))
	if err != nil || len(manifests) < 30 {
		t.Fatalf("%d manifests: the corpus is not there (%v)", len(manifests), err)
	}
	var got strings.Builder
	for _, path := range manifests {
		sdk := filepath.Base(filepath.Dir(path))
		seen := map[string]int{}
		var lines []string
		for _, r := range recordedEvents(t, sdk) {
			var out event.Enriched
			e := pipeline.Event{Raw: &r.raw, Project: shop, Receipt: [16]byte{15: 7}, MessageHash: r.hash}
			if p.Run(&e, &out); out.Outcome != event.Stored {
				continue
			}
			line := columns(&out.Touchpoint)
			if seen[line]++; seen[line] == 1 {
				lines = append(lines, line)
			}
		}
		fmt.Fprintf(&got, "=== %s\n", sdk)
		for _, line := range lines {
			fmt.Fprintf(&got, "%3d x %s\n", seen[line], line)
		}
	}
	if *update {
		if err := os.WriteFile(columnsFile, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(columnsFile)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() == string(want) {
		return
	}
	before := map[string]bool{}
	for line := range strings.Lines(string(want)) {
		before[line] = true
	}
	for line := range strings.Lines(got.String()) {
		if !before[line] {
			t.Errorf("not in %s: %s", columnsFile, line)
		}
	}
	t.Errorf("%s is no longer what comes out", columnsFile)
}

func columns(t *event.Touchpoint) string {
	words := []string{t.Type, fmt.Sprintf("%q", t.Event), t.Kind, t.Channel}
	if t.AcquisitionChannel != "" {
		words = append(words, fmt.Sprintf("%q", t.AcquisitionChannel))
	}
	if t.RevenueE4 != 0 || t.Currency != "" || t.OrderID != "" {
		words = append(words, fmt.Sprintf("%d.%04d %s %q", t.RevenueE4/10000, max(t.RevenueE4, -t.RevenueE4)%10000, t.Currency, t.OrderID))
	}
	return strings.Join(words, " ")
}
