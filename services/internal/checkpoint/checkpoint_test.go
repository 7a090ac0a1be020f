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
	pending.Pending = &Intent{At: 1, Shares: []Share{
		{Partition: 7, Lo: 50, Hi: 59, Mark: 40, Cut: 48, Excluded: []int64{0, 9}}, {Partition: 2, Lo: 5, Hi: 6, Mark: -1, Cut: -1},
	}}
	other := good
	other.Topics = map[string]string{"raw": "R", "enriched": "F"}
	without := good
	without.Topics = map[string]string{"enriched": "E"}
	elsewhere := pending
	elsewhere.Pending = &Intent{Shares: []Share{{Partition: 7, Lo: 51, Hi: 59}}}
	foreign := pending
	foreign.Pending = &Intent{Shares: []Share{{Partition: 2, Lo: 50, Hi: 59}, {Partition: 7, Lo: 50, Hi: 59}}}

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
		"intent that another one leads":      {offset: 50, end: 100, state: foreign, fails: ErrUnreadable},
		"recreated, and shorter than it was": {offset: 50, end: 3, state: other, fails: ErrTopicRecreated},
	} {
		o, err := resume(7, kafka.Commit{Offset: c.offset, Metadata: c.state.Text()}, current, c.start, c.end)
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
		o, err := resume(7, kafka.Commit{Offset: kafka.NoOffset}, current, start, 9)
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
	state := func(shares ...Share) string {
		return State{Version: Version, Pending: &Intent{Shares: shares}}.Text()
	}
	crowd := make([]Share, MaxShares+1)
	for i := range crowd {
		crowd[i] = Share{Partition: int32(i)}
	}
	for _, text := range []string{
		"", "{", "[]", `{"v":1,"topic":"T"}`, `{"v":2}`, `{"v":4}`, `{"v":3,"mark":-2}`, `{"v":3,"topics":7}`,
		`{"v":3,"pend":{"at":1}}`, `{"v":3,"pend":{"of":[[0,5,1,0]]}}`, `{"v":3,"pend":{"of":[[4294967296,5,1,0,1]]}}`, `{"v":3,"pend":{"of":[7]}}`,
		`{"v":3,"pend":{"of":[[0,9223372036854775807,9,0,1]]}}`,
		state(), state(crowd...), state(Share{Lo: 5, Hi: 4}), state(Share{Lo: -1, Hi: 4}), state(Share{Partition: -1}),
		state(Share{Hi: 1, Mark: -2}), state(Share{Hi: 1, Mark: 5, Cut: 4}), state(Share{Hi: 1}, Share{Hi: 1}),
		state(Share{Lo: 5, Hi: 9, Excluded: []int64{5}}), state(Share{Lo: 5, Hi: 9, Excluded: []int64{-1}}),
		state(Share{Lo: 5, Hi: 9, Excluded: []int64{2, 1}}), state(Share{Lo: 5, Hi: 9, Excluded: []int64{1, 1}}),
		state(Share{Hi: 1000, Excluded: long[:100]}, Share{Partition: 1, Hi: 1000, Excluded: long[:101]}),
		strings.Repeat("x", 5000),
	} {
		if s, err := Parse(text); !errors.Is(err, ErrUnreadable) || len(err.Error()) > 500 {
			t.Errorf("metadata %.80q was read as %+v: %v", text, s, err)
		}
	}
}

// The longest state of all fits: landing names two topics and an intent that combines
// and excludes as many as it may, far into the chunk.
func TestState_fitsIntoCommitMetadata(t *testing.T) {
	const id = "01234567-89ab-cdef-0123-456789abcdef"
	s := State{Version: Version, Topics: map[string]string{}, Mark: math.MaxInt64, Unmarked: true,
		Pending: &Intent{At: math.MaxInt64, Parts: math.MaxInt64, Landed: true}, Turn: &Turn{At: math.MaxInt64, Source: id, Mark: math.MaxInt64}}
	for _, name := range []string{topics.Raw, topics.Enriched} {
		s.Topics[name] = id
	}
	for i := range int32(MaxShares) {
		share := Share{Partition: 9_999_999 + i, Lo: math.MaxInt64 - 1e8, Hi: math.MaxInt64, Mark: math.MaxInt64 - 1e8, Cut: math.MaxInt64}
		for at := int64(i); at < MaxExcluded; at += MaxShares {
			share.Excluded = append(share.Excluded, 9_900_000+at)
		}
		s.Pending.Shares = append(s.Pending.Shares, share)
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

// A partition takes part in the chunk of another one until it has gone past it.
func TestJoin(t *testing.T) {
	current := map[string]string{"raw": "R", "enriched": "E"}
	with := func(topics map[string]string, i *Intent) kafka.Commit {
		return kafka.Commit{Offset: 10, Metadata: State{Version: Version, Topics: topics, Pending: i}.Text()}
	}
	intent := &Intent{Landed: true, Shares: []Share{{Partition: 1, Lo: 10, Hi: 19, Cut: 9}, {Partition: 2, Lo: 20, Hi: 29, Mark: 3, Cut: 7}}}
	commits := map[int32]kafka.Commit{0: with(current, nil), 1: with(current, intent), 2: {Offset: 20}}
	for offset, joined := range map[int64]bool{kafka.NoOffset: true, 20: true, 29: true, 30: false, 99: false} {
		j, err := join(2, offset, commits, current)
		if err != nil || (j != nil) != joined {
			t.Errorf("offset %d: %+v, %v", offset, j, err)
		}
		if j != nil && (j.Leader != 1 || !j.Intent.Landed || j.Share.Cut != 7) {
			t.Errorf("offset %d: %+v", offset, j)
		}
	}
	for _, p := range []int32{1, 3} { // one that leads, one that is not part of it
		if j, err := join(p, 10, commits, current); j != nil || err != nil {
			t.Errorf("partition %d joins %+v, %v", p, j, err)
		}
	}
	commits[1] = with(map[string]string{"raw": "R", "enriched": "F"}, intent)
	if j, err := join(2, 20, commits, current); j != nil || err != nil {
		t.Errorf("the chunk of another topic is joined: %+v, %v", j, err)
	}
	commits[1] = kafka.Commit{Offset: 10, Metadata: "{"}
	if _, err := join(2, 20, commits, current); !errors.Is(err, ErrUnreadable) {
		t.Errorf("a commit that cannot be read: %v", err)
	}
}

func TestShare_excludes(t *testing.T) {
	i := Share{Lo: 100, Hi: 200, Excluded: []int64{0, 7, 100}}
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
