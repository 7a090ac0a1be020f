package landing

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
)

// Intent is a chunk that was about to be inserted when it was committed.
type Intent struct {
	// Lo and Hi are the first and last offset of the chunk.
	Lo int64 `json:"lo"`
	Hi int64 `json:"hi"`
	// At is when it was committed first, milliseconds since 1970, wall clock: a
	// paused process does not stop it.
	At int64 `json:"at"`
	// Excluded offsets lie in the range but are not part of the block.
	Excluded []int64 `json:"excl,omitempty"`
}

// state is what a consumer group keeps for a partition besides the offset. The
// text form is JSON and stays far below the 4,096 bytes that brokers allow.
type state struct {
	// Version of this form; readers refuse one they do not know.
	Version int `json:"v"`
	// Topic is the id of the topic that the offsets belong to.
	Topic string `json:"topic"`
	// Source is the id of the topic that source offsets belong to; empty in a
	// log that is not dense.
	Source string `json:"source,omitempty"`
	// Mark is the highest source offset in what has landed; denselog.None when
	// nothing has.
	Mark int64 `json:"mark"`
	// Pending is the intent that may or may not have been inserted.
	Pending *Intent `json:"pend,omitempty"`
}

const stateVersion = 1

// Named errors that no repetition mends: an operator has to decide.
var (
	// ErrTopicRecreated: offsets and rows belong to another topic of this name.
	// Its offsets mean nothing here, and rows under them would be dropped as
	// repeats without a word.
	ErrTopicRecreated = errors.New("the topic is not the one whose rows are in ClickHouse: it was deleted and made again, or the broker's data was lost")
	// ErrOffsetLost: rows have landed, but the group has no offset any more.
	ErrOffsetLost = errors.New("the consumer group has lost its offset although rows have landed")
	// ErrExpired: the broker deleted records that had not landed.
	ErrExpired = errors.New("records expired before they landed")
	// ErrTruncated: the committed offset lies beyond the end of the log.
	ErrTruncated = errors.New("the log ends before the committed offset")
	// ErrIntentTooOld: part of an old chunk is in the table, and its token may
	// have left the deduplication window.
	ErrIntentTooOld = errors.New("a chunk was left half inserted for too long")
)

func (s state) text() string {
	b, err := json.Marshal(s)
	if err != nil {
		// A struct of numbers and plain strings always has a JSON form.
		panic(err)
	}
	return string(b)
}

func parseState(text string) (state, error) {
	var s state
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("read commit metadata %q: %w", text, err)
	}
	if s.Version != stateVersion {
		return s, fmt.Errorf("read commit metadata: version %d, this release knows %d", s.Version, stateVersion)
	}
	if p := s.Pending; p != nil && (p.Lo < 0 || p.Hi < p.Lo) {
		return s, fmt.Errorf("read commit metadata: intent %d-%d is no range", p.Lo, p.Hi)
	}
	return s, nil
}

// opening is what a worker knows when it takes a partition over.
type opening struct {
	// topic and source are topic ids as text.
	topic, source string
	commit        kafka.Commit
	start, end    int64
	// landed is the highest source offset that the tables show for this topic
	// and partition, or denselog.None.
	landed int64
	// known is the id under which earlier rows of a topic of this name landed;
	// empty when none did.
	known string
}

// resume decides where to go on, or why that is not possible.
func (o opening) resume() (offset int64, s state, err error) {
	if o.known != "" && o.known != o.topic {
		return 0, s, kafka.Fatal(fmt.Errorf("%w (rows of %s, now %s)", ErrTopicRecreated, o.known, o.topic))
	}
	s = state{Version: stateVersion, Topic: o.topic, Source: o.source, Mark: denselog.None}
	if o.commit.Offset == kafka.NoOffset {
		if o.landed != denselog.None {
			return 0, s, kafka.Fatal(fmt.Errorf("%w (rows up to source offset %d)", ErrOffsetLost, o.landed))
		}
		return o.start, s, nil
	}
	if s, err = parseState(o.commit.Metadata); err != nil {
		return 0, s, kafka.Fatal(err)
	}
	switch {
	case s.Topic != o.topic:
		return 0, s, kafka.Fatal(fmt.Errorf("%w (offsets of %s, now %s)", ErrTopicRecreated, s.Topic, o.topic))
	case s.Source != o.source:
		return 0, s, kafka.Fatal(fmt.Errorf("%w (source offsets of %s, now %s)", ErrTopicRecreated, s.Source, o.source))
	case o.commit.Offset < o.start:
		return 0, s, kafka.Fatal(fmt.Errorf("%w (offsets %d to %d)", ErrExpired, o.commit.Offset, o.start-1))
	case o.commit.Offset > o.end || s.Pending != nil && s.Pending.Hi >= o.end:
		return 0, s, kafka.Fatal(fmt.Errorf("%w (committed %d, the log ends at %d)", ErrTruncated, o.commit.Offset, o.end))
	case s.Pending != nil && s.Pending.Lo != o.commit.Offset:
		return 0, s, kafka.Fatal(fmt.Errorf("read commit metadata: intent begins at %d, the offset is %d", s.Pending.Lo, o.commit.Offset))
	}
	if s.Pending == nil {
		// A late copy of an old commit could have turned the mark back.
		s.Mark = max(s.Mark, o.landed)
	}
	return o.commit.Offset, s, nil
}

// tooOld reports whether so much time has passed since the intent that its token
// may have left the deduplication window. The window keeps 100,000 parts per
// table; at 12 partitions, 4 chunks a second each and 2 months a chunk that is
// 17 minutes of full speed.
func (i Intent) tooOld(now time.Time) bool {
	return now.Sub(time.UnixMilli(i.At)) > maxIntentAge
}

const maxIntentAge = 10 * time.Minute
