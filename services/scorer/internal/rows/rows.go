// Package rows turns records of the scores topic into column blocks for the tables
// profiles and scores.
//
// It reads touchlinepb.Profile, writes ch-go columns in the order that package
// schemas/clickhouse declares, and guarantees that every value it writes is one
// that ClickHouse takes: times and amounts are within their types' range. The
// rows of a chunk are a pure function of the records added to it.
package rows

import (
	"fmt"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
	pb "google.golang.org/protobuf/proto"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/internal/clickhouse"
)

// Builder builds the blocks of one chunk of the scores topic. It is a
// landing.Builder and not safe for concurrent use.
type Builder struct {
	profiles *profiles
	scores   *scores
	profile  touchlinepb.Profile
	bytes    int
}

// New returns an empty builder.
func New() *Builder { return &Builder{profiles: newProfiles(), scores: newScores()} }

// Add appends the rows that the record stands for: one in profiles and one in
// scores for each model.
func (b *Builder) Add(r *kgo.Record, _ int64) error {
	if err := pb.Unmarshal(r.Value, &b.profile); err != nil {
		return fmt.Errorf("decode profile: %w", err)
	}
	b.profiles.add(&b.profile)
	for _, s := range b.profile.Scores {
		b.scores.add(&b.profile, s)
	}
	b.bytes += len(r.Value) + rowBytes*(1+len(b.profile.Scores))
	return nil
}

// rowBytes is what the fixed-width columns of a row take, and the bookkeeping of
// its strings: 20 columns of at most 16 bytes.
const rowBytes = 320

// Rows returns the number of rows of both tables.
func (b *Builder) Rows() int { return b.profiles.project.Rows() + b.scores.project.Rows() }

// Bytes returns roughly what the rows take in memory.
func (b *Builder) Bytes() int { return b.bytes }

// Blocks returns the block of profiles, then that of scores.
func (b *Builder) Blocks() []clickhouse.Block {
	return []clickhouse.Block{
		{Table: b.profiles.table.FullName(), Input: b.profiles.input},
		{Table: b.scores.table.FullName(), Input: b.scores.input},
	}
}

// Reset empties the builder and keeps its memory.
func (b *Builder) Reset() {
	b.profiles.input.Reset()
	b.scores.input.Reset()
	b.bytes = 0
}

// columns is one table's block under construction.
type columns struct {
	table schema.Table
	input proto.Input
}

// add declares the next column of the table; the builder's constructor calls it
// once for each column, in the table's order.
func add[C proto.ColInput](c *columns, name string, col C) C {
	if want := c.table.Columns[len(c.input)].Name; want != name {
		panic("rows: column " + name + " of " + c.table.Name + " stands where " + want + " is declared")
	}
	c.input = append(c.input, proto.InputColumn{Name: name, Data: col})
	return col
}

func (c *columns) low(name string) *proto.ColLowCardinality[string] {
	return add(c, name, new(proto.ColStr).LowCardinality())
}

func (c *columns) str(name string) *proto.ColStr { return add(c, name, new(proto.ColStr)) }

func (c *columns) uint64(name string) *proto.ColUInt64 { return add(c, name, new(proto.ColUInt64)) }

func (c *columns) time(name string) *proto.ColDateTime64 {
	return add(c, name, new(proto.ColDateTime64).WithPrecision(proto.PrecisionMilli).WithLocation(time.UTC))
}

func (c *columns) complete() {
	if len(c.input) != len(c.table.Columns) {
		panic("rows: not every column of " + c.table.Name + " is built")
	}
}

// The range of DateTime64(3): 1900-01-01 to 2299-12-31 23:59:59.999 UTC, in
// milliseconds since 1970.
var (
	minMillis = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	maxMillis = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
)

func millis(ms int64) proto.DateTime64 {
	return proto.DateTime64(max(minMillis, min(maxMillis, ms)))
}

// maxMoney is the largest amount of Decimal(18, 4), in 1/10000.
const maxMoney = 999_999_999_999_999_999

func money(e4 int64) proto.Decimal64 { return proto.Decimal64(max(-maxMoney, min(maxMoney, e4))) }

// decimalColumn is Decimal(18, 4): ch-go's 64-bit decimals with the precision in
// the type's name, as the table declares it.
type decimalColumn struct{ proto.ColDecimal64 }

// Type implements proto.ColInput.
func (*decimalColumn) Type() proto.ColumnType { return "Decimal(18, 4)" }
