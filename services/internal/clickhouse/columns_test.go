package clickhouse_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/uuid"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
)

// everyType is a table with a column of each type.
func everyType() schema.Table {
	return schema.Table{Database: "columns", Name: "t", Columns: []schema.Column{
		{Name: "low", Type: "LowCardinality(String)"},
		{Name: "str", Type: "String"},
		{Name: "lows", Type: "Array(LowCardinality(String))"},
		{Name: "strs", Type: "Array(String)"},
		{Name: "floats", Type: "Array(Float64)"},
		{Name: "u16", Type: "UInt16"},
		{Name: "u32", Type: "UInt32"},
		{Name: "u64", Type: "UInt64"},
		{Name: "i64", Type: "Int64"},
		{Name: "f64", Type: "Float64"},
		{Name: "bool", Type: "Bool"},
		{Name: "enum", Type: "Enum8('a' = 1, 'b' = 2)"},
		{Name: "uuid", Type: "UUID"},
		{Name: "date", Type: "Date"},
		{Name: "seconds", Type: "DateTime('UTC')"},
		{Name: "time", Type: "DateTime64(3, 'UTC')"},
		{Name: "money", Type: "Decimal(18, 4)"},
	}}
}

// row is a row of everyType.
type row struct {
	low, str   string
	lows, strs []string
	floats     []float64
	u16        uint16
	u32        uint32
	u64        uint64
	i64        int64
	f64        float64
	bool       bool
	enum       int8
	uuid       uuid.UUID
	date       int32
	seconds    uint32
	ms, money  int64
}

// builder fills everyType.
type builder struct {
	clickhouse.Columns
	add func(r row)
}

func newBuilder() *builder {
	b := &builder{Columns: clickhouse.NewColumns(everyType())}
	c := &b.Columns
	low, str, lows, strs, floats := c.Low("low"), c.Str("str"), c.Lows("lows"), c.Strs("strs"), c.Floats("floats")
	u16, u32, u64, i64, f64 := c.UInt16("u16"), c.UInt32("u32"), c.UInt64("u64"), c.Int64("i64"), c.Float64("f64")
	boolean, enum, id, date := c.Bool("bool"), c.Enum("enum"), c.UUID("uuid"), c.Date("date")
	seconds, at, money := c.Seconds("seconds"), c.Time("time"), c.Money("money")
	c.Complete()
	b.add = func(r row) {
		low.Append(r.low)
		str.AppendBytes([]byte(r.str))
		for _, v := range r.lows {
			lows.Values.Append(v)
		}
		lows.EndRow()
		for _, v := range r.strs {
			strs.Values.Append(v)
		}
		strs.EndRow()
		for _, v := range r.floats {
			floats.Values.Append(v)
		}
		floats.EndRow()
		u16.Append(r.u16)
		u32.Append(r.u32)
		u64.Append(r.u64)
		i64.Append(r.i64)
		f64.Append(r.f64)
		boolean.Append(r.bool)
		enum.Append(r.enum)
		id.Append(r.uuid)
		date.Append(r.date)
		seconds.Append(r.seconds)
		at.Append(r.ms)
		money.Append(r.money)
	}
	return b
}

// randomRow has texts of up to so many kinds; often those of the row before.
func randomRow(r *rand.Rand, kinds int, before row) row {
	text := func() string {
		n := r.IntN(kinds)
		if n == 0 {
			return ""
		}
		return strings.Repeat("x", n%3*64) + fmt.Sprint(n)
	}
	texts := func() []string {
		list := make([]string, r.IntN(3))
		for i := range list {
			list[i] = text()
		}
		return list
	}
	v := row{
		low: text(), str: text(), lows: texts(), strs: texts(), floats: make([]float64, r.IntN(3)),
		u16: uint16(r.Uint64()), u32: r.Uint32(), u64: r.Uint64(), i64: int64(r.Uint64()), f64: r.NormFloat64(), bool: r.IntN(2) == 1,
		enum: int8(1 + r.IntN(2)), uuid: uuid.UUID{byte(r.Uint64()), 15: byte(r.Uint64())}, date: int32(r.IntN(65536)),
		seconds: r.Uint32(), ms: r.Int64N(1e13), money: r.Int64N(1e18) - 5e17,
	}
	if r.IntN(3) > 0 {
		v.low = before.low
	}
	return v
}

