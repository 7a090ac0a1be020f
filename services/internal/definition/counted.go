package definition

import (
	"fmt"
	"strconv"
	"strings"

	"touchline.dev/services/internal/clickhouse"
)

// grouped gives entrants the group in which they are shown: their own value if it is one
// of the top, by who entered and of equals the smaller text.
func (f Funnel) grouped(entrants string) string {
	return `
SELECT
    project,
    multiIf(special, value, place <= ` + strconv.Itoa(f.Top) + `, value, 'Other') AS value,
    arrayJoin(members) AS member,
    member.1 AS times,
    member.2 AS outcome
FROM
(
    SELECT
        project, value, members, special,
        row_number() OVER (PARTITION BY project, special ORDER BY length(members) DESC, value) AS place
    FROM
    (
        SELECT
            project,
            if(found = '', '(not set)', found) AS value,
            value IN ('(not set)', '(not reached)') AS special,
            groupArray((times, outcome)) AS members
        FROM
        (
            SELECT project, times, outcome, value AS found
            FROM
            (` + indent(entrants, 12) + `
            )
        )
        GROUP BY project, value
    )
)`
}

// counted counts entrants at each step. Without a breakdown every project has a row for
// each step, also one that nobody has entered.
func (f Funnel) counted(entrants string) string {
	n := f.n()
	names := make([]string, n)
	for i, s := range f.Steps {
		names[i] = clickhouse.Literal(s.label())
	}
	nobody := ""
	if len(f.By) == 0 {
		nobody = `
        UNION ALL
        SELECT project, '' AS value, toInt64(1) AS step, 0, 0, 0, 0, CAST([0, 0, 0], 'Array(Float64)'), CAST([0, 0, 0], 'Array(Float64)')
        FROM touchline.asked_projects(project = ` + clickhouse.Literal(f.Project) + `)
        WHERE ` + allowed(f.Project)
	}
	var values strings.Builder
	for i := range f.By {
		values.WriteString("\n    " + f.shown(i) + " AS " + valueColumn(i) + ",")
	}
	additive := ""
	if len(f.By) > 0 {
		additive = ",\n    toBool(" + strconv.FormatBool(f.Attribution != "all") + ") AS additive"
	}
	return strings.TrimPrefix(`
SELECT
    project,`+values.String()+`
    toInt64(row.1) AS step,
    [`+strings.Join(names, ", ")+`][row.1] AS event,
    at_steps[1].2 AS entered,
    row.2.2 AS persons,
    row.2.3 AS converted,
    row.2.4 AS pending,
    row.2.5 AS dropped,
    if(entered = 0, 0, persons / entered) AS conversion_total,
    if(row.3.2 = 0, 0, persons / row.3.2) AS conversion_step,
    row.2.6[1] AS median_seconds,
    row.2.6[2] AS p75_seconds,
    row.2.6[3] AS p90_seconds,
    row.2.7[1] AS median_seconds_from_first,
    row.2.7[2] AS p75_seconds_from_first,
    row.2.7[3] AS p90_seconds_from_first`+additive+`
FROM
(
    SELECT
        project, value AS of_group,
        arraySort(groupArray((step, persons, converted, pending, dropped, from_previous, from_first))) AS found,
        arrayMap(
            k -> if(has(found.1, k), arrayFirst(x -> x.1 = k, found), (toInt64(k), toInt64(0), toInt64(0), toInt64(0), toInt64(0), CAST([0, 0, 0], 'Array(Float64)'), CAST([0, 0, 0], 'Array(Float64)'))),
            `+numbers(1, n)+`) AS at_steps,
        arrayJoin(arrayMap(k -> (k, at_steps[k], at_steps[greatest(k - 1, 1)]), `+numbers(1, n)+`)) AS row
    FROM
    (
        SELECT project, value, step, sum(persons) AS persons, sum(converted) AS converted, sum(pending) AS pending, sum(dropped) AS dropped,
            maxForEach(from_previous) AS from_previous, maxForEach(from_first) AS from_first
        FROM
        (
        SELECT
            project, value, toInt64(k) AS step,
            toInt64(count()) AS persons,
            toInt64(countIf(length(times) > k OR outcome = 'converted')) AS converted,
            toInt64(countIf(length(times) = k AND outcome = 'pending')) AS pending,
            toInt64(countIf(length(times) = k AND outcome = 'dropped')) AS dropped,
            if(k = 1, [0, 0, 0], quantilesExactInclusive(0.5, 0.75, 0.9)((times[k] - arrayLast(t -> t >= 0, arraySlice(times, 1, k - 1))) / 1000.)) AS from_previous,
            if(k = 1, [0, 0, 0], quantilesExactInclusive(0.5, 0.75, 0.9)((times[k] - times[1]) / 1000.)) AS from_first
        FROM
        (`+indent(entrants, 8)+`
        )
        ARRAY JOIN arrayEnumerate(times) AS k
        WHERE times[k] >= 0
        GROUP BY project, value, k`+nobody+`
        )
        GROUP BY project, value, step
    )
    GROUP BY project, value
)
ORDER BY project, `+f.order()+`step`, "\n")
}

// order puts groups with more entrants first.
func (f Funnel) order() string {
	switch len(f.By) {
	case 0:
		return ""
	case 1:
		return "entered DESC, value, "
	default:
		return "entered DESC, value, value_2, "
	}
}

// shown is the i-th value of a group. The names of groups that are no values stand for
// all of them.
func (f Funnel) shown(i int) string {
	if len(f.By) == 1 {
		return "of_group"
	}
	part := fmt.Sprintf("splitByChar(%s, of_group)[%d]", separator, i+1)
	return "multiIf(position(of_group, " + separator + ") = 0, of_group, " + part + " = '', '(not set)', " + part + ")"
}

// allowed is the condition that a named project may be read, which fails otherwise.
func allowed(project string) string {
	if project == "*" {
		return "true"
	}
	return "(SELECT ok FROM touchline.allowed(project = " + clickhouse.Literal(project) + "))"
}
