// Package checkpoint is what a consumer group keeps for a partition besides the
// offset, in the metadata of the commit: the ids of the logs that the offset
// depends on, the reader's mark, and the chunk that was about to be inserted.
//
// Offsets mean something only with their logs, so whoever takes a partition over
// compares the ids that were committed with those of the topics as they are now
// (Open). What does not fit stops with a named error; nothing is reset by itself.
// A commit that names the current ids is the permission to go on from it, and
// `touchline reset` writes such commits.
//
// It reads committed offsets, bounds and topic ids, and writes nothing.
package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
)

// State is the metadata of a committed offset. Its text form is JSON of less than
// MaxBytes.
type State struct {
	// Version of this form, Version; Parse refuses others.
	Version int `json:"v"`
	// Topics are the ids of all topics that the offset depends on, by name.
	Topics map[string]string `json:"topics"`
	// Mark is the highest source offset taken from a dense log, -1 when none was
	// or the log is not dense.
	Mark int64 `json:"mark"`
	// Unmarked says that there is no mark because the log began in the middle
	// when it was first read: the first record sets it.
	Unmarked bool `json:"unmarked,omitempty"`
	// Epoch counts the writers of a partition; 0 where writers need none.
	Epoch uint64 `json:"epoch,omitempty"`
	// Pending is the chunk that may or may not have been inserted; nil when the
	// one before the offset was. Its first share is that of this partition and
	// begins at the committed offset, and Mark is the mark before it.
	Pending *Intent `json:"pend,omitempty"`
	// Turn is where a reader of a dense log begins with another source log; nil
	// when it does not.
	Turn *Turn `json:"turn,omitempty"`
	// Rebuild says that what the reader keeps besides the offset was lost, and is
	// to be made again before it goes on.
	Rebuild bool `json:"rebuild,omitempty"`
}

// Turn is the place in a dense log where its source log was made again, or had
// lost its end: records from At on answer the log that State.Topics names, those
// before it answer another, or offsets that were given out a second time.
type Turn struct {
	At int64 `json:"at"`
	// Source is the id of the log that records before At answer.
	Source string `json:"src"`
	// Mark is the reader's mark from At on.
	Mark int64 `json:"mark"`
}

// Version is the version of State that this release writes and reads.
const Version = 3

// MaxBytes is how long brokers allow the metadata of a commit to be.
const MaxBytes = 4096

// Named errors that no repetition mends: an operator has to decide. Workers
// return them as fatal, with the particulars before them.
var (
	// ErrTopicRecreated: the offsets at hand belong to another topic of the same
	// name.
	ErrTopicRecreated = errors.New("a topic was deleted and made again, or the broker's data was lost, so its offsets no longer mean what was committed; see `touchline reset`")
	// ErrOffsetLost: there are results, but no offset up to which they reach.
	ErrOffsetLost = errors.New("the consumer group has lost its offset although its results exist; see `touchline reset`")
	// ErrExpired: the broker deleted records that had not been read.
	ErrExpired = errors.New("records expired before they were read; see `touchline reset`")
	// ErrTruncated: the committed offset lies beyond the end of the log.
	ErrTruncated = errors.New("the log ends before the committed offset; see `touchline reset`")
	// ErrIntentTooOld: part of an old chunk is in the table, and its token may
	// have left the deduplication window.
	ErrIntentTooOld = errors.New("a chunk was left half inserted for too long; see `touchline reset`")
	// ErrUnreadable: the metadata is not of this release.
	ErrUnreadable = errors.New("the metadata of the committed offset cannot be read; see `touchline reset`")
)

// Source returns the id of the source log, named topic, that the mark belongs to.
func (s State) Source(topic string) string {
	if s.Turn != nil {
		return s.Turn.Source
	}
	return s.Topics[topic]
}

// Text returns the metadata of a commit.
func (s State) Text() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // numbers and plain strings have a JSON form
	}
	return string(b)
}

// Parse reads the metadata of a commit. Its errors are ErrUnreadable.
func Parse(text string) (State, error) {
	var s State
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("read commit metadata %q: %w: %w", clip(text), err, ErrUnreadable)
	}
	if s.Version != Version {
		return s, fmt.Errorf("read commit metadata: version %d, this release knows %d: %w", s.Version, Version, ErrUnreadable)
	}
	if s.Mark < -1 {
		return s, fmt.Errorf("read commit metadata: mark %d: %w", s.Mark, ErrUnreadable)
	}
	if p := s.Pending; p != nil && !p.valid() {
		return s, fmt.Errorf("read commit metadata: the intent in %q is none: %w", clip(text), ErrUnreadable)
	}
	return s, nil
}

// clip cuts foreign text to what fits a log line.
func clip(text string) string { return text[:min(len(text), 200)] }