// same fails unless the decoded columns hold the rows.
func same(t *testing.T, columns map[string]proto.ColResult, rows []row) {
	t.Helper()
	for i, r := range rows {
		got := row{
			low: columns["low"].(*proto.ColLowCardinality[string]).Row(i), str: columns["str"].(*proto.ColStr).Row(i),
			lows: columns["lows"].(*proto.ColArr[string]).Row(i), strs: columns["strs"].(*proto.ColArr[string]).Row(i),
			floats: columns["floats"].(*proto.ColArr[float64]).Row(i),
			u16:    columns["u16"].(*proto.ColUInt16).Row(i), u32: columns["u32"].(*proto.ColUInt32).Row(i),
			u64: columns["u64"].(*proto.ColUInt64).Row(i), i64: columns["i64"].(*proto.ColInt64).Row(i),
			f64: columns["f64"].(*proto.ColFloat64).Row(i), bool: columns["bool"].(*proto.ColBool).Row(i),
			uuid: columns["uuid"].(*proto.ColUUID).Row(i), date: int32((*columns["date"].(*proto.ColDate))[i]),
			seconds: uint32(columns["seconds"].(*proto.ColDateTime).Data[i]), ms: int64(columns["time"].(*proto.ColDateTime64).Data[i]),
			money: int64((*columns["money"].(*proto.ColDecimal64))[i]),
		}
		if name := columns["enum"].(*proto.ColEnum).Row(i); name != "" {
			got.enum = int8(name[0]-'a') + 1
		}
		if fmt.Sprint(got) != fmt.Sprint(r) {
			t.Fatalf("row %d is\n%+v, want\n%+v", i, got, r)
		}
	}
}

// Another implementation of the format reads what was appended: for dictionaries of
// every width, in memory that was used before, and when rows come after an encoding.
func TestColumns_readBackAsTheyWere(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	b := newBuilder()
	for _, c := range []struct{ rows, kinds, keep int }{{1, 1, 0}, {100, 1, 1 << 30}, {300, 3, 1 << 30}, {3000, 256, 1 << 20}, {3000, 1 << 30, 1 << 30}, {200_000, 1 << 30, 0}, {10, 3, 0}} {
		var rows []row
		var last row
		for i := range c.rows {
			last = randomRow(r, c.kinds, last)
			rows = append(rows, last)
			b.add(last)
			if i == c.rows/2 {
				same(t, clickhousetest.Decode(t, b.Block()), rows)
			}
		}
		if b.Rows() != c.rows {
			t.Errorf("%d rows, want %d", b.Rows(), c.rows)
		}
		same(t, clickhousetest.Decode(t, b.Block()), rows)
		b.Reset(c.keep)
		if b.Rows() != 0 {
			t.Errorf("%d rows after Reset", b.Rows())
		}
		clickhousetest.Decode(t, b.Block())
	}
}

// However rows are spread over blocks, the server gets the same.
func TestInsert_joinsBlocks(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	server := clickhousetest.Start(t)
	conn := server.Open(t, server.Writer)
	inserter := clickhouse.NewInserter(server.Config())
	defer inserter.Close()
	exec(t, conn, "DROP DATABASE IF EXISTS columns SYNC")
	exec(t, conn, "CREATE DATABASE columns")
	var list []string
	for _, c := range everyType().Columns {
		list = append(list, c.Name+" "+c.Type)
	}
	for _, table := range []string{"columns.t", "columns.whole"} {
		exec(t, conn, "CREATE TABLE "+table+" ("+strings.Join(list, ", ")+") ENGINE = MergeTree ORDER BY tuple()")
	}
	for _, kinds := range []int{1, 3, 300, 1 << 30} {
		// Of 70,000 different values in all, no block has more than 65,536.
		sizes := []int{7, 0, 1, 300}
		if kinds == 1<<30 {
			sizes = []int{300, 30_000, 0, 39_700}
		}
		whole := newBuilder()
		var blocks []clickhouse.Block
		var last row
		for _, size := range sizes {
			part := newBuilder()
			for range size {
				last = randomRow(r, kinds, last)
				part.add(last)
				whole.add(last)
			}
			blocks = append(blocks, part.Block())
		}
		for range 2 { // the second time the columns were encoded before
			for table, blocks := range map[string][]clickhouse.Block{"columns.t": blocks, "columns.whole": {whole.Block()}} {
				blocks = slices.Clone(blocks)
				for i := range blocks {
					blocks[i].Table = table
				}
				if err := inserter.Insert(t.Context(), fmt.Sprint(kinds), blocks...); err != nil {
					t.Fatal(err)
				}
			}
			if n := count(t, conn, "SELECT count() FROM columns.t"); n != uint64(whole.Rows()) {
				t.Errorf("%d kinds: %d rows, want %d", kinds, n, whole.Rows())
			}
			for _, c := range everyType().Columns {
				sum := "SELECT groupBitXor(cityHash64(rowNumberInAllBlocks(), " + c.Name + ")) FROM (SELECT * FROM columns."
				if a, b := count(t, conn, sum+"t ORDER BY i64, u64)"), count(t, conn, sum+"whole ORDER BY i64, u64)"); a != b {
					t.Errorf("%d kinds: column %s differs", kinds, c.Name)
				}
			}
			exec(t, conn, "TRUNCATE TABLE columns.t")
			exec(t, conn, "TRUNCATE TABLE columns.whole")
		}
	}
	exec(t, conn, "DROP DATABASE columns SYNC")
}

