package access

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

// The reader may read the project ours, and nothing of theirs.
const ours, theirs = "ours", "theirs"

// world is a migrated ClickHouse. The writer reads every project.
type world struct {
	server         *clickhousetest.Server
	writer, reader driver.Conn
	objects        []schema.Object
	began          time.Time
	// persons are one of ours and one of theirs, as the views show them.
	persons []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server := clickhousetest.Start(t)
	if server.BI.User == "" {
		t.Fatalf("this server's read-only user is not known: set %s", clickhousetest.BIEnv)
	}
	w := &world{server: server, writer: server.Open(t, server.Writer), reader: server.Open(t, server.BI), began: time.Now().UTC()}
	for _, database := range []string{"analytics", "touchline"} {
		w.exec(t, "DROP DATABASE IF EXISTS "+database+" SYNC")
	}
	account := clickhouse.Account{User: server.Writer.User, Password: server.Writer.Password}
	if _, err := clickhouse.Migrate(t.Context(), w.writer, account); err != nil {
		t.Fatal(err)
	}
	w.exec(t, "DELETE FROM touchline.bi_access WHERE user = '"+server.BI.User+"'")
	w.exec(t, "INSERT INTO touchline.bi_access VALUES ('"+server.BI.User+"', '"+ours+"')")
	objects, err := schema.Objects()
	if err != nil {
		t.Fatal(err)
	}
	w.objects = objects
	for _, project := range []string{ours, theirs} {
		w.persons = append(w.persons, w.names(t, "SELECT leftPad(hex(sipHash64("+clickhouse.Literal(project)+", toUInt64(2))), 16, '0')")...)
	}
	return w
}

func (w *world) exec(t *testing.T, sql string) {
	t.Helper()
	if err := w.writer.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// names returns the only column of a result of the writer.
func (w *world) names(t *testing.T, sql string) []string {
	t.Helper()
	list, err := ask(t, w.writer, sql)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// ask returns the only column of a result, of texts.
func ask(t *testing.T, conn driver.Conn, sql string) ([]string, error) {
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sql, err)
	}
	var list []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", sql, err), rows.Close())
		}
		list = append(list, text)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", sql, err)
	}
	return list, nil
}

// drain reads a result to its end.
func drain(t *testing.T, conn driver.Conn, sql string) error {
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}

// call returns the FROM clause's text for an object, with some parameters replaced;
// those that it does not take do nothing.
func call(o schema.Object, replace map[string]string) string {
	o.Params = slices.Clone(o.Params)
	for i, p := range o.Params {
		if value, ok := replace[p.Name]; ok {
			o.Params[i].Example = value
		}
	}
	return o.Call()
}

// about returns the FROM clause's text for an object about a project, over a time
// that is the same for a whole test. What takes a person, or the id of a user, is asked
// for one of each project.
func (w *world) about(o schema.Object, project string) string {
	given := map[string]string{"project": clickhouse.Literal(project), "from": w.day(-30), "to": w.day(1), "as_of": w.day(0)}
	if !takes(o, "person_id") && !takes(o, "id") {
		return call(o, given)
	}
	calls := make([]string, len(w.persons))
	for i, project := range []string{ours, theirs} {
		given["person_id"], given["id"] = clickhouse.Literal(w.persons[i]), clickhouse.Literal("user of "+project+" 2")
		calls[i] = "SELECT * FROM " + call(o, given)
	}
	return "(" + strings.Join(calls, " UNION ALL ") + ")"
}

// day returns an hour that is so many days away, as SQL.
func (w *world) day(days int) string {
	return clickhouse.Literal(w.began.AddDate(0, 0, days).Format("2006-01-02 15:00:00"))
}

// followTheClock are columns of plain views that change by themselves.
var followTheClock = map[string][]string{
	"freshness":                 {"event_age_seconds", "receipt_age_seconds"},
	"retention_rolling_default": {"cohort_start"},
}

