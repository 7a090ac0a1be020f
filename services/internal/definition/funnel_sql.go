package definition

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"touchline.dev/services/internal/clickhouse"
)

// separator stands between the values of a breakdown by two, or of several values held
// constant, inside the statement.
const separator = `char(31)`

// joined is the SQL of several values as one text: ” when none of them, or with all set,
// when not every one, is set.
func joined(values []Value, every bool) string {
	if len(values) == 1 {
		return values[0].text()
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.text()
	}
	list := "[" + strings.Join(texts, ", ") + "]"
	empty := "arrayAll(v -> v = '', " + list + ")"
	if every {
		// Not has(list, ''), which does not find '' among values of LowCardinality.
		empty = "arrayExists(v -> v = '', " + list + ")"
	}
	return "if(" + empty + ", '', arrayStringConcat(" + list + ", " + separator + "))"
}

// sql renders the funnel in five layers, from the inside:
//
//	matched   each event with the steps that it matches and forbids
//	instants  what happens at one instant to a person (a session, a value of one)
//	units     all instants of such a unit, in order
//	entrants  the path of each unit, by folding a state machine over its events
//	counted   entrants at each step
func (f Funnel) sql() string {
	sql := f.entrants()
	if len(f.By) > 0 {
		sql = f.grouped(sql)
	}
	return f.counted(sql)
}

func (f Funnel) n() int { return len(f.Steps) }

func (f Funnel) windowMs() int64 { return int64(f.Window / time.Millisecond) }

// projectIs is the condition on the project of events.
func projectIs(project string) string {
	if project == "*" {
		return "true"
	}
	return "e.project = " + clickhouse.Literal(project) + "\n      AND " + allowed(project)
}

// matched is the events with a column m1, m2, ... for each step and x1, x2, ... for each
// exclusion.
func (f Funnel) matched() string {
	var columns, anyOf []string
	conditions := []Condition{}
	for i, s := range f.Steps {
		match := s.condition().sql()
		if s.First != "" {
			match = fmt.Sprintf("(%s AND firsts.first%d = (e.ms, e.src_partition, e.src_offset))", match, i+1)
		}
		columns = append(columns, fmt.Sprintf("%s AS m%d", match, i+1))
		anyOf = append(anyOf, s.condition().sql())
		conditions = append(conditions, s.condition())
	}
	for i, x := range f.Exclude {
		columns = append(columns, fmt.Sprintf("%s AS x%d", x.condition().sql(), i+1))
		anyOf = append(anyOf, x.condition().sql())
		conditions = append(conditions, x.condition())
	}
	value, held, session := "''", "''", "toUInt64(0)"
	if len(f.By) > 0 {
		value = joined(f.By, false)
	}
	if len(f.Hold) > 0 {
		held = joined(f.Hold, true)
	}
	if f.Count == "sessions" {
		session = "e.session_id"
	}
	sql := `
SELECT
    toString(e.project) AS project, e.person_id AS person_id, ` + session + ` AS session, ` + value + ` AS value, ` + held + ` AS held,
    e.ms AS ms, e.src_partition AS src_partition, e.src_offset AS src_offset,
    ` + strings.Join(columns, ",\n    ") + `
FROM touchline.events AS e` + f.firsts() + `
WHERE ` + projectIs(f.Project) + `
      AND e.event_time >= ` + instant(f.From) + `
      AND e.event_time < ` + instant(f.To) + " + INTERVAL " + strconv.FormatInt(int64(f.Window/time.Second), 10) + ` SECOND
      AND (SELECT throwIf(` + instant(f.From) + " >= " + instant(f.To) + ", 'from: want a time before to') = 0)"
	if f.Count == "sessions" {
		sql += "\n      AND e.session_id != 0"
	}
	if f.Mode == "strict" {
		return sql
	}
	if names := among(conditions...); names != "" {
		return sql + "\n      AND " + names
	}
	return sql + "\n      AND (" + strings.Join(anyOf, " OR ") + ")"
}

// firsts joins, for steps that happen once in a life, which event that is: of all
// history, as the first may lie before the range.
func (f Funnel) firsts() string {
	var columns []string
	for i, s := range f.Steps {
		match := s.condition().sql()
		switch s.First {
		case "":
			continue
		case "ever":
			match = s.condition().base()
		}
		columns = append(columns, fmt.Sprintf("minIf((e.ms, e.src_partition, e.src_offset), %s) AS first%d", match, i+1))
	}
	if len(columns) == 0 {
		return ""
	}
	return `
INNER JOIN
(
    SELECT e.person_id AS person_id, ` + strings.Join(columns, ", ") + `
    FROM touchline.events AS e
    WHERE ` + projectIs(f.Project) + `
    GROUP BY person_id
) AS firsts ON firsts.person_id = e.person_id`
}

// units is the hits of each unit, in order: by instant, as (ms, hits), a hit being
// (src_partition, src_offset, steps, forbids, value) with the steps as bits.
func (f Funnel) units() string {
	steps, forbids := make([]string, f.n()), []string{}
	matches := make([]string, f.n())
	for i := range f.Steps {
		matches[i] = fmt.Sprintf("m%d", i+1)
		steps[i] = fmt.Sprintf("if(m%d, %d, 0)", i+1, 1<<i)
	}
	var bits string
	if f.Mode == "unordered" {
		// An event counts for the first step that it matches.
		var cases strings.Builder
		for i := range f.Steps {
			fmt.Fprintf(&cases, "m%d, %d, ", i+1, 1<<i)
		}
		bits = "multiIf(" + cases.String() + "0)"
	} else {
		// No attempt begins after the range.
		steps[0] = "if(m1 AND ms < toUnixTimestamp64Milli(" + instant(f.To) + "), 1, 0)"
		bits = strings.Join(steps, " + ")
	}
	for i, x := range f.Exclude {
		after, before := x.bounds(f.n())
		mask := 0
		for k := after + 1; k <= before; k++ {
			mask |= 1 << (k - 1)
		}
		forbids = append(forbids, fmt.Sprintf("if(x%d, %d, 0)", i+1, mask))
	}
	forbidden := "0"
	if len(forbids) > 0 {
		forbidden = forbids[0]
		for _, next := range forbids[1:] {
			forbidden = "bitOr(" + forbidden + ", " + next + ")"
		}
		forbidden = "if(" + strings.Join(matches, " OR ") + ", 0, " + forbidden + ")"
	}
	where := "\nWHERE steps != 0 OR forbids != 0"
	if f.Mode == "strict" {
		where = ""
	}
	each := "''"
	if f.Attribution == "all" && len(f.By) > 0 {
		each = "value"
	}
	return `
SELECT project, person_id, session, each, held, arraySort(i -> i.1, groupArray((ms, hits))) AS instants
FROM
(
    SELECT project, person_id, session, each, held, ms, arraySort(groupArray((src_partition, src_offset, steps, forbids, value))) AS hits
    FROM
    (
        SELECT *, ` + each + ` AS each, toUInt32(` + bits + `) AS steps, toUInt32(` + forbidden + `) AS forbids
        FROM
        (` + indent(f.matched(), 12) + `
        )` + indent(where, 8) + `
    )
    GROUP BY project, person_id, session, each, held, ms
)
GROUP BY project, person_id, session, each, held`
}

func indent(sql string, by int) string {
	return strings.ReplaceAll(sql, "\n", "\n"+strings.Repeat(" ", by))
}
