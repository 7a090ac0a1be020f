package analytics

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

// testTopic stands in src_topic of all events here.
const testTopic = "0b2f8c0e-topic"

// row is an event of a project.
type row struct {
	project string
	event   Event
}

// override is a row of person_overrides.
type override struct {
	project               string
	oldID, newID, version uint64
}

// overridesOf returns the rows that lead to the overrides of a stream: each was
// first something else, and those of superseded were split off again.
func overridesOf(project string, current, superseded map[uint64]uint64) []override {
	var rows []override
	for from, to := range current {
		rows = append(rows, override{project, from, to, 7}, override{project, from, to ^ 0xff00, 6})
	}
	for from, to := range superseded {
		rows = append(rows, override{project, from, to, 1}, override{project, from, from, 2})
	}
	return rows
}

// migrated returns the server with empty tables, and a connection as its writer.
func migrated(t *testing.T) (*clickhousetest.Server, driver.Conn) {
	t.Helper()
	server := clickhousetest.Start(t)
	conn := server.Open(t, server.Writer)
	for _, database := range []string{"analytics", "touchline"} {
		if err := conn.Exec(t.Context(), "DROP DATABASE IF EXISTS "+database+" SYNC"); err != nil {
			t.Fatal(err)
		}
	}
	account := clickhouse.Account{User: server.Writer.User, Password: server.Writer.Password}
	if _, err := clickhouse.Migrate(t.Context(), conn, account); err != nil {
		t.Fatal(err)
	}
	return server, conn
}

// reader returns a connection as the user that BI tools have. A server that is not
// embedded has none: then the writer reads.
func reader(t *testing.T, server *clickhousetest.Server) driver.Conn {
	t.Helper()
	return server.Open(t, cmp.Or(server.BI, server.Writer))
}

// receivedAt is when the harness pretends that the collector got an event.
func receivedAt(e Event) time.Time { return time.UnixMilli(e.Time).UTC().Add(90 * time.Second) }

// insertEvents inserts the rows as one block, through the materialized views.
func insertEvents(t *testing.T, conn driver.Conn, rows []row) {
	t.Helper()
	insert(t, conn, "touchline.touchpoints (project, event, person_id, event_time, day, received_at, is_bot, src_topic, src_partition, src_offset)",
		rows, func(batch driver.Batch, r row) error {
			e := r.event
			return batch.Append(r.project, e.Name, e.Person, time.UnixMilli(e.Time), date(e.Day), receivedAt(e), e.Bot, testTopic, e.Partition, e.Offset)
		})
}

// insertOverrides inserts the rows and makes the dictionary read them.
func insertOverrides(t *testing.T, conn driver.Conn, rows []override) {
	t.Helper()
	insert(t, conn, "touchline.person_overrides (project, old_id, new_id, version)", rows, func(batch driver.Batch, o override) error {
		return batch.Append(o.project, o.oldID, o.newID, o.version)
	})
	if err := conn.Exec(t.Context(), "SYSTEM RELOAD DICTIONARY touchline.person_map"); err != nil {
		t.Fatal(err)
	}
}

func insert[R any](t *testing.T, conn driver.Conn, into string, rows []R, appendRow func(driver.Batch, R) error) {
	t.Helper()
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO "+into)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := appendRow(batch, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

// ask puts a question to ClickHouse and returns the rows of the answer as text.
func ask(t *testing.T, conn driver.Conn, q query, project string) ([]string, error) {
	var answer []string
	err := scan(t, conn, q.view(project), func(scan func(...any) error) error {
		text, err := q.read(scan)
		answer = append(answer, text)
		return err
	})
	return answer, err
}

// scan calls read for each row of the result.
func scan(t *testing.T, conn driver.Conn, sql string, read func(scan func(...any) error) error) (err error) {
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := read(rows.Scan); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

// compare holds the answer of ClickHouse against the wanted one.
func compare(t *testing.T, conn driver.Conn, place string, q query, project string, want []string) {
	t.Helper()
	have, err := ask(t, conn, q, project)
	if err != nil {
		t.Errorf("%s: %v", place, err)
		return
	}
	compareRows(t, place+"\n"+q.view(project), have, want)
}

// parallel calls do for each item, two at a time.
func parallel[T any](items []T, do func(i int, item T)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for i := range next {
				do(i, items[i])
			}
		})
	}
	for i := range items {
		next <- i
	}
	close(next)
	workers.Wait()
}

// instantOf reads a time in RFC 3339 as milliseconds since 1970.
func instantOf(text string) int64 { return must(time.Parse(time.RFC3339, text)).UnixMilli() }
