package definition

import (
	"fmt"
	"strconv"
	"strings"
)

// Types of the state machines: a hit is (ms, src_partition, src_offset, value), and one
// with ms = -1 stands for an optional step that was left out.
const (
	hitType = "Tuple(Int64, UInt16, UInt64, String)"
	noHit   = "(-1, 0, 0, '')"
)

// entrants is a row for each path: of a person, a session, or an attempt.
//
//	times     of the steps, in ms; -1 = left out
//	reached   the last step
//	outcome   converted, pending or dropped
//	value     of the breakdown; '' = not set
func (f Funnel) entrants() string {
	var paths string
	switch {
	case f.Mode == "unordered":
		paths = f.anyOrder()
	case f.Count == "totals":
		paths = f.attempts()
	default:
		paths = f.ordered()
	}
	if len(f.Hold) > 0 && f.Count != "totals" {
		paths = `
SELECT
    project, person_id, session, each,
    -- what came furthest, of equals the earlier; events without the value take no part
    argMinIf(path, (-counted, entered, held), held != '') AS path,
    maxIf(counted, held != '') = 0 AS excluded,
    maxIf(last_entry, held != '') AS last_entry,
    arraySort(arrayFlatten(groupArray(touched))) AS touched
FROM
(
    SELECT *, if(excluded, 0, toInt64(length(path))) AS counted, if(counted = 0, 0, path[1].1) AS entered
    FROM
    (` + indent(paths, 8) + `
    )
)
GROUP BY project, person_id, session, each`
	}
	takesPart := ""
	if len(f.Hold) > 0 && f.Count == "totals" {
		takesPart = " AND held != ''"
	}
	return `
SELECT
    project,
    path.1 AS times,
    ` + f.valueOf() + ` AS value,
    multiIf(
        length(path) >= ` + strconv.Itoa(f.lastRequired()) + `, 'converted',
        last_entry + ` + strconv.FormatInt(f.windowMs(), 10) + ` >= toUnixTimestamp64Milli(` + instant(f.AsOf) + `), 'pending',
        'dropped') AS outcome
FROM
(` + indent(paths, 4) + `
)
WHERE notEmpty(path) AND NOT excluded` + takesPart
}

// lastRequired is the last step that is not optional.
func (f Funnel) lastRequired() int {
	n := f.n()
	for n > 1 && f.Steps[n-1].Optional {
		n--
	}
	return n
}

// valueOf is the value of the breakdown that counts for a path.
func (f Funnel) valueOf() string {
	// Hits that took a step, or matched one, and have a value.
	of := "path"
	if f.Count != "totals" {
		of = "touched"
	}
	switch {
	case len(f.By) == 0:
		return "''"
	case f.Attribution == "all":
		return "each"
	case f.Attribution == "step":
		s := strconv.Itoa(f.AttributionStep)
		return "if(length(path) < " + s + " OR path[" + s + "].1 = -1, '(not reached)', path[" + s + "].4)"
	case f.Attribution == "last":
		return "arrayLast(h -> h.4 != '', " + of + ").4"
	default:
		return "arrayFirst(h -> h.4 != '', " + of + ").4"
	}
}

// candidates are, for each step, the steps from which an attempt can come to it: the one
// before, and further back while those in between are optional.
func (f Funnel) candidates() string {
	all := make([]string, f.n())
	for i := range f.Steps {
		var from []string
		for j := i; j >= 1; j-- {
			from = append(from, strconv.Itoa(j))
			if !f.Steps[j-1].Optional {
				break
			}
		}
		all[i] = "[" + strings.Join(from, ", ") + "]"
	}
	return "CAST([" + strings.Join(all, ", ") + "], 'Array(Array(UInt8))')"
}

