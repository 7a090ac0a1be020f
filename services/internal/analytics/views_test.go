package analytics

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const (
	// streamCount is how many random streams each object is held against.
	streamCount = 320
	// blockCount is over how many inserts the rows are strewn, so that each
	// stream lies in several parts that are not merged yet.
	blockCount = 12
)

func TestVectorsInClickHouse(t *testing.T) {
	server, conn := migrated(t)
	vectors := readVectors(t)
	var rows []row
	var overrides []override
	for _, v := range vectors {
		for _, e := range v.stream.Events {
			rows = append(rows, row{v.name, e})
		}
		overrides = append(overrides, overridesOf(v.name, v.stream.Overrides, nil)...)
	}
	insertEvents(t, conn, rows)
	insertOverrides(t, conn, overrides)
	bi := reader(t, server)
	for _, v := range vectors {
		for _, e := range v.evals {
			compare(t, bi, e.place, e.query, v.name, e.expect)
		}
	}
}

func TestViewsEqualReference(t *testing.T) {
	server, conn := migrated(t)
	start := seed(t)
	streams, rows, overrides := randomStreams(rand.New(rand.NewPCG(start, 1)))
	insertBlocks(t, rows, func(block []row) { insertEvents(t, conn, block) })
	insertOverrides(t, conn, overrides)
	t.Logf("%d events in %d streams", len(rows), len(streams))

	bi := reader(t, server)
	questions := []struct {
		view string
		ask  func(randomStream, *rand.Rand) query
	}{
		{"funnel", func(s randomStream, r *rand.Rand) query { return funnelQuery{s.funnel(r)} }},
		{"drop_off_next", func(s randomStream, r *rand.Rand) query { return dropOffQuery{s.dropOff(r)} }},
		{"retention", func(s randomStream, r *rand.Rand) query { return retentionQuery{s.retention(r)} }},
	}
	for _, question := range questions {
		t.Run(question.view, func(t *testing.T) {
			began := time.Now()
			parallel(streams, func(i int, s randomStream) {
				q := question.ask(s, rand.New(rand.NewPCG(start, uint64(i))))
				compare(t, bi, s.project, q, s.project, q.reference(s.Stream))
			})
			t.Logf("%d streams in %v", len(streams), time.Since(began).Round(time.Millisecond))
		})
	}
}

// randomStreams returns streams with their rows, in random order, and their
// overrides.
func randomStreams(r *rand.Rand) ([]randomStream, []row, []override) {
	streams := make([]randomStream, streamCount)
	var rows []row
	var overrides []override
	for i := range streams {
		s := newRandomStream(r, streamName(i))
		streams[i] = s
		for _, e := range s.Events {
			rows = append(rows, row{s.project, e})
		}
		overrides = append(overrides, overridesOf(s.project, s.Overrides, s.superseded)...)
	}
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	return streams, rows, overrides
}

func insertBlocks[R any](t *testing.T, rows []R, insert func([]R)) {
	t.Helper()
	blocks := 0
	for block := range slices.Chunk(rows, len(rows)/blockCount+1) {
		insert(block)
		blocks++
	}
	if blocks < 2 {
		t.Fatalf("inserted %d rows in %d blocks, want several", len(rows), blocks)
	}
}