// steady lists the columns of an object that do not change by themselves.
func steady(o schema.Object) string {
	var columns []string
	for _, c := range o.Columns {
		if !slices.Contains(followTheClock[o.Name], c.Name) {
			columns = append(columns, c.Name)
		}
	}
	if len(columns) == 0 {
		return "*"
	}
	return strings.Join(columns, ", ")
}

func has[T any](list []T, found func(T) bool) bool { return slices.ContainsFunc(list, found) }

// ofProjects reports whether an object's rows belong to projects.
func ofProjects(o schema.Object) bool {
	return has(o.Columns, func(c schema.ViewColumn) bool { return c.Name == "project" })
}

func takes(o schema.Object, name string) bool {
	return has(o.Params, func(p schema.Param) bool { return p.Name == name })
}

// inQuotes finds the texts in an example.
var inQuotes = regexp.MustCompile(`'([^']*)'`)

// eventNames returns the events that the examples ask about: those of a list in its
// order, so that whoever does all of them gets through every funnel.
func (w *world) eventNames() []string {
	names := []string{"page_view", "product_view", "cart_add", "checkout_start", "order", "ad_impression", "ad_click"}
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	for _, o := range w.objects {
		for _, p := range o.Params {
			if p.Type != "Array(String)" && !strings.Contains(p.Name, "event") && p.Name != "shown" && p.Name != "clicked" {
				continue
			}
			for _, m := range inQuotes.FindAllStringSubmatch(p.Example, -1) {
				if m[1] != "" && !known[m[1]] {
					known[m[1]] = true
					names = append(names, m[1])
				}
			}
		}
	}
	return names
}

