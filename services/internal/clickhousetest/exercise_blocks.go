package clickhousetest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"

	"github.com/ClickHouse/ch-go/proto"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
)

// blockConditions are about how an insert becomes parts.
func blockConditions() []condition {
	return []condition{
		{name: fmt.Sprintf("an insert of up to %d rows is one block", clickhouse.MaxRows), prove: oneBlock,
			why: "a view that groups a chunk makes one row for it only if the server does not cut the chunk"},
		{name: "many blocks sent in one insert are one block", prove: manyBlocks,
			why: "a chunk holds the rows of several partitions, each built by itself, and makes as few parts as if they were of one"},
		{name: "many large blocks sent in one insert are one block", prove: manyLargeBlocks,
			why: "the server cuts what comes in several blocks behind a million rows or 256 MiB"},
		{name: "after many blocks the views get what they lack", prove: manyBlocksHalfDone,
			why: "a view that threw, or a server that died, leaves a chunk in the table and not in what the views fill"},
		{name: "an insert that is cut off behind a whole block writes nothing", prove: cutOffBehindBlock,
			why: "part of a chunk under the chunk's token would keep the rest out for ever"},
		{name: "danger: the server's token counts the blocks it is sent", prove: blocksAreCounted,
			why: "the same rows in another number of blocks double, so the inserter sends one block, whatever it was given"},
		{name: "an acknowledged insert is in the table, not in a queue", prove: acknowledged,
			why: "servers gather small inserts by default, and do not deduplicate those by token"},
		{name: "the settings against power loss are taken", prove: durable,
			why: "an installation without replicas may want every part on the disk before the answer"},
	}
}

func oneBlock(x *exercise) {
	x.exec("CREATE TABLE exercise.ones (n UInt8) ENGINE = MergeTree ORDER BY ()" + window)
	x.exec("CREATE TABLE exercise.blocks (rows UInt64) ENGINE = MergeTree ORDER BY ()" + window)
	x.exec("CREATE MATERIALIZED VIEW exercise.blocks_mv TO exercise.blocks AS SELECT count() AS rows FROM exercise.ones")
	const most = clickhouse.MaxRows
	x.want("SELECT value FROM system.settings WHERE name = 'max_insert_block_size'", most)
	insert := func(token string, rows int) {
		column := make(proto.ColUInt8, rows)
		x.insert(token, clickhouse.Block{Table: "exercise.ones", Input: proto.Input{{Name: "n", Data: &column}}})
	}
	insert("whole", most)
	insert("whole", most)
	x.want("SELECT count() FROM exercise.blocks", 1)
	x.want("SELECT max(rows) FROM exercise.blocks", most)
}

func acknowledged(x *exercise) {
	x.exec("CREATE TABLE exercise.numbers (n UInt64, month UInt16) ENGINE = MergeTree ORDER BY n" + window)
	for n := 1; n <= 20; n++ {
		x.insert(fmt.Sprint(n), span(n, n, 1))
		x.want("SELECT count() FROM exercise.numbers", n)
	}
}

func durable(x *exercise) {
	x.numbers()
	for _, table := range []string{"numbers", "copies", "totals", "pairs", "sides"} {
		x.exec("ALTER TABLE exercise." + table + " MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1")
	}
	x.want("SELECT count() FROM system.tables WHERE database = 'exercise' AND position(engine_full, 'fsync_after_insert = 1, fsync_part_directory = 1') > 0", 5)
	for range 2 {
		x.insert("a", span(1, 1000, 6))
		x.wantState(stateOf(1000, 1))
	}
}

// spans cuts the numbers from 1 to n into blocks.
func spans(n, blocks, months int) []clickhouse.Block {
	all := make([]clickhouse.Block, blocks)
	for i := range all {
		all[i] = span(1+i*n/blocks, (i+1)*n/blocks, months)
	}
	return all
}

// wantParts counts the parts that inserts made, merged or not.
func (x *exercise) wantParts(table string, want int) {
	x.Helper()
	x.want("SELECT sum(max_block_number - min_block_number + 1) FROM system.parts WHERE active AND database = 'exercise' AND table = '"+table+"'", want)
}

func manyBlocks(x *exercise) {
	const rows, blocks, months = 1200, 12, 6
	x.numbers()
	check := func() {
		x.Helper()
		x.wantState(stateOf(rows, 1))
		for table, parts := range map[string]int{"numbers": months, "copies": months, "totals": 1, "pairs": months / 3, "sides": 1} {
			x.wantParts(table, parts)
		}
	}
	for range 3 {
		x.insert("a", append(spans(rows, blocks, months), span(1, 0, 1))...)
		check()
	}
	// The token names the rows, however they are cut.
	x.insert("a", span(1, rows, months))
	check()
	if x.server.Embedded != nil {
		x.kill()
		x.insert("a", spans(rows, blocks, months)...)
		check()
	}
	x.insert("b", spans(rows, blocks, months)...)
	x.wantState(stateOf(rows, 2))
}

// kill kills the server and waits until it answers again.
func (x *exercise) kill() {
	x.Helper()
	if err := x.server.Embedded.Kill(); err != nil {
		x.Fatal(err)
	}
	x.until("answer after a kill", func() bool {
		var n uint8
		return x.conn.QueryRow(x.Context(), "SELECT 1").Scan(&n) == nil
	})
}

