package tables

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

// touchpointColumns is the contract: the columns of analytics.touchpoints, in
// order. It grows at the end and changes nowhere else.
const touchpointColumns = `project event_id message_id receipt_id type event name kind channel source protocol
	anonymous_id user_id previous_id group_id group_type person_id session_id
	event_time day original_timestamp sent_at received_at ingested_at skew_ms time_source
	url url_host url_path page_title referrer referrer_host
	acquisition_channel utm_source utm_medium utm_campaign utm_content utm_term click_id_name click_id
	device_type os os_version browser browser_version app_version locale timezone ip library library_version
	is_bot bot_reasons country region city revenue currency order_id consent
	properties traits context schema_status enrichment_version stage`

// stored is a row as a service inserts it, shown the row as a view shows it, each
// column as text; "NULL" is no value.
type (
	stored map[string]any
	shown  map[string]string
)

func TestTouchpointsShowWhatWasStored(t *testing.T) {
	w := oracle.New(t)
	r := oracle.Seed(t)
	var rows []stored
	var want []shown
	var projects []oracle.Project
	for i := range streamCount {
		for range 1 + r.IntN(6) {
			row, view := randomTouchpoint(r, streamName(i))
			if r.IntN(4) == 0 {
				// An id that no other row has, to one that may be small.
				old, unified := r.Uint64()|1<<63, r.Uint64()>>(r.IntN(8)*8)|1
				overrides := map[uint64]uint64{old: unified}
				projects = append(projects, oracle.Project{Name: streamName(i), Stream: analytics.Stream{Overrides: overrides}})
				row["person_id"], view["person_id"] = old, fmt.Sprintf("%016X", unified)
			}
			rows, want = append(rows, row), append(want, view)
		}
	}
	insertBlocks(t, rows, func(block []stored) { insertStored(t, w.Writer, schema.Touchpoints(), block) })
	w.Override(t, projects)
	columns := compareView(t, w.BI, "touchpoints", "event_id", want)
	if contract := strings.Fields(touchpointColumns); !slices.Equal(columns, contract) {
		t.Errorf("columns are %q, want %q", columns, contract)
	}
}

func TestRejectedShowWhatWasStored(t *testing.T) {
	w := oracle.New(t)
	r := oracle.Seed(t)
	var rows []stored
	var want []shown
	for i := range streamCount {
		row, view := randomRow(r, schema.Rejected())
		row["project"], view["project"] = streamName(i), streamName(i)
		// Older rows are dropped while they are inserted.
		setTime(row, view, "received_at", time.Now().Add(-time.Duration(r.IntN(29*24))*time.Hour))
		row["header_values"] = []string{"x"}
		view["original_bytes"] = fmt.Sprint(len(row["payload"].(string)))
		if n := r.Uint64N(1 << 40); r.IntN(2) == 0 {
			row["original_bytes"], view["original_bytes"] = n, fmt.Sprint(n)
		} else {
			row["original_bytes"] = uint64(0)
		}
		rows, want = append(rows, row), append(want, view)
	}
	insertBlocks(t, rows, func(block []stored) { insertStored(t, w.Writer, schema.Rejected(), block) })
	compareView(t, w.BI, "rejected", "receipt_id", want)
}

func TestProfilesShowTheLatestVersion(t *testing.T) {
	w := oracle.New(t)
	r := oracle.Seed(t)
	var rows []stored
	var want []shown
	for i := range streamCount {
		person := r.Uint64()
		versions := r.Perm(1 + r.IntN(4))
		for _, version := range versions {
			row, view := randomRow(r, schema.Profiles())
			row["project"], view["project"] = streamName(i), streamName(i)
			row["person_id"], view["person_id"] = person, fmt.Sprintf("%016X", person)
			row["version"], view["version"] = uint64(version), fmt.Sprint(version)
			rows = append(rows, row)
			if version == len(versions)-1 {
				want = append(want, view)
			}
		}
	}
	insertBlocks(t, rows, func(block []stored) { insertStored(t, w.Writer, schema.Profiles(), block) })
	compareView(t, w.BI, "profiles", "person_id", want)
}

