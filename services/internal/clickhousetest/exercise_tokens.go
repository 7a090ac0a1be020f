package clickhousetest

import (
	"fmt"
	"sync"

	"github.com/ClickHouse/ch-go/proto"

	"touchline.dev/services/internal/clickhouse"
)

// tokenConditions are about what a token covers.
func tokenConditions() []condition {
	return []condition{
		{name: "a repeated block is dropped", prove: repeated,
			why: "an insert whose answer was lost is sent again: neither the table nor any target of its views may take it twice"},
		{name: "a repeated block is dropped after many others", prove: repeatedLater,
			why: "whoever takes a partition over repeats its last chunk while other partitions have gone on"},
		{name: "concurrent inserts of one token count once", prove: concurrent,
			why: "a zombie and the new owner of a partition may send the same chunk at the same time"},
		{name: "a half-written block is completed", prove: halfWritten,
			why: "a server that dies between two parts of a block must get the others from the repetition, and not the first ones again"},
		{name: "danger: another block under a known token is lost", prove: otherRows,
			why: "a token must name its rows: topic id, partition, range and mark"},
		{name: "danger: the same rows in other blocks double", prove: otherSplit,
			why: "a chunk keeps its range once its intent is committed: no split, no growth, no other place"},
		{name: "danger: the window counts parts", prove: windowOfParts,
			why: "an intent may be repeated blindly only while less than the window's number of parts came after it"},
	}
}

func repeated(x *exercise) {
	x.numbers()
	x.insert("a", span(1, 1000, 12))
	x.wantState(stateOf(1000, 1))
	for range 3 {
		x.insert("a", span(1, 1000, 12))
		x.wantState(stateOf(1000, 1))
	}
	// The proof can fail: only the token keeps the rows out.
	x.insert("b", span(1, 1000, 12))
	x.wantState(stateOf(1000, 2))
}

func repeatedLater(x *exercise) {
	x.numbers()
	const blocks, size = 20, 20
	for range 2 {
		for i := range blocks {
			x.insert(fmt.Sprint("block ", i), span(1+i*size, (i+1)*size, 2))
		}
		x.wantState(stateOf(blocks*size, 1))
	}
}

func concurrent(x *exercise) {
	x.numbers()
	const rounds, writers, size = 5, 4, 2000
	for round := range rounds {
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				b := span(1+round*size, (round+1)*size, 6)
				if err := x.inserter.Insert(x.Context(), fmt.Sprint("round ", round), b); err != nil {
					x.Errorf("insert with %d others: %v", writers-1, err)
				}
			})
		}
		all.Wait()
		x.wantState(stateOf((round+1)*size, 1))
	}
}

// halfWritten brings about the state after a crash: some months of a block are there
// under its token. The tables that views fill get whole blocks at all times, so this
// is about a table without views.
func halfWritten(x *exercise) {
	x.exec("CREATE TABLE exercise.numbers (n UInt64, month UInt16) ENGINE = MergeTree PARTITION BY month ORDER BY n" + window)
	some := func(months ...uint16) clickhouse.Block {
		n, month := new(proto.ColUInt64), new(proto.ColUInt16)
		for i := range 120 {
			for _, m := range months {
				if uint16(i%12) == m {
					n.Append(uint64(i))
					month.Append(m)
				}
			}
		}
		return clickhouse.Block{Table: "exercise.numbers", Input: proto.Input{{Name: "n", Data: n}, {Name: "month", Data: month}}}
	}
	whole := some(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	x.insert("a", some(0, 1, 2, 3, 4))
	x.want("SELECT count() FROM exercise.numbers", 50)
	for range 2 {
		x.insert("a", whole)
		x.want("SELECT count() FROM exercise.numbers", 120)
		x.want("SELECT uniqExact(n) FROM exercise.numbers", 120)
	}
}

func otherRows(x *exercise) {
	x.numbers()
	x.insert("a", span(1, 100, 1))
	x.insert("a", span(101, 200, 1))
	x.wantState(stateOf(100, 1))
}

func otherSplit(x *exercise) {
	x.numbers()
	x.insert("1-100", span(1, 100, 1))
	x.insert("1-50", span(1, 50, 1))
	x.insert("51-100", span(51, 100, 1))
	x.wantState(stateOf(100, 2))
}

func windowOfParts(x *exercise) {
	x.exec("CREATE TABLE exercise.numbers (n UInt64, month UInt16) ENGINE = MergeTree PARTITION BY month ORDER BY n SETTINGS non_replicated_deduplication_window = 4")
	x.insert("four parts", span(1, 40, 4))
	x.insert("four parts", span(1, 40, 4))
	x.want("SELECT count() FROM exercise.numbers", 40)
	// One block of six parts pushes its own first parts out.
	x.insert("six parts", span(1, 60, 6))
	x.insert("six parts", span(1, 60, 6))
	x.want("SELECT count() > 100 FROM exercise.numbers", 1)
}
