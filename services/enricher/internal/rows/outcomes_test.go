package rows_test

import (
	"math"
	"slices"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/rows"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/denselog"
)

// outcomeRow is a row of a block of outcomes.
type outcomeRow struct {
	project, outcome, reason string
	minute                   uint32
	events, lo, hi           uint64
	mark, cut                int64
}

func outcomeRows(t *testing.T, block clickhouse.Block) []outcomeRow {
	t.Helper()
	if block.Table != "touchline.outcomes" {
		t.Fatalf("the last block is of %s", block.Table)
	}
	columns := clickhousetest.Decode(t, block)
	low := func(name string, i int) string { return columns[name].(*proto.ColLowCardinality[string]).Row(i) }
	count := func(name string, i int) uint64 { return columns[name].(*proto.ColUInt64).Row(i) }
	mark := func(name string, i int) int64 { return columns[name].(*proto.ColInt64).Row(i) }
	var found []outcomeRow
	for i := range block.Rows() {
		found = append(found, outcomeRow{
			project: low("project", i), outcome: low("outcome", i), reason: low("reason", i),
			minute: uint32(columns["minute"].(*proto.ColDateTime).Data[i]),
			events: count("events", i), lo: count("min_offset", i), hi: count("max_offset", i),
			mark: mark("mark", i), cut: mark("cut", i),
		})
	}
	return found
}

func record(e event.Enriched) *kgo.Record { return &kgo.Record{Value: e.Append(nil)} }

func stored(project string, receivedAt int64) event.Enriched {
	return event.Enriched{Outcome: event.Stored, Project: project, ReceivedAt: receivedAt, Touchpoint: event.Touchpoint{EventID: uuid.New(), Event: "e", EventTime: 1795290315405}}
}

// The order is a contract: a row of outcomes proves that the other blocks of its
// chunk are in.
func TestBuilder_outcomesAreTheLastBlock(t *testing.T) {
	var tables []string
	for _, b := range rows.New("t", 0).Blocks(denselog.None, 0) {
		tables = append(tables, b.Table)
	}
	if want := []string{"touchline.touchpoints", "touchline.rejected", "touchline.identity_links", "touchline.outcomes"}; !slices.Equal(tables, want) {
		t.Errorf("blocks of %q, want %q", tables, want)
	}
}

func TestBuilder_countsEachRecordUnderItsOutcome(t *testing.T) {
	b := rows.New("t", 0)
	add := func(e event.Enriched, prev, src int64) {
		t.Helper()
		if err := b.Add(record(e), denselog.Position{Src: src, Prev: prev, Outcome: e.Outcome}); err != nil {
			t.Fatal(err)
		}
	}
	duplicate := event.Enriched{Outcome: event.Duplicate, Reason: event.SameMessage, Project: "a", ReceivedAt: 60_000}
	rejected := event.Enriched{Outcome: event.Rejected, Reason: event.UnreadableRecord, ReceivedAt: 119_999}
	lost := event.Enriched{Outcome: event.LostRetention, ReceivedAt: 60_000}
	for range 2 { // the second time in the memory of the first
		add(lost, 4, 19) // 5 to 9 had been taken when the range was read again
		add(stored("a", 60_000), 19, 20)
		add(duplicate, 20, 21)
		add(stored("b", 60_001), 21, 22)
		add(stored("a", 119_999), 22, 23)
		add(stored("a", 120_000), 23, 24)
		add(rejected, 24, 25)
		add(lost, 22, 27)
		add(event.Enriched{Outcome: event.Dropped, Reason: "r", Project: "b", ReceivedAt: math.MaxInt64}, 27, 28)
		if b.Rows() != 9 {
			t.Errorf("the chunk has %d records, want 9", b.Rows())
		}
		const last = 4294967280
		want := []outcomeRow{
			{"", "lost_retention", "", 60, 10, 10, 19, 9, 28},
			{"a", "stored", "", 60, 2, 20, 23, 9, 28},
			{"a", "duplicate", "same_message", 60, 1, 21, 21, 9, 28},
			{"b", "stored", "", 60, 1, 22, 22, 9, 28},
			{"a", "stored", "", 120, 1, 24, 24, 9, 28},
			{"", "rejected", "unreadable_record", 0, 1, 25, 25, 9, 28},
			{"", "lost_retention", "", 60, 2, 26, 27, 9, 28},
			{"b", "dropped", "r", last, 1, 28, 28, 9, 28},
		}
		for range 2 { // asking again changes nothing
			blocks := b.Blocks(9, 28)
			if got := outcomeRows(t, blocks[len(blocks)-1]); !slices.Equal(got, want) {
				t.Errorf("outcomes are\n%v, want\n%v", got, want)
			}
		}
		b.Reset()
	}
	if b.Rows() != 0 || outcomeRows(t, b.Blocks(0, 0)[3]) != nil {
		t.Error("something is left after Reset")
	}
}

// A chunk of duplicates only has no row in any other table, and must land all the
// same.
func TestBuilder_aChunkOfDuplicatesHasRows(t *testing.T) {
	b := rows.New("t", 0)
	if err := b.Add(record(event.Enriched{Outcome: event.Duplicate}), denselog.Position{Src: 0, Prev: -1}); err != nil {
		t.Fatal(err)
	}
	if b.Rows() != 1 || b.Blocks(-1, 0)[3].Rows() != 1 {
		t.Error("the chunk looks empty")
	}
}

