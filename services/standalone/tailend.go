package standalone

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// span is what tail reads of each partition: from an offset to the end that the
// log had when tail began.
type span struct {
	from, to map[int32]int64
}

// spanOf resolves `from` (start, end, a time, or how long ago).
func spanOf(ctx context.Context, cl *kgo.Client, topic, from string) (span, error) {
	adm := kadm.NewClient(cl)
	ends, err := listed(adm.ListEndOffsets(ctx, topic))
	if err != nil {
		return span{}, err
	}
	var begins kadm.ListedOffsets
	switch from {
	case "start":
		begins, err = listed(adm.ListStartOffsets(ctx, topic))
	case "end":
		begins = ends
	default:
		var at time.Time
		if at, err = parseTime(from, time.Now()); err != nil {
			return span{}, fmt.Errorf("from: want start, end or a time: %w", err)
		}
		begins, err = listed(adm.ListOffsetsAfterMilli(ctx, at.UnixMilli(), topic))
	}
	if err != nil {
		return span{}, err
	}
	s := span{make(map[int32]int64), make(map[int32]int64)}
	begins.Each(func(o kadm.ListedOffset) {
		end, _ := ends.Lookup(topic, o.Partition)
		s.from[o.Partition], s.to[o.Partition] = o.Offset, end.Offset
	})
	return s, nil
}

func listed(offsets kadm.ListedOffsets, err error) (kadm.ListedOffsets, error) {
	if err == nil {
		err = offsets.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list offsets: %w", err)
	}
	return offsets, nil
}

// parseTime reads a time, or a duration as so long before now.
func parseTime(text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("want a time such as 2026-01-31T08:00:00Z or a duration such as 10m, got %q", text)
	}
	return at, nil
}

// partitions returns where to begin; without follow, partitions that have
// nothing to read are left out.
func (s span) partitions(follow bool) map[int32]kgo.Offset {
	offsets := make(map[int32]kgo.Offset)
	for p, from := range s.from {
		if follow || from < s.to[p] {
			offsets[p] = kgo.NewOffset().At(from)
		}
	}
	return offsets
}

// passed notes a record that was printed; empty tells when all were.
func (s span) passed(r *kgo.Record) {
	if r.Offset >= s.to[r.Partition]-1 {
		delete(s.from, r.Partition)
	}
}

func (s span) empty() bool {
	for p, from := range s.from {
		if from < s.to[p] {
			return false
		}
	}
	return true
}
