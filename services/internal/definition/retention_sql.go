package definition

import (
	"fmt"
	"strconv"
	"strings"

	"touchline.dev/services/internal/clickhouse"
)

// sql renders the table in five layers, from the inside:
//
//	events     start and return events with what matters about them
//	persons    those of each person, in order, and the first one
//	intervals  how often and with what sum a person started and returned in each interval
//	members    the intervals of each person as two lists
//	cells      persons and sums by cohort and period
func (r Retention) sql() string {
	cells := r.cells()
	if len(r.By) == 0 {
		cells += `
    UNION ALL
    SELECT project, '' AS value, -1 AS cohort, -1 AS period, 0, 0
    FROM touchline.asked_projects(project = ` + clickhouse.Literal(r.Project) + `)
    WHERE ` + allowed(r.Project)
	}
	periods := r.periods()
	var values strings.Builder
	for i := range r.By {
		values.WriteString("\n    " + r.shown(i) + " AS " + valueColumn(i) + ",")
	}
	sums := ""
	if r.Sum.given() {
		sums = ",\n    cell.3 AS value_sum,\n    if(persons = 0, 0, toFloat64(cell.3) / persons) AS value_per_person"
	}
	return strings.TrimPrefix(fmt.Sprintf(`
SELECT
    project,%[1]s
    %[2]s AS cohort_time,
    toDate(cohort_time) AS cohort_date,
    toInt64(cell.4) AS cohort,
    toInt64(cell.5) AS period,
    toInt64(cell.2) AS persons,
    toInt64(cell.6) AS cohort_size,
    toBool(%[3]s) AS complete,
    if(complete AND cohort_size > 0, persons / cohort_size, NULL) AS rate%[4]s
FROM
(
    SELECT
        project, value AS of_group,
        CAST((groupArray(toInt64(cohort) * %[5]d + period), groupArray((toInt64(persons), total))), 'Map(Int64, Tuple(Int64, Decimal(18, 4)))') AS found,
        arrayJoin(arrayMap(
            at -> (
                at,
                found[toInt64(at)].1,
                found[toInt64(at)].2,
                intDiv(at, %[5]d),
                at %% %[5]d,
                found[toInt64(at - at %% %[5]d)].1),
            range(%[6]d))) AS cell
    FROM
    (%[7]s
    )
    GROUP BY project, value
)
ORDER BY project, %[8]scohort, period`,
		values.String(), r.cohortTime(), r.complete(), sums, periods, r.Cohorts*periods, indent(cells, 4), r.order()), "\n")
}

func (r Retention) order() string { return [...]string{"", "value, ", "value, value_2, "}[len(r.By)] }

// shown is the i-th value of a table.
func (r Retention) shown(i int) string {
	value := "of_group"
	if len(r.By) == 2 {
		value = fmt.Sprintf("splitByChar(%s, of_group)[%d]", separator, i+1)
	}
	return "if(" + value + " = '', '(not set)', " + value + ")"
}

// width is the length of a rolling interval, and of an hour, in ms.
func (r Retention) width() int64 {
	const hour = 3_600_000
	return map[string]int64{"hour": hour, "day": 24 * hour, "week": 7 * 24 * hour, "month": 30 * 24 * hour}[r.Granularity]
}

func (r Retention) fromMs() string { return "toUnixTimestamp64Milli(" + instant(r.From) + ")" }

func (r Retention) fromDay() string { return "toDate(" + instant(r.From) + ")" }

// cohortTime is the beginning of cohort cell.4.
func (r Retention) cohortTime() string {
	switch {
	case r.Rolling:
		return fmt.Sprintf("fromUnixTimestamp64Milli(%s + cell.4 * %d, 'UTC')", r.fromMs(), r.width())
	case r.Granularity == "hour":
		return fmt.Sprintf("fromUnixTimestamp64Milli(%s + cell.4 * %d, 'UTC')", r.firstHour("project"), r.width())
	}
	day := map[string]string{
		"day": r.fromDay() + " + cell.4", "week": "toMonday(" + r.fromDay() + ") + 7 * cell.4",
		"month": "addMonths(toStartOfMonth(" + r.fromDay() + "), cell.4)",
	}[r.Granularity]
	return "toDateTime64(" + day + ", 3, 'UTC')"
}