// What is no block of one table is not sent.
func TestInsert_refusesBlocksThatDoNotFit(t *testing.T) {
	inserter := clickhouse.NewInserter(clickhouse.Config{URL: "http://127.0.0.1:1", User: "u"})
	defer inserter.Close()
	number := func(n ...uint64) proto.InputColumn { return proto.InputColumn{Name: "n", Data: (*proto.ColUInt64)(&n)} }
	low := new(proto.ColStr).LowCardinality()
	low.Append("x")
	ours := clickhouse.NewColumns(schema.Table{Database: "d", Name: "t", Columns: []schema.Column{{Name: "n", Type: "UInt64"}}})
	ours.UInt64("n").Append(1)
	most := make([]uint64, clickhouse.MaxRows)
	for name, blocks := range map[string][]clickhouse.Block{
		"tables":       {block("d.t", number(1)), block("d.u", number(1))},
		"columns":      {block("d.t", number(1)), block("d.t", number(1), number(2))},
		"names":        {block("d.t", number(1)), block("d.t", proto.InputColumn{Name: "m", Data: &proto.ColUInt64{1}})},
		"types":        {block("d.t", number(1)), block("d.t", proto.InputColumn{Name: "n", Data: &proto.ColUInt16{1}})},
		"rows":         {block("d.t", number(1), number(1, 2))},
		"dictionaries": {block("d.t", proto.InputColumn{Name: "n", Data: low}), block("d.t", proto.InputColumn{Name: "n", Data: low})},
		"mixture":      {ours.Block(), block("d.t", number(1))},
		"too many":     {block("d.t", number(most...)), block("d.t", number(1))},
	} {
		err := inserter.Insert(t.Context(), "token", blocks...)
		if err == nil || strings.Contains(err.Error(), "dial") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Nor is what has no rows.
	if err := inserter.Insert(t.Context(), "token", block("d.t", number()), block("d.t", number())); err != nil {
		t.Error(err)
	}
}

func TestColumns_refuseWhatIsNotDeclared(t *testing.T) {
	for name, add := range map[string]func(c *clickhouse.Columns){
		"name":       func(c *clickhouse.Columns) { c.Low("str") },
		"type":       func(c *clickhouse.Columns) { c.Str("low") },
		"incomplete": func(c *clickhouse.Columns) { c.Low("low"); c.Complete() },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			c := clickhouse.NewColumns(everyType())
			add(&c)
		})
	}
}

// Bytes grows with what rows hold, and Reset gives back what a burst took.
func TestColumns_memory(t *testing.T) {
	b := newBuilder()
	text := strings.Repeat("x", 1000)
	fill := func(n int) {
		for i := range n {
			b.add(row{low: fmt.Sprint(i), str: text})
		}
	}
	fill(1000)
	first := b.Bytes()
	if want := 1000 * (len(text) + 2 + 69 + 3*8); first < want || first > want+60_000 {
		t.Errorf("%d bytes, want %d and a dictionary of 1,000", first, want)
	}
	fill(20_000)
	if b.Bytes() < 20*first {
		t.Errorf("%d bytes for 21 times the rows of %d", b.Bytes(), first)
	}
	again := func() {
		b.Reset(1 << 20)
		fill(20_000)
	}
	again()
	if got := testing.AllocsPerRun(1, again); got > 2*20_000+100 { // the texts
		t.Errorf("the same rows again allocate %v times", got)
	}
	b.Reset(1 << 20)
	fill(10)
	b.Reset(1 << 20)
	if got := testing.AllocsPerRun(1, func() { b.Reset(1 << 20) }); got != 0 {
		t.Errorf("a second Reset allocates %v times", got)
	}
	if b.Bytes() > 8*256<<10 {
		t.Errorf("%d bytes without rows", b.Bytes())
	}
}

func TestValues_areMovedIntoTheRangeOfTheirColumns(t *testing.T) {
	first := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	last := time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
	for _, c := range []struct{ ms, want int64 }{{math.MinInt64, first}, {first, first}, {0, 0}, {last, last}, {last + 1, last}} {
		if got := clickhouse.Millis(c.ms); got != c.want {
			t.Errorf("Millis(%d) = %d, want %d", c.ms, got, c.want)
		}
		if got := clickhouse.InRange(c.ms); got != (c.ms == c.want) {
			t.Errorf("InRange(%d) = %v", c.ms, got)
		}
	}
	b := newBuilder()
	extremes := []row{{date: -1, money: math.MaxInt64, ms: math.MinInt64, enum: 1}, {date: 70_000, money: math.MinInt64, ms: math.MaxInt64, enum: 1}, {date: 20_000, money: 5, ms: 7, enum: 1}}
	for _, r := range extremes {
		b.add(r)
	}
	const most = 999_999_999_999_999_999
	extremes[0].date, extremes[0].money, extremes[0].ms = 0, most, first
	extremes[1].date, extremes[1].money, extremes[1].ms = math.MaxUint16, -most, last
	same(t, clickhousetest.Decode(t, b.Block()), extremes)
}
