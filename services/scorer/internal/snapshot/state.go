package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
)

// State is the metadata of a committed offset: what the offset depends on.
type State struct {
	// Version of this form; readers refuse one they do not know.
	Version int `json:"v"`
	// Topics are the ids of the topics read and written, by name.
	Topics map[string]string `json:"topics"`
	// Mark is the highest source offset taken from a dense log.
	Mark int64 `json:"mark"`
	// Unmarked says that there is no mark because the log began in the middle
	// when it was first read: the first record sets it.
	Unmarked bool `json:"unmarked,omitempty"`
	// Epoch is that of the writer; 0 where writers need none.
	Epoch uint64 `json:"epoch,omitempty"`
}

const stateVersion = 1

// Named errors that no repetition mends.
var (
	// ErrTopicRecreated: the offsets at hand belong to another topic of the same
	// name.
	ErrTopicRecreated = errors.New("a topic was deleted and made again, or the broker's data was lost: its offsets no longer mean what was committed")
	// ErrOffsetLost: there is state, but no offset up to which it reaches.
	ErrOffsetLost = errors.New("the consumer group has lost its offset although its results exist")
	// ErrExpired: the broker deleted records that had not been read.
	ErrExpired = errors.New("records expired before they were read")
	// ErrTruncated: the committed offset lies beyond the end of the log.
	ErrTruncated = errors.New("the log ends before the committed offset")
)

// Text returns the metadata of a commit.
func (s State) Text() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // numbers and plain strings have a JSON form
	}
	return string(b)
}

// Opening is where a worker goes on.
type Opening struct {
	State State
	// Offset is the next one to read.
	Offset int64
	// Start and End are the bounds of the log when it was asked.
	Start, End int64
	// Fresh is set when nothing was ever committed; Offset is then Start.
	Fresh bool
}

// Complete checks that no record behind the offset has expired. It is asked only
// of a log that is not compacted: in the other what is gone has been replaced.
func (o *Opening) Complete() error {
	if o.Offset < o.Start {
		return kafka.Fatal(fmt.Errorf("%w (offsets %d to %d)", ErrExpired, o.Offset, o.Start-1))
	}
	return nil
}

// Open reads the committed offset of a partition and checks that it belongs to
// the topics as they are now.
func Open(ctx context.Context, p *kafka.Partition, topics ...string) (Opening, error) {
	o := Opening{State: State{Version: stateVersion, Topics: make(map[string]string, len(topics)), Mark: denselog.None}}
	for _, name := range topics {
		id, err := p.TopicID(ctx, name)
		if err != nil {
			return o, err
		}
		o.State.Topics[name] = id
	}
	c, err := p.Committed(ctx)
	if err != nil {
		return o, err
	}
	if o.Start, o.End, err = p.Bounds(ctx); err != nil {
		return o, err
	}
	if c.Offset == kafka.NoOffset {
		o.Offset, o.Fresh = o.Start, true
		o.State.Unmarked = o.Start > 0
		return o, nil
	}
	o.Offset = c.Offset
	return o, o.resume(c.Metadata)
}

func (o *Opening) resume(metadata string) error {
	var was State
	if err := json.Unmarshal([]byte(metadata), &was); err != nil {
		return kafka.Fatal(fmt.Errorf("read commit metadata %q: %w", metadata, err))
	}
	if was.Version != stateVersion {
		return kafka.Fatal(fmt.Errorf("read commit metadata: version %d, this release knows %d", was.Version, stateVersion))
	}
	for _, name := range slices.Sorted(maps.Keys(o.State.Topics)) {
		if then, now := was.Topics[name], o.State.Topics[name]; then != now {
			return kafka.Fatal(fmt.Errorf("%w (%s was %s, is %s)", ErrTopicRecreated, name, then, now))
		}
	}
	if o.Offset > o.End {
		return kafka.Fatal(fmt.Errorf("%w (committed %d, the log ends at %d)", ErrTruncated, o.Offset, o.End))
	}
	o.State.Mark, o.State.Unmarked, o.State.Epoch = was.Mark, was.Unmarked, was.Epoch
	return nil
}