func TestScoresShowTheLatestVersion(t *testing.T) {
	w := oracle.New(t)
	r := oracle.Seed(t)
	var rows []stored
	var want []shown
	for i := range streamCount {
		person := r.Uint64()
		versions := r.Perm(1 + r.IntN(4))
		for _, version := range versions {
			row, view := randomRow(r, schema.Scores())
			row["project"], view["project"] = streamName(i), streamName(i)
			row["model"], view["model"] = "lead", "lead"
			row["person_id"], view["person_id"] = person, fmt.Sprintf("%016X", person)
			row["version"], view["version"] = uint64(version), fmt.Sprint(version)
			row["reason_features"], row["reason_contributions"] = []string{"a \"b\"", "c"}, []float64{0.5, float64(version)}
			view["reasons"] = fmt.Sprintf(`[{"feature":"a \"b\"","contribution":0.5},{"feature":"c","contribution":%d}]`, version)
			// The history keeps 400 days.
			setTime(row, view, "as_of", time.Now().Add(-time.Duration(r.IntN(300*24))*time.Hour))
			rows = append(rows, row)
			if version == len(versions)-1 {
				want = append(want, view)
			}
		}
	}
	insertBlocks(t, rows, func(block []stored) { insertStored(t, w.Writer, schema.Scores(), block) })
	compareView(t, w.BI, "scores", "person_id", want)

	var history uint64
	if err := w.Writer.QueryRow(t.Context(), "SELECT count() FROM touchline.score_history FINAL").Scan(&history); err != nil {
		t.Fatal(err)
	}
	if history != uint64(len(rows)) {
		t.Errorf("the history has %d versions, want %d", history, len(rows))
	}
}

// randomTouchpoint returns a touchpoint as the landing stores it, and as readers
// see it.
func randomTouchpoint(r *rand.Rand, project string) (stored, shown) {
	row, view := randomRow(r, schema.Touchpoints())
	row["project"], view["project"] = project, project
	row["event"] = oracle.Pick(r, "a", `it's "b"`, "Émoji 🎉")
	view["event"] = row["event"].(string)

	at := oracle.Start.Add(time.Duration(r.Int64N(1e10)) * time.Millisecond)
	setTime(row, view, "event_time", at)
	received := at.Add(time.Duration(r.IntN(1e6)) * time.Millisecond)
	setTime(row, view, "received_at", received)
	sent, shift := int64(r.IntN(1e9)-5e8), int64(r.IntN(1e9)-5e8)
	row["has_sent_at"], row["skew_ms"], view["sent_at"], view["skew_ms"] = false, int64(0), "NULL", "NULL"
	if r.IntN(3) > 0 {
		row["has_sent_at"], row["skew_ms"] = true, sent
		view["sent_at"], view["skew_ms"] = timeText(received.Add(time.Duration(-sent)*time.Millisecond)), fmt.Sprint(sent)
	}
	row["has_original_timestamp"], row["shift_ms"], view["original_timestamp"] = false, int64(0), "NULL"
	if r.IntN(3) > 0 {
		row["has_original_timestamp"], row["shift_ms"] = true, shift
		view["original_timestamp"] = timeText(at.Add(time.Duration(-shift) * time.Millisecond))
	}

	event, receipt := randomUUID(r), randomUUID(r)
	row["event_id"], row["receipt_id"] = event, receipt
	view["event_id"], view["receipt_id"] = event.String(), receipt.String()
	switch r.IntN(3) {
	case 0: // The SDK's id is a UUID.
		row["message_id"], view["message_id"] = "", event.String()
	case 1: // It is something else.
		row["message_id"], view["message_id"] = "node-next-1", "node-next-1"
	case 2: // There is none.
		row["message_id"], view["message_id"] = "", ""
		row["receipt_id"], view["receipt_id"] = uuid.UUID{}, event.String()
	}
	view["person_id"] = fmt.Sprintf("%016X", row["person_id"])
	view["session_id"] = fmt.Sprintf("%016X", row["session_id"])
	if r.IntN(3) == 0 {
		row["session_id"], view["session_id"] = uint64(0), ""
	}

	url, host := randomURL(r)
	row["url_origin"], row["url_path"], row["url_query"] = split3(schema.SplitURL(url))
	view["url"], view["url_host"], view["url_path"] = url, host, row["url_path"].(string)
	referrer, host := randomURL(r)
	origin, rest := schema.SplitReferrer(referrer)
	row["referrer_origin"], row["referrer_path"] = origin, rest
	view["referrer"], view["referrer_host"] = referrer, host
	return row, view
}

func split3(a, b, c string) (any, any, any) { return a, b, c }

// randomURL returns a URL and its host as readers see it.
func randomURL(r *rand.Rand) (url, host string) {
	if r.IntN(4) == 0 {
		return oracle.Pick(r, "", "about:blank", "/pricing?back=https://a.example/c", "?", "#x"), ""
	}
	host = oracle.Pick(r, "shop.example", "localhost", "[::1]", "münchen.example", "a_b.example")
	return oracle.Pick(r, "https://", "HTTP://", "app://") + oracle.Pick(r, "", "", "user@", "user:pass@") + strings.ToUpper(host[:1]) + host[1:] +
		oracle.Pick(r, "", ":8443") + oracle.Pick(r, "", "/", "/pricing", "/a b/ü") + oracle.Pick(r, "", "?a=b&c=d://e", "#/route?x"), host
}

