package writer_test

import (
	"fmt"
	"os"
	"testing"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafkatest"
)

// A process that is killed leaves an index as far as its last table; what was
// decided behind that is in the dense log only. What a kill leaves is what stands in
// the directory while the writer runs.
func TestWriter_whatAKillTookFromTheIndexIsReadBack(t *testing.T) {
	const events = 40_000 // a table is written after 32,768
	f := newFixture(t)
	f.producing.MaxBufferedBytes, f.producing.MaxBufferedRecords = 64<<20, 100_000
	stop := f.run()
	texts := make([]string, events)
	for i := range texts {
		texts[i] = fmt.Sprint("m", i)
	}
	f.raw(texts...)
	kafkatest.Eventually(t, "the commit", func() bool { return f.committed() == events })
	left := f.dir + "-left"
	if err := os.CopyFS(left, os.DirFS(f.dir)); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, dir string
		least, to float64
	}{
		{"stopped", f.dir, 0, 1},
		{"killed", left, 100, events / 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.dir = c.dir
			before := f.end(topics.Raw)
			stop := f.run()
			f.raw("m0", "m20000", "m32700", "m32800", "m39999", "new "+c.name)
			kafkatest.Eventually(t, "the commit", func() bool { return f.committed() == before+6 })
			got := f.dense()[before:]
			if want := []string{duplicate, duplicate, duplicate, duplicate, duplicate}; fmt.Sprint(got[:5]) != fmt.Sprint(want) {
				t.Errorf("outcomes %v, want %v", got, want)
			}
			// The last record of the dense log is always read.
			if n := f.metric("touchline_enricher_dedup_scanned_total"); n < c.least || n > c.to {
				t.Errorf("%v records were read back, want %v to %v", n, c.least, c.to)
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
