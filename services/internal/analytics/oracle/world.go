package oracle

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
)

// Topic stands in src_topic of all events here.
const Topic = "0b2f8c0e-topic"

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
	for _, name := range w.tables(t) {
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

// tables returns the names of those that hold rows.
func (w *World) tables(t testing.TB) (names []string) {
	t.Helper()
	err := w.Writer.QueryRow(t.Context(), `SELECT groupArray(name) FROM system.tables
		WHERE database = 'touchline' AND engine LIKE '%MergeTree' AND name != 'schema_migrations'`).Scan(&names)
	if err != nil {
		t.Fatal(err)
	}
	return names
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

// Override makes the overrides of projects the ones that count, and makes the
// dictionary read them: one in three as the link of a device to its user, before a
// later one to somebody else; the others as overrides, each after it was first
// something else, and every second of them against a link.
func (w *World) Override(t testing.TB, projects []Project) {
	t.Helper()
	type override struct {
		project            string
		from, to, revision uint64
	}
	var rows, links []override
	for _, p := range projects {
		for from, to := range p.Overrides {
			other := to ^ 0xff00
			switch from % 3 {
			case 0:
				links = append(links, override{p.Name, from, other, 4}, override{p.Name, from, to, 5})
				continue
			case 1:
				links = append(links, override{p.Name, from, other, 100})
			}
			rows = append(rows, override{p.Name, from, other, 6}, override{p.Name, from, to, 7})
		}
		for from, to := range p.Superseded {
			rows = append(rows, override{p.Name, from, to, 1}, override{p.Name, from, from, 2})
		}
	}
	Insert(t, w.Writer, "touchline.person_overrides (project, old_id, new_id, version)", rows, func(batch driver.Batch, o override) error {
		return batch.Append(o.project, o.from, o.to, o.revision)
	})
	Insert(t, w.Writer, "touchline.identity_links (project, device_person, user_person, version)", links, func(batch driver.Batch, o override) error {
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
