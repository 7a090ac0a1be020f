package tables

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/analytics/oracle"
)

// streamCount is how many projects the random rows of a table belong to, blockCount
// over how many inserts they are strewn.
const (
	streamCount = 320
	blockCount  = 12
)

func TestMain(m *testing.M) { oracle.Main(m) }

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

func streamName(i int) string { return fmt.Sprintf("stream-%04d", i) }

func insertBlocks[R any](t *testing.T, rows []R, insert func([]R)) {
	t.Helper()
	for block := range slices.Chunk(rows, len(rows)/blockCount+1) {
		insert(block)
	}
}