// complete is the condition that cell.5 of cohort cell.4 has ended: by the calendar, in
// the zone of the project; rolling, for who joined the cohort last.
func (r Retention) complete() string {
	if r.Rolling {
		return fmt.Sprintf("%s + (cell.4 + cell.5 + 2) * %d <= toUnixTimestamp64Milli(%s)", r.fromMs(), r.width(), instant(r.AsOf))
	}
	end := "cell.5"
	if len(r.Brackets) > 0 {
		ends, last := []string{"0"}, 0
		for _, width := range r.Brackets {
			last += width
			ends = append(ends, strconv.Itoa(last))
		}
		end = "[" + strings.Join(ends, ", ") + "][cell.5 + 1]"
	}
	if r.Granularity == "hour" {
		return fmt.Sprintf("%s + (cell.4 + %s + 1) * %d <= toUnixTimestamp64Milli(%s)", r.firstHour("project"), end, r.width(), instant(r.AsOf))
	}
	asOf := r.ofProject("as_of_day", "Date32", r.AsOf, "project")
	return fmt.Sprintf("cell.4 + %s < dateDiff('%s', toDate32(%s), %s)", end, r.Granularity, r.fromDay(), asOf)
}

// ofProject looks up what an expression over a row of touchline.asked_days gives for a
// project. The clocks of each project have their own date and minute at a time.
func (r Retention) ofProject(expression, kind, at, project string) string {
	return fmt.Sprintf("(SELECT CAST((groupArray(project), groupArray(%s)), 'Map(String, %s)') FROM touchline.asked_days(project = %s, as_of = %s))[%s]",
		expression, kind, clickhouse.Literal(r.Project), instant(at), project)
}

// firstHour is when the hour on the clocks of a project began that holds From, in ms.
// Zones are whole minutes off UTC.
func (r Retention) firstHour(project string) string {
	past := "toInt64(substring(toString(" + instant(r.From) + ", time_zone), 15, 2)) * 60000"
	return r.ofProject("intDiv("+r.fromMs()+", 60000) * 60000 - "+past, "Int64", r.From, project)
}

// clamped is a sum of amounts as a Decimal(18, 4): what is beyond the bounds of the type
// is the bound, because one hostile amount must not make a table unreadable.
func clamped(sum string) string {
	const most = "99999999999999.9999"
	return "toDecimal64(greatest(least(" + sum + ", toDecimal128('" + most + "', 4)), toDecimal128('-" + most + "', 4)), 4)"
}

// cells counts persons, and adds up, by cohort and period.
func (r Retention) cells() string {
	return fmt.Sprintf(`
    SELECT project, value, cohort, period, count() AS persons, %s AS total
    FROM
    (
        SELECT project, person_id, value, start.1 AS cohort, back.1 AS period, sum(back.2) AS amount
        FROM
        (%s
        )
        ARRAY JOIN arrayFilter(s -> s.1 >= 0 AND s.1 < %d, starts) AS start
        ARRAY JOIN arrayPushFront(%s, (toInt32(0), start.2)) AS back
        GROUP BY project, person_id, value, cohort, period
    )
    GROUP BY project, value, cohort, period`, clamped("sum(amount)"), indent(r.members(), 8), r.Cohorts, r.backs())
}

// backs is the periods after period 0 in which a member of a cohort came back, with sums.
func (r Retention) backs() string {
	periods := r.periods()
	switch {
	case r.Cumulative:
		return fmt.Sprintf("arrayMap(k -> (toInt32(k), toDecimal64(0, 4)), range(1, toUInt32(1 + least(%d, greatest(0, arrayMax(arrayPushFront(arrayMap(b -> b.1 - start.1, returns), 0)))))))", periods-1)
	case len(r.Brackets) > 0:
		ends, last := []string{}, 0
		for _, width := range r.Brackets {
			last += width
			ends = append(ends, strconv.Itoa(last))
		}
		return fmt.Sprintf("arrayFilter(b -> b.1 > 0, arrayMap(b -> (toInt32(if(b.1 <= start.1, 0, arrayFirstIndex(e -> b.1 - start.1 <= e, [%s]))), b.2), returns))", strings.Join(ends, ", "))
	default:
		return fmt.Sprintf("arrayFilter(b -> b.1 > 0 AND b.1 < %d, arrayMap(b -> (toInt32(b.1 - start.1), b.2), returns))", periods)
	}
}

