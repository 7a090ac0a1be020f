package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/clickhouse"
)

const (
	// settledPoll is the time between two looks, settledPolls how many of them
	// must find the same number: rows land within half a second of each other
	// while any are under way.
	settledPoll  = 250 * time.Millisecond
	settledPolls = 5
)

// Settled waits until the project holds at least want events of a history and
// their number has not grown for a second: on a later start most of them are
// there before anything is sent. Live events do not count. It ends with ctx, and
// says then how many there were.
func Settled(ctx context.Context, conn driver.Conn, project string, want int) error {
	query := fmt.Sprintf("SELECT count() FROM analytics.touchpoints WHERE project = %s AND startsWith(message_id, %s)",
		clickhouse.Literal(project), clickhouse.Literal(historyPrefix))
	var before uint64
	for same := 0; ; {
		var stored uint64
		if err := conn.QueryRow(ctx, query).Scan(&stored); err != nil {
			return fmt.Errorf("count events of the history: %w", err)
		}
		if same++; stored != before {
			before, same = stored, 1
		}
		if stored >= uint64(max(want, 0)) && same >= settledPolls {
			return nil
		}
		if !pause(ctx, settledPoll) {
			return fmt.Errorf("wait for the history, %d of %d events stored: %w", stored, want, context.Cause(ctx))
		}
	}
}

// remembered is for how long the pipeline is relied on to know a message again;
// it does for seven days.
const remembered = 6 * 24 * time.Hour

// After returns the time up to which the history of a project was stored so long
// ago that the pipeline may not know its messages any more: they must not be sent
// again. It is zero when there are none. A history that was broken off and left
// so for that long keeps its holes.
func After(ctx context.Context, conn driver.Conn, project string, now time.Time) (time.Time, error) {
	query := fmt.Sprintf("SELECT count(), max(event_time) FROM analytics.touchpoints WHERE project = %s AND startsWith(message_id, %s) AND received_at < %s",
		clickhouse.Literal(project), clickhouse.Literal(historyPrefix), clickhouse.Literal(now.Add(-remembered).UTC().Format(sqlTime)))
	var stored uint64
	var last time.Time
	if err := conn.QueryRow(ctx, query).Scan(&stored, &last); err != nil {
		return time.Time{}, fmt.Errorf("look for an older history: %w", err)
	}
	if stored == 0 {
		return time.Time{}, nil
	}
	return last.UTC(), nil
}

// sqlTime is how a time, in UTC, is written in a query.
const sqlTime = "2006-01-02 15:04:05"