// Bytes is asked after every record and never says less than the rows take.
func TestBuilder_bytesFollowTheRows(t *testing.T) {
	b := rows.New("t", 0)
	const size = 10_000
	for range 2 {
		for i := range 100 {
			e := stored("project", 60_000)
			e.Touchpoint.Properties = make([]byte, size)
			if err := b.Add(record(e), denselog.Position{Src: int64(i), Prev: int64(i - 1)}); err != nil {
				t.Fatal(err)
			}
			if least, most := (i+1)*size, (i+1)*(size+600)+32<<10; b.Bytes() < least || b.Bytes() > most {
				t.Fatalf("%d rows take %d bytes, want %d to %d", i+1, b.Bytes(), least, most)
			}
		}
		b.Reset()
		if b.Bytes() > 32<<10 {
			t.Errorf("%d bytes after Reset", b.Bytes())
		}
	}
}

// A builder serves one partition after the other, and its rows hold nothing of the
// records, whose memory is used again.
func TestBuilder_beginsAnotherPartition(t *testing.T) {
	b := rows.New("first", 1)
	for _, c := range []struct {
		source    string
		partition int32
	}{{"first", 1}, {"second", 2}, {"first", 3}} {
		b.Begin(c.source, c.partition)
		for src, e := range []event.Enriched{stored("project", 60_000), {Outcome: event.Rejected, Reason: event.MalformedJSON, Project: "project", ReceivedAt: 60_000}} {
			e.Touchpoint.LinkedPerson = 1
			r := linking(e, 60_000)
			if err := b.Add(r, denselog.Position{Src: int64(src), Prev: int64(src - 1)}); err != nil {
				t.Fatal(err)
			}
			clear(r.Value)
		}
		for _, block := range b.Blocks(denselog.None, 1) {
			columns := clickhousetest.Decode(t, block)
			for i := range block.Rows() {
				topic, project := columns["src_topic"].(*proto.ColLowCardinality[string]).Row(i), columns["project"].(*proto.ColLowCardinality[string]).Row(i)
				partition := columns["src_partition"].(*proto.ColUInt16).Row(i)
				if topic != c.source || partition != uint16(c.partition) || project != "project" {
					t.Errorf("row %d of %s is of %q %q %d, want those of %v", i, block.Table, project, topic, partition, c)
				}
			}
			if block.Rows() == 0 {
				t.Errorf("%s has no rows", block.Table)
			}
		}
	}
}

// Repeating a chunk under its token doubles nothing, in the tables and in what
// views fill; the view and the builder agree about the minute, for every time.
func TestBuilder_outcomesAndLandedAgree(t *testing.T) {
	server := clickhousetest.Start(t)
	conn := server.Open(t, server.Writer)
	if _, err := clickhouse.Migrate(t.Context(), conn, clickhouse.Account{User: server.Writer.User, Password: server.Writer.Password}); err != nil {
		t.Fatal(err)
	}
	topic := uuid.NewString()
	b := rows.New(topic, 7)
	times := []int64{math.MinInt64, -2208988800001, -60_001, -1, 0, 59_999, 60_000, 1795290315405, 4_294_967_279_999, 4_294_967_295_999, 4_294_967_296_000, 10413791999999, math.MaxInt64}
	for i, at := range times {
		if err := b.Add(record(stored("minutes", at)), denselog.Position{Src: int64(i), Prev: int64(i - 1)}); err != nil {
			t.Fatal(err)
		}
	}
	inserter := clickhouse.NewInserter(clickhouse.Config{URL: server.URL, User: server.Writer.User, Password: config.NewSecret(server.Writer.Password)})
	for range 3 {
		for _, block := range b.Blocks(-1, int64(len(times)-1)) {
			if block.Rows() == 0 {
				continue
			}
			if err := inserter.Insert(t.Context(), topic, block); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := map[uint32]uint64{}
	for _, at := range times {
		want[schema.Minute(at)]++
	}
	for _, table := range []string{"landed", "outcomes"} {
		rows, err := conn.Query(t.Context(), "SELECT toUnixTimestamp(minute) AS m, sum(events) FROM touchline."+table+" WHERE src_topic = ? AND src_partition = 7 GROUP BY m", topic)
		if err != nil {
			t.Fatal(err)
		}
		found := map[uint32]uint64{}
		for rows.Next() {
			var minute uint32
			var events uint64
			if err := rows.Scan(&minute, &events); err != nil {
				t.Fatal(err)
			}
			found[minute] = events
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if len(found) != len(want) {
			t.Errorf("%s has the minutes %v, want %v", table, found, want)
		}
		for minute, events := range want {
			if found[minute] != events {
				t.Errorf("%s has %d events in minute %d, want %d", table, found[minute], minute, events)
			}
		}
	}
	var parts uint64
	if err := conn.QueryRow(t.Context(), "SELECT uniqExact(_part) FROM touchline.outcomes WHERE src_topic = ?", topic).Scan(&parts); err != nil || parts != 1 {
		t.Errorf("the outcomes of a chunk are in %d parts (%v), want 1", parts, err)
	}
}
