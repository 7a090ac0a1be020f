// Package history reads back from ClickHouse what was folded once: the events of
// people, from which the fragments can be made again when their topics are lost.
//
// It reads the table touchpoints and writes nothing. It guarantees that all the
// events of a person in a partition come one after the other, each once, in no
// particular order beyond that.
package history

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/schemas/event"
)

// Tables reads the tables of database touchline.
type Tables struct{ Conn driver.Conn }

// Part names the rows of one partition that a reader of the dense log has passed.
type Part struct {
	Partition int32
	// Source is the id of the raw topic that Mark belongs to; its rows count up
	// to Mark, which is -1 for none.
	Source string
	Mark   int64
	// Next is the id of the raw topic whose rows do not count, because the reader
	// will come to them; it may be Source itself. Rows of all other topics count:
	// those are logs of before.
	Next string
}

// sliceRows is about how many rows are sorted at once: half a million of 300
// bytes are 150 MB in ClickHouse, and a second's work.
const sliceRows = 500_000

// Slices returns into how many slices the rows of the part are cut. A person is
// in one slice as a whole.
func (h Tables) Slices(ctx context.Context, part Part) (int, error) {
	var n uint64
	err := h.Conn.QueryRow(ctx, "SELECT count() FROM touchline.touchpoints WHERE "+inPart, part.args()...).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count events of partition %d: %w", part.Partition, err)
	}
	return int(n/sliceRows) + 1, nil
}

const inPart = `src_partition = ? AND NOT is_bot AND if(src_topic = ?, src_offset < ?, src_topic != ?)`

func (p Part) args() []any {
	return []any{uint16(p.Partition), p.Source, uint64(p.Mark + 1), p.Next}
}

// The text of a URL is kept in three parts, and an amount with four decimals.
const events = `
	SELECT project, person_id, anonymous_id, user_id, toString(event_id), type, event, name,
		concat(url_origin, url_path, url_query), toUnixTimestamp64Milli(event_time), toInt32(day),
		acquisition_channel, utm_campaign, toInt64(toDecimal128(revenue, 4) * 10000), currency, country, traits
	FROM touchline.touchpoints
	WHERE ` + inPart + ` AND person_id % ? = ?
	ORDER BY project, person_id`

// Each calls fn with every event in a slice of the part, and with a key like that
// of the record it came in. t and key are valid until fn returns.
func (h Tables) Each(ctx context.Context, part Part, slice, slices int, fn func(project string, key []byte, t *event.Touchpoint) error) error {
	rows, err := h.Conn.Query(ctx, events, append(part.args(), uint64(slices), uint64(slice))...)
	if err != nil {
		return fmt.Errorf("read events of partition %d: %w", part.Partition, err)
	}
	defer rows.Close()
	var project, id, traits string
	var key []byte
	for rows.Next() {
		var t event.Touchpoint
		err := rows.Scan(&project, &t.PersonID, &t.AnonymousID, &t.UserID, &id, &t.Type, &t.Event, &t.Name,
			&t.URL, &t.EventTime, &t.Day,
			&t.AcquisitionChannel, &t.UTMCampaign, &t.RevenueE4, &t.Currency, &t.Country, &traits)
		if err != nil {
			return fmt.Errorf("read events of partition %d: %w", part.Partition, err)
		}
		t.Traits = []byte(traits)
		key = event.Key(key[:0], project, []byte(t.AnonymousID), []byte(t.UserID), nil, []byte(id))
		if err := fn(project, key, &t); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read events of partition %d: %w", part.Partition, err)
	}
	return nil
}

// Version returns the highest version of any profile, 0 when there is none.
func (h Tables) Version(ctx context.Context) (version uint64, err error) {
	if err := h.Conn.QueryRow(ctx, "SELECT max(version) FROM touchline.profiles").Scan(&version); err != nil {
		return 0, fmt.Errorf("ask for the highest version of a profile: %w", err)
	}
	return version, nil
}