// members is, for each person, the intervals with a start and those with enough returns.
func (r Retention) members() string {
	return fmt.Sprintf(`
SELECT
    project, person_id, value,
    groupArrayIf((number, start_sum), begun > 0) AS starts,
    groupArrayIf((number, return_sum), returned >= %d) AS returns
FROM
(
    SELECT
        project, person_id, value,
        %s AS number,
        countIf(%s) AS begun,
        sumIf(event.5, %s) AS start_sum,
        countIf(event.3) AS returned,
        sumIf(event.5, event.3) AS return_sum
    FROM
    (%s
    )
    ARRAY JOIN events AS event
    GROUP BY project, person_id, value, number
)
GROUP BY project, person_id, value
HAVING notEmpty(starts)`, r.MinOccurrences, r.number("event"), r.begins(), r.begins(), indent(r.persons(), 4))
}

// number is the number of the interval that holds an event.
func (r Retention) number(event string) string {
	if r.Rolling {
		return fmt.Sprintf("toInt32(intDiv(first_ms - %[1]s, %[2]d) + floor((%[3]s.1 - first_ms) / %[2]d))", r.fromMs(), r.width(), event)
	}
	return event + ".4"
}

// begins is the condition that an event puts its person into the cohort of its interval.
func (r Retention) begins() string {
	if r.Mode == "recurring" && !r.Rolling {
		return "event.2"
	}
	return "event.2 AND (event.1, event.6, event.7) >= first_place AND " + r.number("event") + " = " + r.number("first_event")
}

// persons is the events of each person (in a table), as (ms, start, return, number, sum,
// src_partition, src_offset), and the first one that counts.
func (r Retention) persons() string {
	key, value := "", "''"
	switch {
	case len(r.By) == 0:
	case r.PerPerson:
		value = "argMinIf(value_of, (ms, src_partition, src_offset), value_of != '')"
	default:
		key, value = ", value_of", "value_of"
	}
	first, keep := "ms, src_partition, src_offset", "first_ms > 0"
	if r.Mode == "first_ever" {
		keep += " AND first_event.2"
	}
	if r.Rolling {
		keep += " AND first_ms >= " + r.fromMs()
	}
	source := r.events()
	if len(r.By) > 0 && !r.PerPerson && (r.Mode != "recurring" || r.Rolling) {
		// Only the value of the first event of all values puts somebody into a cohort.
		source = `
SELECT *, argMinIf(value_of, (ms, src_partition, src_offset), is_first) OVER (PARTITION BY project, person_id) AS first_value
FROM
(` + indent(source, 4) + `
)`
		keep += " AND value = any_first_value"
	}
	anyFirst := ""
	if strings.Contains(keep, "any_first_value") {
		anyFirst = "\n    any(first_value) AS any_first_value,"
	}
	return `
SELECT
    project, person_id, ` + value + ` AS value,` + anyFirst + `
    argMinIf((ms, is_start, is_return, day_number, amount, src_partition, src_offset), (` + first + `), is_first) AS first_event,
    first_event.1 AS first_ms,
    (first_event.1, first_event.6, first_event.7) AS first_place,
    groupArrayIf((ms, is_start, is_return, day_number, amount, src_partition, src_offset), is_start OR is_return) AS events
FROM
(` + indent(source, 4) + `
)
GROUP BY project, person_id` + key + `
HAVING ` + keep
}

// events is what happened in all history: the first start may lie before the table.
func (r Retention) events() string {
	value, number := "''", "toInt32(0)"
	if len(r.By) > 0 {
		value = joined(r.By, false)
	}
	switch {
	case r.Rolling:
	case r.Granularity == "hour":
		number = fmt.Sprintf("toInt32(floor((e.ms - %s) / %d))", r.firstHour("toString(e.project)"), r.width())
	default:
		number = "toInt32(dateDiff('" + r.Granularity + "', " + r.fromDay() + ", e.day))"
	}
	start, back := r.Start.condition(), r.Return.condition()
	first := start.sql()
	if r.Mode == "first_ever" {
		first = start.base()
	}
	sql := `
SELECT
    toString(e.project) AS project, e.person_id AS person_id, e.ms AS ms, e.src_partition AS src_partition, e.src_offset AS src_offset,
    ` + number + ` AS day_number, ` + r.Sum.sql() + ` AS amount, ` + value + ` AS value_of,
    toBool(` + start.sql() + `) AS is_start, toBool(` + back.sql() + `) AS is_return, toBool(` + first + `) AS is_first
FROM touchline.events AS e
WHERE ` + projectIs(r.Project)
	if names := among(start, back); names != "" && !r.PerPerson {
		sql += "\n      AND " + names
	}
	return sql
}
