package laws

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/analytics/oracle"
	"touchline.dev/services/internal/clickhouse"
)

// streams are random streams of the last weeks, so that plain views have rows of them.
type streams struct {
	r        *rand.Rand
	projects []oracle.Project
	// begin is where most streams begin.
	begin time.Time
	// persons are ids that were merged into another, and ids that others were merged
	// into, as SQL.
	persons []string
}

// newStreams moves random streams to the last weeks, each a little further back than
// the one before, and some to yesterday. The plain views cut time at spans of whole hours before now. Events
// lie minutes off hours after begin, and begin three quarters of an hour off now, so
// that none crosses such a border in the minutes that a test takes.
func newStreams(t *testing.T) streams {
	t.Helper()
	s := streams{r: oracle.Seed(t), begin: time.Now().UTC().Add(-45*time.Minute).AddDate(0, 0, -27)}
	s.projects = oracle.Random(t, s.r)
	for i, p := range s.projects {
		moved := s.begin.AddDate(0, 0, [...]int{0, -1, -2, -3, -4, 26}[i%6]).Sub(oracle.Start).Milliseconds()
		for i := range p.Events {
			e := &p.Events[i]
			e.Time += moved
			e.Day = oracle.DayOf(time.UnixMilli(e.Time), p.Zone)
		}
		for _, from := range slices.Sorted(maps.Keys(p.Overrides)) {
			if len(s.persons) < 3 {
				s.persons = append(s.persons, fmt.Sprintf("'%016X'", p.Overrides[from]))
			}
		}
	}
	return s
}

// apart returns the projects with nobody merged.
func (s streams) apart() []oracle.Project {
	list := slices.Clone(s.projects)
	for i := range list {
		list[i].Overrides, list[i].Superseded = map[uint64]uint64{}, nil
	}
	return list
}

// storeOthers fills the tables that hold no events with rows in three versions, in
// rising order, or in falling order and then one of them twice.
func (s streams) storeOthers(t *testing.T, w *oracle.World, falling bool) {
	t.Helper()
	versions := []int{1, 2, 3}
	if falling {
		versions = []int{3, 2, 1, 2}
	}
	project := clickhouse.Literal(s.projects[0].Name)
	at := "toDateTime64('" + s.begin.Format(time.DateTime) + "', 3, 'UTC') + number"
	for _, version := range versions {
		for _, insert := range []string{
			"profiles (project, person_id, email, orders, as_of, version) SELECT %[1]s, number, concat('email ', '%[2]d'), %[2]d, %[3]s, %[2]d",
			"scores (project, model, person_id, score, as_of, version) SELECT %[1]s, 'lead', number, %[2]d / 8, %[3]s, %[2]d",
			"rejected (project, received_at, reason, payload) SELECT %[1]s, %[3]s, 'malformed_json', '%[2]d'",
			"outcomes (project, minute, outcome, events, src_topic, src_partition, cut) SELECT %[1]s, %[3]s, 'duplicate', %[2]d, '%[4]s', 0, number",
			"ledger_accepted (project, minute, src_topic, src_partition, cell, events, mark) SELECT %[1]s, %[3]s, '%[4]s', 0, number, number + 1, 1000000",
		} {
			sql := fmt.Sprintf("INSERT INTO touchline."+insert+" FROM numbers(9) SETTINGS insert_deduplication_token = 'version %[2]d'", project, version, at, oracle.Topic)
			if err := w.Writer.Exec(t.Context(), sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
	}
}

// answer is how many rows a project has, and a sum over their values.
type answer struct {
	rows uint64
	sum  uint64
}

// ask puts questions as the user of BI tools. Answers are by statement and project.
func ask(t *testing.T, conn driver.Conn, list []question) map[string]map[string]answer {
	t.Helper()
	all := map[string]map[string]answer{}
	for _, q := range list {
		rows, err := conn.Query(t.Context(), q.sql)
		if err != nil {
			t.Errorf("%s: %v", q.sql, err)
			continue
		}
		answers := map[string]answer{}
		for rows.Next() {
			var project string
			var a answer
			if err := rows.Scan(&project, &a.rows, &a.sum); err != nil {
				t.Fatalf("%s: %v", q.sql, err)
			}
			answers[project] = a
		}
		if err := rows.Err(); err != nil {
			t.Fatalf("%s: %v", q.sql, err)
		}
		if err := rows.Close(); err != nil {
			t.Fatalf("%s: %v", q.sql, err)
		}
		all[q.sql] = answers
	}
	return all
}

// differences names each question of which an answer differs, with its first project.
func differences(list []question, have, want map[string]map[string]answer) (found []string) {
	for _, q := range list {
		h, w := have[q.sql], want[q.sql]
		projects := maps.Clone(w)
		maps.Copy(projects, h)
		for _, project := range slices.Sorted(maps.Keys(projects)) {
			if h[project] != w[project] {
				found = append(found, fmt.Sprintf("%s: %s: have %d rows (sum %x), want %d (%x)\n%s",
					q.object, project, h[project].rows, h[project].sum, w[project].rows, w[project].sum, q.sql))
				break
			}
		}
	}
	return found
}

// onOneDay does what compares answers, and again if midnight has come in between:
// the plain views look at other days then. It reports what was found.
func onOneDay(t *testing.T, do func() []string) {
	t.Helper()
	for {
		day := oracle.DayOf(time.Now(), time.UTC)
		found := do()
		if oracle.DayOf(time.Now(), time.UTC) == day {
			for _, text := range found {
				t.Error(text)
			}
			return
		}
	}
}
