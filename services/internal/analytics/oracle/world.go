package oracle

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
)

// Topic stands in src_topic of all events here.
const Topic = "0b2f8c0e-topic"

// blocks is over how many inserts rows are strewn, so that each stream lies in
// several parts that are not merged yet.
const blocks = 12

// Main runs the tests of a package and ends the process.
func Main(m *testing.M) { clickhousetest.Main(m) }

// World is a migrated ClickHouse with the connections of a test.
type World struct {
	Server *clickhousetest.Server
	// Writer may do everything; BI is the user that tools log in as.
	Writer, BI driver.Conn
}

// New returns the server of this process with empty tables.
func New(t testing.TB) *World {
	t.Helper()
	server := clickhousetest.Start(t)
	w := &World{Server: server, Writer: server.Open(t, server.Writer)}
	account := clickhouse.Account{User: server.Writer.User, Password: server.Writer.Password}
	if clickhouse.Verify(t.Context(), w.Writer, account) == nil {
		w.empty(t)
	} else {
		for _, database := range []string{"analytics", "touchline"} {
			w.exec(t, "DROP DATABASE IF EXISTS "+database+" SYNC")
		}
		if _, err := clickhouse.Migrate(t.Context(), w.Writer, account); err != nil {
			t.Fatal(err)
		}
	}
	w.BI = server.Open(t, cmp.Or(server.BI, server.Writer)) // a server that is not embedded may have no reader
	return w
}

// empty deletes every row that a test before this one may have left. It takes a
// tenth of the time that making all tables and views anew takes.
func (w *World) empty(t testing.TB) {
	t.Helper()
	var tables []string
	err := w.Writer.QueryRow(t.Context(), `SELECT groupArray(name) FROM system.tables
		WHERE database = 'touchline' AND engine LIKE '%MergeTree' AND name != 'schema_migrations'`).Scan(&tables)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tables {
		w.exec(t, "TRUNCATE TABLE touchline."+name+" SYNC")
	}
	migrations, err := schema.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range migrations {
		if strings.Contains(m.SQL, "INSERT INTO touchline.bi_access") {
			w.exec(t, m.SQL)
		}
	}
	w.exec(t, "SYSTEM RELOAD DICTIONARY touchline.person_map")
}