// load fills every table with rows of a project.
func (w *world) load(t *testing.T, project string, persons int) {
	t.Helper()
	names := w.eventNames()
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = clickhouse.Literal(name)
	}
	// One in four fills a cart, goes no further, and was last here ten days ago. Persons
	// began 28 to 31 days ago, one after the other. Events lie 12 hours from now, far from
	// where windows and days that end now begin.
	w.exec(t, fmt.Sprintf(`INSERT INTO touchline.touchpoints (project, event, kind, type, name, event_id, message_id, person_id, event_time, day,
			received_at, session_id, channel, acquisition_channel, utm_source, utm_medium, utm_campaign, device_type, os, browser, country,
			city, ip, url_origin, url_path, referrer_origin, user_id, anonymous_id, group_id, revenue, currency, order_id, properties, traits, context,
			src_topic, src_partition, src_offset)
		SELECT %[1]s, event, event, if(event = 'page_view', 'page', 'track'), concat('name of %[2]s'), generateUUIDv4(), concat('message of %[2]s ', toString(number)),
			sipHash64(%[1]s, person), at, toDate(at), at, sipHash64(%[1]s, person, nights),
			'web', 'Direct', 'source of %[2]s', 'medium of %[2]s', 'campaign of %[2]s', 'device of %[2]s', 'os of %[2]s', 'browser of %[2]s', 'country of %[2]s',
			'city of %[2]s', 'ip of %[2]s', 'https://%[2]s.example', concat('/page/', event, '/%[2]s'), 'https://from.%[2]s.example', concat('user of %[2]s ', toString(person)),
			concat('device of %[2]s ', toString(person)), 'group of %[2]s', if(event = 'order', 100 + length(%[1]s), 0), 'EUR', if(event = 'order', concat('order of %[2]s ', toString(number)), ''),
			concat('{"plan":"%[2]s"}'), '{"from":"%[2]s"}', '{"in":"%[2]s"}', 'topic', 1, number
		FROM
		(
			SELECT number, toUInt64(number %% %[3]d) AS person, intDiv(number, %[3]d) AS nights, arrayJoin(arrayEnumerate([%[4]s])) AS nth, [%[4]s][nth] AS event,
				toStartOfHour(now64(3, 'UTC')) - INTERVAL 12 HOUR - toIntervalDay(nights) + toIntervalMinute(nth) AS at
			FROM numbers(%[3]d * 40)
			WHERE nights <= 28 + person %% 4 AND (nights > 26 OR (person + nights) %% 3 != 0)
		)
		WHERE person %% 4 != 3 OR nth <= 3 AND nights >= 10`, clickhouse.Literal(project), project, persons, strings.Join(quoted, ", ")))
	w.exec(t, fmt.Sprintf("INSERT INTO touchline.project_zones SELECT %s, 'UTC', now64(3, 'UTC')", clickhouse.Literal(project)))
	w.exec(t, fmt.Sprintf("INSERT INTO touchline.person_overrides (project, old_id, new_id, version) SELECT %[1]s, sipHash64(%[1]s, 0), sipHash64(%[1]s, 1), 1", clickhouse.Literal(project)))
	w.exec(t, fmt.Sprintf(`INSERT INTO touchline.ledger_accepted (project, src_topic, src_partition, cell, minute, events, mark)
		SELECT %[1]s, 'topic', 1, length(%[1]s) * 10 + number, 1700000000 + length(%[1]s) * 60, 7, 1000000 FROM numbers(3)`, clickhouse.Literal(project)))
	w.exec(t, fmt.Sprintf("INSERT INTO touchline.rejected (project, received_at, stage, reason, payload) SELECT %[1]s, now64(3, 'UTC'), 'adapt', 'reason', concat('payload of ', %[1]s)", clickhouse.Literal(project)))
	inserter := clickhouse.NewInserter(w.server.Config())
	defer inserter.Close()
	for _, table := range schema.Landed() {
		if table.Name == "touchpoints" || table.Name == "rejected" {
			continue
		}
		block := clickhousetest.Rows(t, table, persons, func(column string, row int) (string, bool) {
			switch column {
			case "project":
				return project, true
			case "src_topic":
				return "topic", true
			case "outcome":
				return "duplicate", true
			}
			return fmt.Sprintf("%s of %s %d", column, project, row), true
		})
		if err := inserter.Insert(t.Context(), project+table.Name, block); err != nil {
			t.Fatal(err)
		}
	}
	w.exec(t, "SYSTEM RELOAD DICTIONARY touchline.person_map")
	w.settle(t, project)
}

// settle merges each table to one part per month, so that the rows of both projects
// lie in one granule and nobody is spared theirs by the primary key. It fails for a
// table of projects that load does not know.
func (w *world) settle(t *testing.T, project string) {
	t.Helper()
	tables := w.names(t, `SELECT name FROM system.tables AS t WHERE database = 'touchline' AND engine LIKE '%MergeTree'
		AND name IN (SELECT table FROM system.columns WHERE database = 'touchline' AND name = 'project')`)
	for _, table := range tables {
		w.exec(t, "OPTIMIZE TABLE touchline."+table+" FINAL")
		if table == "bi_access" {
			continue
		}
		if n := w.names(t, "SELECT toString(count()) FROM touchline."+table+" WHERE project = "+clickhouse.Literal(project)); n[0] == "0" {
			t.Errorf("touchline.%s has no rows of a project here: give it some", table)
		}
	}
}

// answers asks every object about all projects that the reader may read. The rows of
// an answer are sorted.
func (w *world) answers(t *testing.T, conn driver.Conn, objects []schema.Object) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, o := range objects {
		rows, err := ask(t, conn, "SELECT toString(tuple("+steady(o)+")) FROM "+w.about(o, "*"))
		if err != nil {
			t.Errorf("%s: %v", o.Name, err)
			continue
		}
		slices.Sort(rows)
		all[o.Name] = strings.Join(rows, "\n")
	}
	return all
}

// differing returns the names under which two sets of answers differ.
func differing(a, b map[string]string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if a[name] != b[name] {
			names = append(names, name)
		}
	}
	return names
}
