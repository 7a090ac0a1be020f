package analytics

import (
	"fmt"
	"time"
)

// ActorRow is a row of analytics.funnel_actors: somebody behind the numbers.
type ActorRow struct {
	Person uint64
	Level  int64
	// Event is the last step reached.
	Event   string
	Outcome string
	// EnteredAt and ReachedAt are the times of the path's first and last step.
	EnteredAt, ReachedAt int64
	Seconds              float64
	// Day is the day of EnteredAt in the zone of the project.
	Day int32
}

// String returns the columns as text.
func (r ActorRow) String() string {
	return fmt.Sprintf("%016X %d %s %s %s %s %.9g %s", r.Person, r.Level, r.Event, r.Outcome,
		timeText(r.EnteredAt), timeText(r.ReachedAt), r.Seconds, dayText(r.Day))
}

func timeText(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// FunnelActors returns a row for each entrant.
func FunnelActors(s Stream, d FunnelDefinition) []ActorRow {
	var rows []ActorRow
	for _, e := range d.Entrants(s) {
		rows = append(rows, ActorRow{e.Person, int64(e.Level), d.Steps[e.Level-1].Name, e.Outcome,
			e.Entered(), e.Last(), float64(e.Last()-e.Entered()) / 1000, e.EntryDay})
	}
	return rows
}