func manyLargeBlocks(x *exercise) {
	x.numbers()
	const rows = 1_000_000
	for range 2 {
		x.insert("rows", spans(rows, 12, 3)...)
		x.wantState(stateOf(rows, 1))
		for table, parts := range map[string]int{"numbers": 3, "copies": 3, "totals": 1, "pairs": 1, "sides": 1} {
			x.wantParts(table, parts)
		}
	}

	x.exec("CREATE TABLE exercise.texts (text String) ENGINE = MergeTree ORDER BY ()" + window)
	x.exec("CREATE TABLE exercise.blocks (rows UInt64) ENGINE = MergeTree ORDER BY ()" + window)
	x.exec("CREATE MATERIALIZED VIEW exercise.blocks_mv TO exercise.blocks AS SELECT count() AS rows FROM exercise.texts")
	column := clickhouse.NewColumns(schema.Table{Database: "exercise", Name: "texts", Columns: []schema.Column{{Name: "text", Type: "String"}}})
	text, mebibyte := column.Str("text"), make([]byte, 1<<20)
	for range 30 {
		text.AppendBytes(mebibyte)
	}
	// The same 30 MiB nine times are 270.
	for range 2 {
		x.insert("bytes", slices.Repeat([]clickhouse.Block{column.Block()}, 9)...)
		x.want("SELECT count() FROM exercise.texts", 270)
		x.want("SELECT count() FROM exercise.blocks", 1)
	}
}

func manyBlocksHalfDone(x *exercise) {
	const rows, blocks, months = 1200, 12, 6
	x.numbers()
	x.exec("CREATE TABLE exercise.broken (on UInt8) ENGINE = MergeTree ORDER BY on AS SELECT 1")
	x.exec("CREATE TABLE exercise.late (month UInt16, rows UInt64) ENGINE = MergeTree PARTITION BY month ORDER BY month" + window)
	x.exec("CREATE MATERIALIZED VIEW exercise.late_mv TO exercise.late AS SELECT month, count() + throwIf((SELECT max(on) FROM exercise.broken) = 1) AS rows FROM exercise.numbers GROUP BY month")
	for range 2 {
		err := x.inserter.Insert(x.Context(), "a", spans(rows, blocks, months)...)
		if clickhouse.ClassOf(err) != clickhouse.ClassView {
			x.Fatalf("class %q of %v", clickhouse.ClassOf(err), err)
		}
		x.want("SELECT count() FROM exercise.numbers", rows)
		x.want("SELECT count() FROM exercise.late", 0)
	}
	x.exec("TRUNCATE TABLE exercise.broken")
	for range 2 {
		x.insert("a", spans(rows, blocks, months)...)
		x.wantState(stateOf(rows, 1))
		x.want("SELECT sum(rows) FROM exercise.late", rows)
		x.wantParts("late", months)
	}
}

// cutOffBehindBlock sends the head of an insert of unknown or of four times the length
// and one whole block, and closes the connection.
func cutOffBehindBlock(x *exercise) {
	// A server begins an insert when it has a quarter of a megabyte.
	const rows, months = 200_000, 6
	x.numbers()
	for _, chunked := range []bool{true, false} {
		conn := x.sendRaw("a", chunked, 4, span(1, rows/4, months))
		running := func() string {
			return x.value("SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO exercise.%'")
		}
		x.until("start of the insert", func() bool { return running() == "1" })
		if err := conn.Close(); err != nil {
			x.Error(err)
		}
		x.until("end of the insert", func() bool { return running() == "0" })
		x.wantState(stateOf(0, 0))
	}
	x.insert("a", spans(rows, 4, months)...)
	x.wantState(stateOf(rows, 1))
}

func blocksAreCounted(x *exercise) {
	x.numbers()
	for _, all := range [][]clickhouse.Block{spans(1200, 12, 1), spans(1200, 12, 1), {span(1, 1200, 1)}} {
		conn := x.sendRaw("a", false, 1, all...)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			x.Fatal(err)
		}
		if answer.StatusCode != http.StatusOK {
			x.Fatalf("insert: %s", answer.Status)
		}
		if err := errors.Join(answer.Body.Close(), conn.Close()); err != nil {
			x.Error(err)
		}
	}
	x.wantState(stateOf(1200, 2))
}

// sendRaw sends an insert of these blocks as they are, either as a chunk without the
// last one behind it or as a body of times its length.
func (x *exercise) sendRaw(token string, chunked bool, times int, blocks ...clickhouse.Block) net.Conn {
	x.Helper()
	var rows proto.Buffer
	for _, b := range blocks {
		if err := (proto.Block{Columns: len(b.Input), Rows: b.Rows()}).EncodeRawBlock(&rows, 0, b.Input); err != nil {
			x.Fatal(err)
		}
	}
	query := url.Values{"insert_deduplication_token": {token}, "async_insert": {"0"}, "query": {"INSERT INTO exercise.numbers (n, month) FORMAT Native"}}
	text := fmt.Sprintf("POST /?%s HTTP/1.1\r\nHost: %s\r\nX-ClickHouse-User: %s\r\nX-ClickHouse-Key: %s\r\n",
		query.Encode(), x.server.Addr, x.server.Writer.User, x.server.Writer.Password)
	if chunked {
		text += fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(rows.Buf), rows.Buf)
	} else {
		text += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", times*len(rows.Buf), rows.Buf)
	}
	conn, err := (&net.Dialer{}).DialContext(x.Context(), "tcp", x.server.Addr)
	if err != nil {
		x.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		x.Fatal(err)
	}
	return conn
}
