package snapshot

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/kafka"
)

// Append produces the records and returns when all of them are acknowledged, or
// with the first error. Records may have been written also when it fails.
func Append(ctx context.Context, producer *kgo.Client, records []*kgo.Record) error {
	results := make(chan error, len(records))
	for _, r := range records {
		producer.Produce(ctx, r, func(r *kgo.Record, err error) {
			if err != nil {
				err = fmt.Errorf("append to %s partition %d: %w", r.Topic, r.Partition, err)
			}
			results <- err
		})
	}
	for range records {
		select {
		case err := <-results:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			// The acknowledgement of a broker that hangs is not waited for: the
			// partition has to be given up now.
			return ctx.Err()
		}
	}
	return nil
}

// Reader reads compacted logs back.
type Reader struct {
	Kafka kafka.Config
	Deps  kafka.Deps
	// Client asks for the bounds of logs.
	Client *kgo.Client
}

// ReadAll calls fn with the records of a partition from its start and returns its
// end, once that has stood still since the last record was passed. A key whose
// record was compacted away while it was being read has a later one, and that was
// passed too.
func (r Reader) ReadAll(ctx context.Context, topic string, partition int32, fn func(*kgo.Record) error) (end int64, err error) {
	var next, start int64
	pass := func(rec *kgo.Record) error {
		next = rec.Offset + 1
		return fn(rec)
	}
	for {
		if start, end, err = kafka.Bounds(ctx, r.Client, topic, partition); err != nil {
			return 0, err
		}
		if end < next {
			return 0, fmt.Errorf("%s partition %d was read up to %d, and ends at %d: %w", topic, partition, next, end, checkpoint.ErrTruncated)
		}
		// Compaction may move the start past what was still to be read.
		if next = max(next, start); next == end {
			return end, nil
		}
		err := kafka.Scan(ctx, r.Kafka, r.Deps, topic, partition, next, end, pass)
		switch {
		case err == nil:
			next = end
		case !errors.Is(err, kerr.OffsetOutOfRange):
			return 0, err
		}
	}
}
