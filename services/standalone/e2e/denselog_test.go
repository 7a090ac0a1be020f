package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"testing"
)

// dense is what the dense log says became of the raw log: its first copy of each
// raw record counts, as for every reader.
type dense struct {
	// raw is the number of raw records, again that of those whose receipt id one
	// before them has.
	raw, again int
	// outcomes counts them by what became of them.
	outcomes map[string]int
	// repeats is how many further copies there are.
	repeats int
}

// tailed is a line of `touchline tail`.
type tailed struct {
	Partition int               `json:"partition"`
	Offset    int64             `json:"offset"`
	Headers   map[string]string `json:"headers"`
}

// readDense reads the dense log with `touchline tail` and checks its promise:
// exactly one record for each raw record, in order, with no hole left open.
func readDense(t *testing.T, d deployment) dense {
	t.Helper()
	found := dense{outcomes: map[string]int{}}
	ends, receipts := map[int]int64{}, map[string]bool{}
	tail(t, d, "raw", func(r *tailed) {
		if r.Offset != ends[r.Partition] {
			t.Fatalf("raw partition %d goes on at %d after %d", r.Partition, r.Offset, ends[r.Partition])
		}
		ends[r.Partition]++
		found.raw++
		if len(r.Headers["rid"]) != 36 {
			t.Fatalf("raw partition %d offset %d has the receipt id %q", r.Partition, r.Offset, r.Headers["rid"])
		}
		if receipts[r.Headers["rid"]] {
			found.again++
		}
		receipts[r.Headers["rid"]] = true
	})
	marks := map[int]int64{}
	tail(t, d, "enriched", func(r *tailed) {
		src, err := strconv.ParseInt(r.Headers["src"], 10, 64)
		if err != nil {
			t.Fatalf("enriched partition %d offset %d: %v", r.Partition, r.Offset, err)
		}
		prev, err := strconv.ParseInt(r.Headers["prev"], 10, 64)
		if err != nil {
			t.Fatalf("enriched partition %d offset %d: %v", r.Partition, r.Offset, err)
		}
		switch next := marks[r.Partition]; { // the raw offset that is due
		case src < next:
			found.repeats++
		case prev < next && src == next:
			marks[r.Partition]++
			found.outcomes[r.Headers["outcome"]]++
		default:
			// A hole: what follows it counts when it is written again.
		}
	})
	for partition, end := range ends {
		if marks[partition] != end {
			finding(t, "partition %d: the dense log answers %d of %d raw records", partition, marks[partition], end)
		}
	}
	return found
}

// tail prints a topic with `touchline tail` and hands over its records.
func tail(t *testing.T, d deployment, topic string, each func(*tailed)) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program("touchline"), "tail", topic, "--brokers", d.kafka())
	cmd.Env, cmd.SysProcAttr = environment(), noOrphans()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bufio.NewReaderSize(out, 1<<20))
	for decoder.More() {
		var r tailed
		if err := decoder.Decode(&r); err != nil {
			t.Fatalf("touchline tail %s: %v", topic, err)
		}
		each(&r)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(fmt.Errorf("touchline tail %s: %w", topic, err))
	}
}
