package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/kafka"
)

// requestTimeout bounds one request to a broker.
const requestTimeout = 10 * time.Second

// fetchBytes is how much one fetch asks for; it holds the largest record.
const fetchBytes = topics.MaxRecordBytes

// logs reads the logs of an installation.
type logs struct {
	client    *kafkago.Client
	transport *kafkago.Transport
	value     []byte
}

func newLogs(cfg kafka.Config) *logs {
	t := &kafkago.Transport{ClientID: "touchline-audit", DialTimeout: requestTimeout, IdleTimeout: time.Minute}
	return &logs{transport: t, client: &kafkago.Client{Addr: kafkago.TCP(cfg.Brokers...), Timeout: requestTimeout, Transport: t}}
}

func (l *logs) close() { l.transport.CloseIdleConnections() }

// topics returns the named topics; all must exist.
func (l *logs) topics(ctx context.Context, names ...string) (map[string]topic, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	resp, err := l.transport.RoundTrip(ctx, l.client.Addr, describeTopics{names})
	if err != nil {
		return nil, fmt.Errorf("describe topics: %w", err)
	}
	found := resp.(topicsDescribed)
	for _, name := range names {
		if _, ok := found[name]; !ok {
			return nil, fmt.Errorf("describe topic %s: %w", name, errNoTopic)
		}
	}
	return found, nil
}

// bounds is the part of a partition's log that there is: [start, end).
type bounds struct{ start, end int64 }

func (l *logs) bounds(ctx context.Context, name string, partitions []int) (map[int]bounds, error) {
	var want []kafkago.OffsetRequest
	for _, p := range partitions {
		want = append(want, kafkago.FirstOffsetOf(p), kafkago.LastOffsetOf(p))
	}
	resp, err := l.client.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{name: want}})
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", name, err)
	}
	found := map[int]bounds{}
	for _, p := range resp.Topics[name] {
		if p.Error != nil {
			return nil, fmt.Errorf("list offsets of %s partition %d: %w", name, p.Partition, p.Error)
		}
		found[p.Partition] = bounds{p.FirstOffset, p.LastOffset}
	}
	if len(found) != len(partitions) {
		return nil, fmt.Errorf("list offsets of %s: the answer names %d of %d partitions", name, len(found), len(partitions))
	}
	return found, nil
}

// offsetsAt returns the first offset of each partition that was appended at the
// time or later; the end where there is none.
func (l *logs) offsetsAt(ctx context.Context, name string, partitions []int, at time.Time) (map[int]int64, error) {
	found := map[int]int64{}
	ends, err := l.bounds(ctx, name, partitions)
	if err != nil {
		return nil, err
	}
	for _, p := range partitions {
		found[p] = ends[p].end
	}
	var want []kafkago.OffsetRequest
	for _, p := range partitions {
		want = append(want, kafkago.TimeOffsetOf(p, at))
	}
	resp, err := l.client.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{name: want}})
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", name, err)
	}
	for _, p := range resp.Topics[name] {
		if p.Error != nil {
			return nil, fmt.Errorf("list offsets of %s partition %d: %w", name, p.Partition, p.Error)
		}
		for offset := range p.Offsets {
			if offset >= 0 {
				found[p.Partition] = offset
			}
		}
	}
	return found, nil
}

// commits returns what the landing has committed, by partition; a partition that
// was never committed is not in it.
func (l *logs) commits(ctx context.Context, partitions []int) (map[int]checkpoint.State, error) {
	resp, err := l.client.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: topics.GroupTouchpoints, Topics: map[string][]int{topics.Enriched: partitions}})
	if err == nil {
		err = resp.Error
	}
	if errors.Is(err, kafkago.GroupIdNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("fetch offsets of %s: %w", topics.GroupTouchpoints, err)
	}
	found := map[int]checkpoint.State{}
	for _, p := range resp.Topics[topics.Enriched] {
		if p.Error != nil {
			return nil, fmt.Errorf("fetch offsets of %s partition %d: %w", topics.GroupTouchpoints, p.Partition, p.Error)
		}
		if p.CommittedOffset < 0 {
			continue
		}
		s, err := checkpoint.Parse(p.Metadata)
		if err != nil {
			return nil, fmt.Errorf("offset of %s partition %d: %w", topics.GroupTouchpoints, p.Partition, err)
		}
		found[p.Partition] = s
	}
	return found, nil
}

// record is one record of a log. Value is valid until the next one is read.
type record struct {
	offset int64
	// time is when the producer made it: kafka-go does not tell the broker's time.
	time    time.Time
	headers []kafkago.Header
	value   []byte
}

// scan hands over the records of a partition at the offsets [from, to), in order.
// All of them must lie below the end of the log.
func (l *logs) scan(ctx context.Context, name string, partition int, from, to int64, each func(*record) error) error {
	for from < to {
		resp, err := l.client.Fetch(ctx, &kafkago.FetchRequest{
			Topic: name, Partition: partition, Offset: from, MinBytes: 1, MaxBytes: fetchBytes, MaxWait: time.Second,
		})
		if err == nil {
			err = resp.Error
		}
		if err != nil {
			return fmt.Errorf("fetch %s partition %d offset %d: %w", name, partition, from, err)
		}
		next, err := l.read(resp.Records, from, to, each)
		if err != nil {
			return fmt.Errorf("read %s partition %d offset %d: %w", name, partition, next, err)
		}
		if next == from {
			// Below the end of the log there is something to read.
			return fmt.Errorf("fetch %s partition %d offset %d: %w", name, partition, from, io.ErrUnexpectedEOF)
		}
		from = next
	}
	return nil
}

// read hands over the records of one answer that lie in [from, to): an answer
// begins with the batch that holds the first offset.
func (l *logs) read(records kafkago.RecordReader, from, to int64, each func(*record) error) (int64, error) {
	for {
		r, err := records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return from, nil
		}
		if err != nil {
			return from, err
		}
		if err := l.take(r, from, to, each); err != nil {
			return from, err
		}
		if r.Offset >= from && r.Offset < to {
			from = r.Offset + 1
		}
	}
}

// take hands over one record, and gives back its memory in any case.
func (l *logs) take(r *kafkago.Record, from, to int64, each func(*record) error) (err error) {
	if r.Key != nil {
		defer func() { err = errors.Join(err, r.Key.Close()) }()
	}
	l.value = l.value[:0]
	if r.Value != nil {
		defer func() { err = errors.Join(err, r.Value.Close()) }()
		l.value = slices.Grow(l.value, r.Value.Len())[:r.Value.Len()]
		if _, err := io.ReadFull(r.Value, l.value); err != nil {
			return err
		}
	}
	if r.Offset < from || r.Offset >= to {
		return nil
	}
	return each(&record{offset: r.Offset, time: r.Time, headers: r.Headers, value: l.value})
}
