package analytics

import "fmt"

// FunnelQuery is the parameters of analytics.funnel. Times are milliseconds since
// 1970 UTC.
type FunnelQuery struct {
	// Steps are 1 to 10 different names.
	Steps         []string
	WindowSeconds int64
	// Step 1 counts in [From, To), later steps up to the end of the window of
	// the last possible step 1.
	From, To int64
	AsOf     int64
}

func (q FunnelQuery) window() int64 { return q.WindowSeconds * 1000 }

// paths returns the path of each person who did step 1.
func (q FunnelQuery) paths(s Stream) map[uint64]Path {
	paths := map[uint64]Path{}
	for id, events := range s.Persons() {
		var seen []Event
		for _, e := range events {
			end := q.To
			if e.Name != q.Steps[0] {
				end += q.window()
			}
			if e.Time >= q.From && e.Time < end {
				seen = append(seen, e)
			}
		}
		if p := Ordered(seen, q.Steps, q.window()); p.Level > 0 {
			paths[id] = p
		}
	}
	return paths
}

// open reports whether p is pending: not at the end, and the window of its latest
// attempt has not passed at AsOf.
func (q FunnelQuery) open(p Path) bool {
	return p.Level < len(q.Steps) && p.LastEntry+q.window() >= q.AsOf
}

// FunnelRow is a row of analytics.funnel.
type FunnelRow struct {
	Step            int64
	Event           string
	Persons         int64
	Pending         int64
	Dropped         int64
	ConversionTotal float64
	ConversionStep  float64
	MedianSeconds   float64
	P90Seconds      float64
}

// String returns the columns as text.
func (r FunnelRow) String() string {
	return fmt.Sprintf("%d %s %d %d %d %.9g %.9g %.9g %.9g", r.Step, r.Event, r.Persons, r.Pending, r.Dropped,
		r.ConversionTotal, r.ConversionStep, r.MedianSeconds, r.P90Seconds)
}

// Funnel answers q, one row for each step. Persons reached the step; of them
// Pending and Dropped got no further, the former with their window still open.
// The times are those from the step before, over all who reached the step, and 0
// for step 1 and where nobody came.
func Funnel(s Stream, q FunnelQuery) []FunnelRow {
	rows := make([]FunnelRow, len(q.Steps))
	seconds := make([][]float64, len(q.Steps))
	for i, name := range q.Steps {
		rows[i].Step, rows[i].Event = int64(i+1), name
	}
	for _, p := range q.paths(s) {
		for i := range p.Level {
			rows[i].Persons++
			if i > 0 {
				seconds[i] = append(seconds[i], float64(p.Times[i]-p.Times[i-1])/1000)
			}
		}
		switch last := &rows[p.Level-1]; {
		case q.open(p):
			last.Pending++
		case p.Level < len(q.Steps):
			last.Dropped++
		}
	}
	for i := range rows {
		rows[i].ConversionTotal = ratio(rows[i].Persons, rows[0].Persons)
		rows[i].ConversionStep = ratio(rows[i].Persons, rows[max(i-1, 0)].Persons)
		rows[i].MedianSeconds = quantile(seconds[i], 0.5)
		rows[i].P90Seconds = quantile(seconds[i], 0.9)
	}
	return rows
}
