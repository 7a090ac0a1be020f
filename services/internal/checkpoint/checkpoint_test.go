package checkpoint

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafka"
)

func TestResume(t *testing.T) {
	current := map[string]string{"raw": "R", "enriched": "E"}
	good := State{Version: Version, Topics: current, Mark: 40, Epoch: 3}
	pending := good
	pending.Pending = &Intent{Lo: 50, Hi: 59, At: 1, Excluded: []int64{0, 9}}
	other := good
	other.Topics = map[string]string{"raw": "R", "enriched": "F"}
	without := good
	without.Topics = map[string]string{"enriched": "E"}
	elsewhere := pending
	elsewhere.Pending = &Intent{Lo: 51, Hi: 59}

	for name, c := range map[string]struct {
		offset, start, end int64
		state              State
		fails              error
	}{
		"goes on at the commit":              {offset: 50, end: 100, state: good},
		"keeps a pending intent":             {offset: 50, end: 60, state: pending},
		"at the very end":                    {offset: 50, end: 50, state: good},
		"expired is for the caller to say":   {offset: 50, start: 51, end: 100, state: good},
		"recreated topic":                    {offset: 50, end: 100, state: other, fails: ErrTopicRecreated},
		"a topic that was not depended on":   {offset: 50, end: 100, state: without, fails: ErrTopicRecreated},
		"truncated":                          {offset: 50, end: 49, state: good, fails: ErrTruncated},
		"truncated inside the intent":        {offset: 50, end: 59, state: pending, fails: ErrTruncated},
		"intent that is not at the offset":   {offset: 50, end: 100, state: elsewhere, fails: ErrUnreadable},
		"recreated, and shorter than it was": {offset: 50, end: 3, state: other, fails: ErrTopicRecreated},
	} {
		o, err := resume(kafka.Commit{Offset: c.offset, Metadata: c.state.Text()}, current, c.start, c.end)
		if !errors.Is(err, c.fails) || (err == nil) != (c.fails == nil) {
			t.Errorf("%s: error %v, want %v", name, err, c.fails)
			continue
		}
		if err != nil {
			if !strings.HasSuffix(err.Error(), "see `touchline reset`") {
				t.Errorf("%s: %q does not end with the way out", name, err)
			}
			continue
		}
		if o.Fresh || o.Offset != c.offset || o.Start != c.start || o.End != c.end || o.State.Text() != c.state.Text() {
			t.Errorf("%s: %+v", name, o)
		}
		if expired := o.Complete() != nil; expired != (c.offset < c.start) {
			t.Errorf("%s: expired %v", name, expired)
		}
	}
}

func TestResume_fresh(t *testing.T) {
	current := map[string]string{"raw": "R"}
	for _, start := range []int64{0, 7} {
		o, err := resume(kafka.Commit{Offset: kafka.NoOffset}, current, start, 9)
		if err != nil || !o.Fresh || o.Offset != start || o.State.Mark != -1 || o.State.Unmarked != (start > 0) || o.State.Topics["raw"] != "R" {
			t.Errorf("log from %d: %+v, %v", start, o, err)
		}
	}
}

func TestParse_refusesWhatItCannotRead(t *testing.T) {
	long := make([]int64, MaxExcluded+1)
	for i := range long {
		long[i] = int64(i)
	}
	state := func(i Intent) string { return State{Version: Version, Pending: &i}.Text() }
	for _, text := range []string{
		"", "{", "[]", `{"v":1,"topic":"T"}`, `{"v":3}`, `{"v":2,"mark":-2}`, `{"v":2,"topics":7}`,
		state(Intent{Lo: 5, Hi: 4}), state(Intent{Lo: -1, Hi: 4}),
		state(Intent{Lo: 5, Hi: 9, Excluded: []int64{5}}), state(Intent{Lo: 5, Hi: 9, Excluded: []int64{-1}}),
		state(Intent{Lo: 5, Hi: 9, Excluded: []int64{2, 1}}), state(Intent{Lo: 5, Hi: 9, Excluded: []int64{1, 1}}),
		state(Intent{Lo: 0, Hi: 1000, Excluded: long}),
		strings.Repeat("x", 5000),
	} {
		if s, err := Parse(text); !errors.Is(err, ErrUnreadable) || len(err.Error()) > 500 {
			t.Errorf("metadata %.80q was read as %+v: %v", text, s, err)
		}
	}
}

// The longest state of all fits: the scorer names four topics, landing two and an
// intent that excludes as many records as it may, far into a chunk.
func TestState_fitsIntoCommitMetadata(t *testing.T) {
	const id = "01234567-89ab-cdef-0123-456789abcdef"
	s := State{Version: Version, Topics: map[string]string{}, Mark: math.MaxInt64, Unmarked: true, Epoch: math.MaxUint64,
		Pending: &Intent{Lo: math.MaxInt64 - 1e9, Hi: math.MaxInt64, At: math.MaxInt64, Parts: math.MaxInt64}}
	for _, name := range []string{topics.Raw, topics.Enriched, topics.Fragments, topics.Persons} {
		s.Topics[name] = id
	}
	for i := range int64(MaxExcluded) {
		s.Pending.Excluded = append(s.Pending.Excluded, 99_000_000+i)
	}
	text := s.Text()
	if len(text) >= MaxBytes {
		t.Errorf("metadata takes %d bytes, brokers allow %d", len(text), MaxBytes)
	}
	back, err := Parse(text)
	if err != nil || back.Text() != text {
		t.Errorf("reads back as %s: %v", back.Text(), err)
	}
}

func TestIntent_excludes(t *testing.T) {
	i := Intent{Lo: 100, Hi: 200, Excluded: []int64{0, 7, 100}}
	var got []int64
	for offset := int64(90); offset < 210; offset++ {
		if i.Excludes(offset) {
			got = append(got, offset)
		}
	}
	if !slices.Equal(got, []int64{100, 107, 200}) {
		t.Errorf("excludes %v", got)
	}
}

func TestErrors_endWithTheWayOut(t *testing.T) {
	for _, err := range []error{ErrTopicRecreated, ErrOffsetLost, ErrExpired, ErrTruncated, ErrIntentTooOld, ErrUnreadable} {
		if wrapped := fmt.Errorf("partition 3: %w", err); !strings.HasSuffix(wrapped.Error(), "; see `touchline reset`") {
			t.Errorf("%q", wrapped)
		}
	}
}
