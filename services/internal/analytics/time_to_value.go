package analytics

import "fmt"

// TimeToValueQuery is the parameters of analytics.time_to_value.
type TimeToValueQuery struct {
	// SignUp, Activation and FirstUse are different events, or kinds.
	SignUp, Activation, FirstUse string
	// ByKind takes them for kinds.
	ByKind        bool
	WindowSeconds int64
	// Sign-ups count in [From, To), in ms.
	From, To int64
	// AsOf is the time in ms at which whoever has time left is pending.
	AsOf int64
}

// TimeToValueRow is a row of analytics.time_to_value.
type TimeToValueRow struct {
	Leg                int64
	FromEvent, ToEvent string
	Bucket             int64
	// FromSeconds and ToSeconds border the bucket; the last has no end, 0.
	FromSeconds, ToSeconds int64
	// Persons took so long; the rest is of the whole leg.
	Persons, Entered, Reached, Pending, Dropped int64
	Median                                      float64
}

// String returns the columns as text.
func (r TimeToValueRow) String() string {
	to, median := null, null
	if r.ToSeconds > 0 {
		to = fmt.Sprint(r.ToSeconds)
	}
	if r.Reached > 0 {
		median = number(r.Median)
	}
	return fmt.Sprintf("%d %s %s %d %d %s %d %d %d %d %d %s", r.Leg, r.FromEvent, r.ToEvent, r.Bucket, r.FromSeconds, to,
		r.Persons, r.Entered, r.Reached, r.Pending, r.Dropped, median)
}

// valueBounds are where buckets begin, in seconds.
var valueBounds = []int64{0, 60, 300, 900, 3600, 21600, 86400, 259200, 604800, 1209600, 2592000}

// TimeToValue answers q: for each of the legs sign-up to activation, activation to
// first use and sign-up to first use, a row for each bucket of time.
//
// It looks at each person whose first sign-up of all history lies in the range:
// activation is the first one not before it, first use the first one not before
// activation, both within the window, inclusive, from sign-up. Who began a leg and
// has not ended it is pending while the window is open at AsOf, also at its very
// last instant.
func TimeToValue(s Stream, q TimeToValueQuery) []TimeToValueRow {
	events := []string{q.SignUp, q.Activation, q.FirstUse}
	var rows []TimeToValueRow
	for leg, ends := range [][2]int{{0, 1}, {1, 2}, {0, 2}} {
		total := TimeToValueRow{Leg: int64(leg + 1), FromEvent: events[ends[0]], ToEvent: events[ends[1]]}
		var seconds []float64
		buckets := make([]int64, len(valueBounds))
		for _, happened := range s.Persons() {
			times := q.times(happened)
			if len(times) <= ends[0] {
				continue
			}
			total.Entered++
			switch {
			case len(times) > ends[1]:
				total.Reached++
				ms := times[ends[1]] - times[ends[0]]
				seconds = append(seconds, float64(ms)/1000)
				bucket := 0
				for bucket+1 < len(valueBounds) && ms >= valueBounds[bucket+1]*1000 {
					bucket++
				}
				buckets[bucket]++
			case times[0]+q.WindowSeconds*1000 >= q.AsOf:
				total.Pending++
			default:
				total.Dropped++
			}
		}
		total.Median = quantile(seconds, 0.5)
		for i, persons := range buckets {
			row := total
			row.Bucket, row.FromSeconds, row.Persons = int64(i+1), valueBounds[i], persons
			if i+1 < len(valueBounds) {
				row.ToSeconds = valueBounds[i+1]
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// times returns when a person did sign-up, activation and first use, as far as they
// came; nothing if they did not sign up in the range.
func (q TimeToValueQuery) times(events []Event) []int64 {
	var times []int64
	for _, wanted := range []string{q.SignUp, q.Activation, q.FirstUse} {
		found := false
		for _, e := range events {
			name := e.Name
			if q.ByKind {
				name = e.Kind
			}
			if name == wanted && (len(times) == 0 || e.Time >= times[len(times)-1] && e.Time <= times[0]+q.WindowSeconds*1000) {
				times, found = append(times, e.Time), true
				break
			}
		}
		if !found || times[0] < q.From || times[0] >= q.To {
			break
		}
	}
	if len(times) > 0 && (times[0] < q.From || times[0] >= q.To) {
		return nil
	}
	return times
}