// randomRow returns a value for each column of a table, and its text.
func randomRow(r *rand.Rand, table schema.Table) (stored, shown) {
	row, view := stored{}, shown{}
	for _, c := range table.Columns {
		switch {
		case c.Type == "String" || c.Type == "LowCardinality(String)":
			row[c.Name] = oracle.Pick(r, "", "x", `it's "a" \ test`, "Émoji 🎉", "line\nbreak\x00", fmt.Sprint(r.IntN(100)))
		case c.Type == "DateTime64(3, 'UTC')":
			setTime(row, view, c.Name, oracle.Start.Add(time.Duration(r.Int64N(1e10))*time.Millisecond))
			continue
		case c.Type == "Date":
			row[c.Name] = oracle.Start.AddDate(0, 0, r.IntN(100))
			view[c.Name] = row[c.Name].(time.Time).Format(time.DateOnly)
			continue
		case c.Type == "UUID":
			row[c.Name] = randomUUID(r)
		case c.Type == "Bool":
			row[c.Name] = r.IntN(2) == 0
		case c.Type == "Int64":
			row[c.Name] = r.Int64()
		case c.Type == "UInt16":
			row[c.Name] = uint16(r.Uint32())
		case c.Type == "UInt32":
			row[c.Name] = r.Uint32()
		case c.Type == "UInt64":
			// Small ones too, whose hex digits start with zeros.
			row[c.Name] = r.Uint64()>>(8*r.IntN(8))>>1 | 1
		case c.Type == "Float64":
			row[c.Name] = float64(r.IntN(1000)) / 8
		case c.Type == "Decimal(18, 4)":
			row[c.Name] = fmt.Sprintf("%d.%d", r.IntN(1e6), 1+r.IntN(9))
		case c.Type == "Array(LowCardinality(String))":
			row[c.Name] = oracle.Pick(r, []string{}, []string{"x"}, []string{"x", "y z"})
			view[c.Name] = strings.Join(row[c.Name].([]string), ",")
			continue
		case c.Type == "Array(String)" || c.Type == "Array(Float64)":
			row[c.Name] = nil // the caller fills it
			continue
		case strings.HasPrefix(c.Type, "Enum8("):
			row[c.Name] = oracle.Pick(r, enumNames(c.Type)...)
		default:
			panic("no random value for " + c.Type)
		}
		view[c.Name] = fmt.Sprint(row[c.Name])
	}
	return row, view
}

func enumNames(enum string) []string {
	var names []string
	for part := range strings.SplitSeq(enum, "'") {
		if part != "" && !strings.ContainsAny(part, "(=,)") {
			names = append(names, part)
		}
	}
	return names
}

func setTime(row stored, view shown, name string, at time.Time) {
	at = at.UTC().Truncate(time.Millisecond)
	row[name], view[name] = at, timeText(at)
}

func timeText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }

func randomUUID(r *rand.Rand) uuid.UUID {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(r.Uint32())
	}
	return id
}

func insertStored(t *testing.T, conn driver.Conn, table schema.Table, rows []stored) {
	t.Helper()
	names := make([]string, len(table.Columns))
	for i, c := range table.Columns {
		names[i] = c.Name
	}
	oracle.Insert(t, conn, table.FullName()+" ("+strings.Join(names, ", ")+")", rows, func(batch driver.Batch, row stored) error {
		values := make([]any, len(names))
		for i, name := range names {
			values[i] = row[name]
		}
		return batch.Append(values...)
	})
}

// compareView holds every row and column of a view against want, matched by a
// column that is different in every row, and returns the names of the columns.
func compareView(t *testing.T, conn driver.Conn, view, key string, want []shown) []string {
	t.Helper()
	var columns []string
	err := scan(t, conn, "SELECT name FROM system.columns WHERE database = 'analytics' AND table = '"+view+"' ORDER BY position", func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		columns = append(columns, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	byKey := map[string]shown{}
	for _, w := range want {
		byKey[w[key]] = w
	}
	if len(byKey) != len(want) {
		t.Fatalf("%s is not different in every row", key)
	}
	texts := make([]string, len(columns))
	targets := make([]any, len(columns))
	sql := make([]string, len(columns))
	for i, name := range columns {
		sql[i] = "ifNull(toString(" + name + "), 'NULL')"
		targets[i] = &texts[i]
	}
	rows := 0
	err = scan(t, conn, "SELECT "+strings.Join(sql, ", ")+" FROM analytics."+view, func(scan func(...any) error) error {
		rows++
		if err := scan(targets...); err != nil {
			return err
		}
		w := byKey[texts[slices.Index(columns, key)]]
		for i, name := range columns {
			// The server's clock fills these.
			if name == "ingested_at" || name == "rejected_at" {
				continue
			}
			if texts[i] != w[name] {
				t.Errorf("row %d, column %s: have %q, want %q", rows, name, texts[i], w[name])
				return errors.New("stopped at the first difference")
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if rows != len(want) {
		t.Errorf("have %d rows, want %d", rows, len(want))
	}
	return columns
}
