package landing

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/denselog"
)

// Tables answers from the tables of database touchline what has landed. It
// implements Landed.
type Tables struct{ Conn driver.Conn }

// Topic implements Landed. Of several ids that were accepted for a name, the one
// accepted last counts.
func (t Tables) Topic(ctx context.Context, name, id string) (string, error) {
	known, err := t.latestTopic(ctx, name)
	if err != nil || known != "" {
		return known, err
	}
	err = t.Conn.Exec(ctx, "INSERT INTO touchline.topics (name, topic_id, first_seen) SETTINGS async_insert = 0 VALUES (?, ?, now64(3))", name, id)
	if err != nil {
		return "", fmt.Errorf("note topic %s: %w", name, err)
	}
	return t.latestTopic(ctx, name)
}

func (t Tables) latestTopic(ctx context.Context, name string) (id string, err error) {
	// No rows give the empty string.
	err = t.Conn.QueryRow(ctx, "SELECT argMax(topic_id, seen) FROM (SELECT topic_id, min(first_seen) AS seen FROM touchline.topics WHERE name = ? GROUP BY topic_id)", name).Scan(&id)
	if err != nil {
		return "", fmt.Errorf("ask which topic %s has landed: %w", name, err)
	}
	return id, nil
}

// Mark implements Landed from the table outcomes: its rows are the last of a chunk
// and come in one part.
func (t Tables) Mark(ctx context.Context, source string, partition int32) (int64, error) {
	var rows uint64
	var mark int64
	err := t.Conn.QueryRow(ctx, "SELECT count(), max(cut) FROM touchline.outcomes WHERE src_topic = ? AND src_partition = ?", source, uint16(partition)).Scan(&rows, &mark)
	if err != nil {
		return 0, fmt.Errorf("ask how far %s partition %d has landed: %w", source, partition, err)
	}
	if rows == 0 {
		return denselog.None, nil
	}
	return mark, nil
}

// Count implements Landed for the tables touchpoints and rejected.
func (t Tables) Count(ctx context.Context, table, source string, partition int32, after, upTo int64) (int, error) {
	var n uint64
	// Names of tables come from package schemas/clickhouse.
	err := t.Conn.QueryRow(ctx, "SELECT count() FROM "+table+" WHERE src_topic = ? AND src_partition = ? AND src_offset > ? AND src_offset <= ?",
		source, uint16(partition), after, upTo).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count rows of %s partition %d in %s: %w", source, partition, table, err)
	}
	return int(n), nil
}

// Parts implements Landed from the block numbers of touchpoints and outcomes. Each
// part of touchpoints takes one, and each chunk makes a part of outcomes. Views and
// rejected make no more parts of a block than the two together, but for some of a
// month's first and last day.
func (t Tables) Parts(ctx context.Context) (int64, error) {
	var parts int64
	err := t.Conn.QueryRow(ctx, "SELECT sum(last) FROM (SELECT max(max_block_number) AS last FROM system.parts WHERE database = 'touchline' AND table IN ('touchpoints', 'outcomes') GROUP BY table)").Scan(&parts)
	if err != nil {
		return 0, fmt.Errorf("count parts: %w", err)
	}
	return parts, nil
}
