package clickhousetest

import (
	"fmt"

	"github.com/ClickHouse/ch-go/proto"

	"touchline.dev/services/internal/clickhouse"
)

// blockConditions are about how an insert becomes parts.
func blockConditions() []condition {
	return []condition{
		{name: "an insert of up to 1,048,449 rows is one block", prove: oneBlock,
			why: "a view that groups a chunk makes one row for it only if the server does not cut the chunk"},
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
	const most = 1_048_449
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
