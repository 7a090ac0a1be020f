package clickhousetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	clickhousego "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/clickhouse"
)

// condition is something that a server has to do for exactly-once to hold, or a
// danger that the services keep away from, proven so that nobody removes the guard.
type condition struct {
	name, why string
	prove     func(x *exercise)
	// kills: the server is killed for it, so it has to be ours.
	kills bool
}

// Exercise proves on a server what the services rely on: that an insert repeated
// under its token changes nothing in the table and in what its views fill, that a
// Null-engine twin refuses what its table refuses, and that users have the rights and
// limits they should have. It runs on any server, in a database "exercise" and in
// those of Touchline, which it drops; what needs a kill -9 of the server runs on an
// embedded one only.
//
// A new version of ClickHouse that fails here is not to be used.
func Exercise(t *testing.T, s *Server) {
	conn := s.Open(t, s.Writer)
	refuseData(t, conn)
	for _, c := range conditions() {
		if c.kills && s.Embedded == nil {
			t.Logf("%q is proven on embedded servers only: it kills them", c.name)
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Log(c.why)
			x := &exercise{T: t, server: s, conn: conn, inserter: clickhouse.NewInserter(s.Config())}
			t.Cleanup(x.inserter.Close)
			x.exec("DROP DATABASE IF EXISTS exercise SYNC")
			x.exec("CREATE DATABASE exercise")
			c.prove(x)
			x.exec("DROP DATABASE exercise SYNC")
		})
	}
}

// conditions returns all of them, grouped by file.
func conditions() []condition {
	var all []condition
	for _, group := range [][]condition{tokenConditions(), blockConditions(), interruptions(), viewConditions(), schemaConditions(), userConditions()} {
		all = append(all, group...)
	}
	return all
}

// refuseData fails on a server that has events of somebody.
func refuseData(t *testing.T, conn driver.Conn) {
	t.Helper()
	var rows uint64
	if err := conn.QueryRow(t.Context(), "SELECT toUInt64(sum(ifNull(total_rows, 0))) FROM system.tables WHERE database = 'touchline' AND name = 'touchpoints'").Scan(&rows); err != nil {
		t.Fatalf("look for data: %v", err)
	}
	if rows > 0 {
		t.Fatalf("this server has %d events; Exercise drops Touchline's databases", rows)
	}
}

// exercise is one condition under proof.
type exercise struct {
	*testing.T
	server   *Server
	conn     driver.Conn
	inserter *clickhouse.Inserter
}

func (x *exercise) exec(sql string) {
	x.Helper()
	if err := x.conn.Exec(context.WithoutCancel(x.Context()), sql); err != nil {
		x.Fatalf("%s: %v", sql, err)
	}
}

// value returns the one value of a query as text.
func (x *exercise) value(sql string) string {
	x.Helper()
	var v string
	if err := x.conn.QueryRow(x.Context(), "SELECT toString(("+sql+"))").Scan(&v); err != nil {
		x.Fatalf("%s: %v", sql, err)
	}
	return v
}

func (x *exercise) want(sql string, want any) {
	x.Helper()
	if have := x.value(sql); have != fmt.Sprint(want) {
		x.Errorf("%s is %s, want %v", sql, have, want)
	}
}

// wantCode fails unless err is the server's error of that number.
func (x *exercise) wantCode(what string, err error, code int32) {
	x.Helper()
	if e, ok := errors.AsType[*clickhousego.Exception](err); !ok || e.Code != code {
		x.Errorf("%s: want code %d, have %v", what, code, err)
	}
}

// window is what Touchline's tables have.
const window = " SETTINGS non_replicated_deduplication_window = 100000"

// The tables of most proofs: numbers by month, copied by a view, totalled by a second
// one into a table without partitions, and spread by a third, which feeds a fourth.
func (x *exercise) numbers() {
	x.exec("CREATE TABLE exercise.numbers (n UInt64, month UInt16) ENGINE = MergeTree PARTITION BY month ORDER BY n" + window)
	x.exec("CREATE TABLE exercise.copies (n UInt64, month UInt16) ENGINE = MergeTree PARTITION BY month ORDER BY n" + window)
	x.exec("CREATE TABLE exercise.totals (digit UInt8, rows SimpleAggregateFunction(sum, UInt64), total SimpleAggregateFunction(sum, UInt64)) ENGINE = AggregatingMergeTree ORDER BY digit" + window)
	x.exec("CREATE TABLE exercise.pairs (n UInt64, side String, month UInt16) ENGINE = MergeTree PARTITION BY intDiv(month, 3) ORDER BY n" + window)
	x.exec("CREATE TABLE exercise.sides (side String, rows SimpleAggregateFunction(sum, UInt64)) ENGINE = AggregatingMergeTree ORDER BY side" + window)
	x.exec("CREATE MATERIALIZED VIEW exercise.copies_mv TO exercise.copies AS SELECT n, month FROM exercise.numbers")
	x.exec("CREATE MATERIALIZED VIEW exercise.totals_mv TO exercise.totals AS SELECT toUInt8(n % 10) AS digit, count() AS rows, sum(n) AS total FROM exercise.numbers GROUP BY digit")
	x.exec("CREATE MATERIALIZED VIEW exercise.pairs_mv TO exercise.pairs AS SELECT n, arrayJoin(['left', 'right']) AS side, month FROM exercise.numbers")
	x.exec("CREATE MATERIALIZED VIEW exercise.sides_mv TO exercise.sides AS SELECT side, count() AS rows FROM exercise.pairs GROUP BY side")
}

// digest is what numbers and everything it feeds hold, however parts are merged.
const digest = `SELECT arrayStringConcat([
	(SELECT concat(toString(count()), ' ', toString(sum(n))) FROM exercise.numbers),
	(SELECT concat(toString(count()), ' ', toString(sum(n))) FROM exercise.copies),
	(SELECT concat(toString(sum(rows)), ' ', toString(sum(total))) FROM exercise.totals),
	(SELECT concat(toString(count()), ' ', toString(sum(n))) FROM exercise.pairs),
	(SELECT toString(sum(rows)) FROM exercise.sides)], ', ')`

// stateOf is the state after the numbers from 1 to n, times times.
func stateOf(n, times int) string {
	rows, sum := n*times, n*(n+1)/2*times
	return fmt.Sprintf("%d %d, %d %d, %d %d, %d %d, %d", rows, sum, rows, sum, rows, sum, 2*rows, 2*sum, 2*rows)
}

func (x *exercise) wantState(want string) {
	x.Helper()
	if have := x.value(digest); have != want {
		x.Errorf("numbers, copies, totals, pairs, sides hold\n%s, want\n%s", have, want)
	}
}

// span is the block of the numbers from lo to hi over so many months.
func span(lo, hi, months int) clickhouse.Block {
	n, month := new(proto.ColUInt64), new(proto.ColUInt16)
	for i := lo; i <= hi; i++ {
		n.Append(uint64(i))
		month.Append(uint16(i % months))
	}
	return clickhouse.Block{Table: "exercise.numbers", Input: proto.Input{{Name: "n", Data: n}, {Name: "month", Data: month}}}
}

// insert inserts blocks as one insert, which must succeed.
func (x *exercise) insert(token string, blocks ...clickhouse.Block) {
	x.Helper()
	if err := x.inserter.Insert(x.Context(), token, blocks...); err != nil {
		x.Fatalf("insert under %s: %v", token, err)
	}
}

// until waits up to a minute for the condition.
func (x *exercise) until(what string, condition func() bool) {
	x.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			x.Fatalf("%s: not in a minute", what)
		}
	}
}