func (w *World) exec(t testing.TB, sql string) {
	t.Helper()
	if err := w.Writer.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// Project is a stream that lies in the tables as a project.
type Project struct {
	Name string
	analytics.Stream
	// Superseded are overrides that a later version took back.
	Superseded map[uint64]uint64
}

// Load inserts the events of projects, in random order over several blocks, and
// their overrides. It may be called again for further projects.
func (w *World) Load(t testing.TB, r *rand.Rand, projects []Project) {
	t.Helper()
	var rows []row
	for _, p := range projects {
		for _, e := range p.Events {
			rows = append(rows, row{p.Name, e})
		}
	}
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	for block := range slices.Chunk(rows, len(rows)/blocks+1) {
		w.insertEvents(t, block)
	}
	w.insertZones(t, projects)
	w.Override(t, projects)
}

type row struct {
	project string
	analytics.Event
}

func (w *World) insertEvents(t testing.TB, rows []row) {
	t.Helper()
	Insert(t, w.Writer, `touchline.touchpoints (project, event, person_id, event_time, day, received_at, is_bot,
		src_topic, src_partition, src_offset, event_id, kind, type, url_path, name, session_id, channel, acquisition_channel,
		utm_source, utm_medium, utm_campaign, device_type, country, referrer_origin, user_id, anonymous_id,
		revenue, currency, order_id, properties)`, rows, func(batch driver.Batch, r row) error {
		referrer := ""
		if r.Referrer != "" {
			referrer = "https://" + r.Referrer
		}
		return batch.Append(r.project, r.Name, r.Person, time.UnixMilli(r.Time), Date(r.Day), ReceivedAt(r.Event), r.Bot,
			Topic, r.Partition, r.Offset, rowID(r), r.Kind, r.Type, r.Path, r.Title, r.Session, r.Channel, r.Acquisition,
			r.Source, r.Medium, r.Campaign, r.Device, r.Country, referrer, r.User, r.Anonymous,
			decimal.New(r.Revenue, -4), r.Currency, r.Order, propertiesText(r.Properties))
	})
}

// ReceivedAt is when the collector got an event, here.
func ReceivedAt(e analytics.Event) time.Time {
	return time.UnixMilli(e.Time).UTC().Add(90 * time.Second)
}

// Date returns a day counted from 1970-01-01 as a time.
func Date(day int32) time.Time { return time.Unix(int64(day)*24*60*60, 0).UTC() }

// DayOf returns the day of a time in a zone, counted from 1970-01-01.
func DayOf(at time.Time, zone *time.Location) int32 {
	y, m, d := at.In(zone).Date()
	return int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// rowID makes the id of an event's row out of its person and its place in the log.
func rowID(r row) string {
	return fmt.Sprintf("%08x-%04x-4000-a%03x-%012x", uint32(r.Person>>32), uint16(r.Person>>16), uint16(r.Person)&0xfff, uint64(r.Partition)<<40|r.Offset)
}

func propertiesText(properties map[string]string) string {
	if len(properties) == 0 {
		return ""
	}
	members := make(map[string]json.RawMessage, len(properties))
	for name, value := range properties {
		members[name] = json.RawMessage(value)
	}
	text, err := json.Marshal(members)
	if err != nil { // the texts are written here
		panic(err)
	}
	return string(text)
}

func (w *World) insertZones(t testing.TB, projects []Project) {
	t.Helper()
	Insert(t, w.Writer, "touchline.project_zones (project, time_zone, first_used)", projects, func(batch driver.Batch, p Project) error {
		zone := time.UTC
		if p.Zone != nil {
			zone = p.Zone
		}
		return batch.Append(p.Name, zone.String(), time.Unix(0, 0))
	})
}

// Override makes the overrides of projects the ones that count, each after it was
// first something else, and makes the dictionary read them.
func (w *World) Override(t testing.TB, projects []Project) {
	t.Helper()
	type override struct {
		project            string
		from, to, revision uint64
	}
	var rows []override
	for _, p := range projects {
		for from, to := range p.Overrides {
			rows = append(rows, override{p.Name, from, to ^ 0xff00, 6}, override{p.Name, from, to, 7})
		}
		for from, to := range p.Superseded {
			rows = append(rows, override{p.Name, from, to, 1}, override{p.Name, from, from, 2})
		}
	}
	Insert(t, w.Writer, "touchline.person_overrides (project, old_id, new_id, version)", rows, func(batch driver.Batch, o override) error {
		return batch.Append(o.project, o.from, o.to, o.revision)
	})
	w.exec(t, "SYSTEM RELOAD DICTIONARY touchline.person_map")
}

// Split takes every override of projects back, as an operator does who undoes
// merges.
func (w *World) Split(t testing.TB, projects []Project) {
	t.Helper()
	type split struct {
		project string
		id      uint64
	}
	var rows []split
	for _, p := range projects {
		for from := range p.Overrides {
			rows = append(rows, split{p.Name, from})
		}
	}
	Insert(t, w.Writer, "touchline.person_overrides (project, old_id, new_id, version)", rows, func(batch driver.Batch, s split) error {
		return batch.Append(s.project, s.id, s.id, uint64(8))
	})
	w.exec(t, "SYSTEM RELOAD DICTIONARY touchline.person_map")
}

// Insert inserts rows as one block; into is the table with its columns.
func Insert[R any](t testing.TB, conn driver.Conn, into string, rows []R, appendRow func(driver.Batch, R) error) {
	t.Helper()
	if len(rows) == 0 {
		return
	}
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO "+into)
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Close() //nolint:errcheck // it has been sent, or the test has failed
	for _, r := range rows {
		if err := appendRow(batch, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}