// reach is, for each step, the furthest that the next hit may take an attempt to: the next
// step, and further while those in between are optional.
func (f Funnel) reach() string {
	all := make([]string, f.n())
	for i := range f.Steps {
		next := i + 1
		for next < f.n()-1 && f.Steps[next].Optional {
			next++
		}
		all[i] = strconv.Itoa(next + 1)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// numbers is an array of the numbers from first to last, up or down.
func numbers(first, last int) string {
	var all []string
	step := 1
	if first > last {
		step = -1
	}
	for k := first; k != last+step; k += step {
		all = append(all, strconv.Itoa(k))
	}
	return "CAST([" + strings.Join(all, ", ") + "], 'Array(UInt8)')"
}

// touched is the hits of a unit that match a step, in order.
const touched = "arrayFlatten(arrayMap((t, hits) -> arrayMap(h -> (t, h.1, h.2, h.5), arrayFilter(h -> h.3 != 0, hits)), instants.1, instants.2))"

// lastEntry is the latest step 1 of a unit.
const lastEntry = "arrayMax(arrayPushFront(arrayMap((t, hits) -> if(arrayExists(h -> bitTest(h.3, 0), hits), t, toInt64(0)), instants.1, instants.2), toInt64(0)))"

// ordered follows each unit through the steps in order, or strictly. The events of a unit
// become operations on a state; an operation is (kind, step, hit, steps):
//
//	1  the hit takes an attempt to the step
//	2  the same, unless the attempt holds the hit already
//	3  the hit is forbidden before the step
//	4  the hit takes every attempt away from other steps than these
//
// A hit takes the highest of its steps first, so that no attempt goes two steps on. Hits
// of one instant that do not all match the same count in the order of the steps, each
// once in an attempt; they forbid nothing and take nothing away.
//
// The state is (entry, excluded, path) of the latest attempt at each step, with entry -1
// where there is none, and (length, path, excluded, entry) of the best one.
func (f Funnel) ordered() string {
	n := f.n()
	w := strconv.FormatInt(f.windowMs(), 10)
	alike := []string{"arrayMap(k -> (1, k, (t, h.1, h.2, h.5), h.3), arrayFilter(k -> bitTest(h.3, k - 1), " + numbers(n, 1) + "))"}
	if len(f.Exclude) > 0 {
		alike = append(alike, "arrayMap(k -> (3, k, (t, h.1, h.2, h.5), h.3), arrayFilter(k -> bitTest(h.4, k - 1), "+numbers(2, max(n, 2))+"))")
	}
	if f.Mode == "strict" {
		alike = append(alike, "[(4, 1, (t, h.1, h.2, h.5), h.3)]")
	}
	each := alike[0]
	if len(alike) > 1 {
		each = "arrayConcat(" + strings.Join(alike, ", ") + ")"
	}
	operation := "Array(Tuple(UInt8, UInt8, " + hitType + ", UInt32))"
	operations := `arrayFlatten(arrayMap(
        (t, hits) -> if(
            length(hits) > 1 AND length(arrayDistinct(arrayMap(h -> (h.3, h.4), hits))) > 1,
            arrayFlatten(arrayMap(
                k -> CAST(arrayMap(h -> (2, k, (t, h.1, h.2, h.5), h.3), arrayFilter(h -> bitTest(h.3, k - 1), hits)), '` + operation + `'),
                ` + numbers(1, n) + `)),
            arrayFlatten(arrayMap(h -> CAST(` + each + `, '` + operation + `'), hits))),
        instants.1, instants.2))`
	nobody := make([]string, n)
	free := make([]string, n)
	paths := make([]string, n)
	for i := range nobody {
		nobody[i], free[i], paths[i] = "-1", "0", "[]"
	}
	state := fmt.Sprintf("Tuple(Array(Int64), Array(UInt8), Array(Array(%[1]s)), UInt8, Array(%[1]s), UInt8, Int64)", hitType)
	begin := fmt.Sprintf("CAST(([%s], [%s], [%s], 0, [], 0, -1), '%s')", strings.Join(nobody, ", "), strings.Join(free, ", "), strings.Join(paths, ", "), state)
	return `
SELECT
    project, person_id, session, each, held,
    best.5 AS path, best.6 AS excluded, last_entry, touched
FROM
(
    SELECT
        project, person_id, session, each, held,
        ` + lastEntry + ` AS last_entry,
        ` + touched + ` AS touched,
        arrayFold(
            (s, op) -> arrayMap(o -> arrayMap(
                -- the step from which an attempt comes, whether the hit takes it on, and whether it is forbidden
                (origin, matched, forbidden) -> arrayMap(
                    (entry, tainted, put, better, further) -> CAST((
                        -- entry, excluded and path at each step
                        if(o.1 = 4,
                            arrayMap((e, k) -> if(bitTest(o.4, k - 1), e, -1), s.1, ` + numbers(1, n) + `),
                            arrayMap((e, k) -> if(k = put, entry, e), s.1, ` + numbers(1, n) + `)),
                        arrayMap((x, k) -> multiIf(k = put, 0, forbidden AND k = o.2 - 1, 1, x), s.2, ` + numbers(1, n) + `),
                        arrayMap((p, k) -> if(k = put, further, p), s.3, ` + numbers(1, n) + `),
                        -- the best attempt
                        if(better, o.2, s.4),
                        if(better, further, s.5),
                        multiIf(better, tainted, forbidden AND s.4 = o.2 - 1 AND o.3.1 - s.7 <= ` + w + `, 1, s.6),
                        if(better, entry, s.7)
                    ), '` + state + `'),
                    [if(o.2 = 1, o.3.1, s.1[origin])],
                    [s.2[origin]],
                    [if(matched AND NOT s.2[origin], o.2, 0)],
                    [matched AND (o.2 > s.4 OR o.2 = s.4 AND s.6)],
                    [arrayPushBack(arrayResize(s.3[origin], o.2 - 1, CAST(` + noHit + `, '` + hitType + `')), o.3)])[1],
                [o.5],
                [o.1 <= 2 AND (o.2 = 1 OR o.5 > 0) AND s.1[o.2] != if(o.2 = 1, o.3.1, s.1[o.5]) AND NOT (o.1 = 2 AND has(s.3[o.5], o.3))],
                [o.1 = 3 AND s.1[o.2 - 1] >= 0 AND o.3.1 - s.1[o.2 - 1] <= ` + w + ` AND s.1[o.2] != s.1[o.2 - 1]])[1],
                [(op.1, op.2, op.3, op.4, arrayFirst(k -> s.1[k] >= 0 AND op.3.1 - s.1[k] <= ` + w + `, ` + f.candidates() + `[op.2]))])[1],
            ` + indent(operations, 4) + `,
            ` + begin + `
        ) AS best
    FROM
    (` + indent(f.units(), 8) + `
    )
)`
}

// attempts divides the hits of each unit into attempts. The hits of one instant come in
// the order of their lowest step; an operation is (hit, steps, forbids, together). The
// state is the path under way, and the paths that have ended as (path, excluded).
func (f Funnel) attempts() string {
	n := f.n()
	w := strconv.FormatInt(f.windowMs(), 10)
	lowest := fmt.Sprintf("arrayFirstOrNull(k -> bitTest(h.3, k - 1), %s)", numbers(1, n))
	operation := "Array(Tuple(" + hitType + ", UInt32, UInt32, UInt8))"
	operations := `arrayFlatten(arrayMap(
            (t, hits) -> CAST(arrayMap(
                h -> ((t, h.1, h.2, h.5), h.3, h.4, length(hits) > 1 AND length(arrayDistinct(arrayMap(x -> (x.3, x.4), hits))) > 1),
                arraySort(h -> (ifNull(` + lowest + `, ` + strconv.Itoa(n+1) + `), h.1, h.2), hits)), '` + operation + `'),
            instants.1, instants.2))`
	broken := "false"
	if f.Mode == "strict" {
		broken = "true"
	}
	path := "Array(" + hitType + ")"
	state := "Tuple(" + path + ", Array(Tuple(" + path + ", UInt8)))"
	return `
SELECT
    project, person_id, session, each, held,
    ended.1 AS path, ended.2 AS excluded, ended.1[1].1 AS last_entry, path AS touched
FROM
(
    SELECT
        project, person_id, session, each, held,
        arrayFold(
            (s, o) -> arrayMap(
                -- what is under way when the hit comes
                open -> arrayMap(
                    -- the step that the hit takes it to; 0 = none
                    step -> arrayMap(
                        (further, forbidden, over) -> arrayMap(
                            -- a first step begins another attempt
                            begins -> CAST((
                                multiIf(begins AND ` + strconv.Itoa(n) + ` > 1, [o.1], over OR begins, [], further),
                                arrayConcat(
                                    s.2,
                                    if(length(open) < length(s.1), [(s.1, 0)], []),
                                    if(over, [(further, toUInt8(forbidden))], []),
                                    if(begins AND ` + strconv.Itoa(n) + ` = 1, [([o.1], 0)], []))
                            ), '` + state + `'),
                            [step = 0 AND (over OR empty(open)) AND bitTest(o.2, 0)])[1],
                        [if(step > 0, arrayPushBack(arrayResize(open, step - 1, CAST(` + noHit + `, '` + hitType + `')), o.1), open)],
                        [notEmpty(open) AND step = 0 AND NOT o.4 AND bitTest(o.3, length(open))],
                        [step = ` + strconv.Itoa(n) + ` OR notEmpty(open) AND step = 0 AND NOT o.4 AND (` + broken + ` OR bitTest(o.3, length(open)))])[1],
                    [if(empty(open), 0, arrayFirst(k -> k > length(open) AND k <= ` + f.reach() + `[length(open)] AND bitTest(o.2, k - 1), ` + numbers(1, n) + `))])[1],
                [if(notEmpty(s.1) AND o.1.1 - s.1[1].1 > ` + w + `, CAST([], '` + path + `'), s.1)])[1],
            ` + operations + `,
            CAST(([], []), '` + state + `')
        ) AS done,
        arrayJoin(arrayConcat(done.2, if(empty(done.1), [], [(done.1, toUInt8(0))]))) AS ended
    FROM
    (` + indent(f.units(), 8) + `
    )
)`
}

// anyOrder counts the different steps that a unit did within the window. The hits of one
// instant come in the order of the log, what is forbidden first; an operation is (hit,
// steps). The state is the hits from which an attempt could have begun, the path of the
// best attempt, and the last hit before the end of the range.
func (f Funnel) anyOrder() string {
	n := strconv.Itoa(f.n())
	w := strconv.FormatInt(f.windowMs(), 10)
	operation := "Array(Tuple(" + hitType + ", UInt32))"
	path := "Array(" + hitType + ")"
	state := "Tuple(" + operation + ", " + path + ", " + path + ")"
	return `
SELECT
    project, person_id, session, each, held,
    if(empty(done.2), done.3, done.2) AS path, 0 AS excluded, done.3[1].1 AS last_entry, touched
FROM
(
    SELECT
        project, person_id, session, each, held,
        ` + touched + ` AS touched,
        arrayFold(
            (s, o) -> (
                (arrayPushBack(arrayFilter(x -> o.1.1 - x.1.1 <= ` + w + `, s.1), o) AS recent),
                (arrayMap(x -> x.1, arrayFilter((x, nth) -> nth = 1, recent, arrayEnumerateUniq(arrayMap(x -> x.2, recent)))) AS different),
                CAST((
                    if(o.2 = 0, [], recent),
                    multiIf(
                        length(s.2) = ` + n + `, s.2,
                        o.2 = 0, [],
                        recent[1].1.1 < toUnixTimestamp64Milli(` + instant(f.To) + `) AND length(different) > length(s.2), different,
                        s.2),
                    if(o.2 != 0 AND o.1.1 < toUnixTimestamp64Milli(` + instant(f.To) + `), [o.1], s.3)
                ), '` + state + `')
            ).3,
            arrayFlatten(arrayMap(
                (t, hits) -> CAST(arrayMap(h -> ((t, h.1, h.2, h.5), h.3), arraySort(h -> (h.3 != 0, h.1, h.2), hits)), '` + operation + `'),
                instants.1, instants.2)),
            CAST(([], [], []), '` + state + `')
        ) AS done
    FROM
    (` + indent(f.units(), 8) + `
    )
)`
}
