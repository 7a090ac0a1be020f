package landing

import (
	"errors"
	"testing"

	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
)

func TestResume(t *testing.T) {
	text := func(s state) string { return s.text() }
	good := state{Version: 1, Topic: "T", Source: "S", Mark: 40}
	pending := good
	pending.Pending = &Intent{Lo: 50, Hi: 59, At: 1}
	base := opening{topic: "T", source: "S", known: "T", landed: 40, start: 0, end: 100, commit: kafka.Commit{Offset: 50, Metadata: text(good)}}
	with := func(change func(*opening)) opening { o := base; change(&o); return o }

	for name, c := range map[string]struct {
		o      opening
		offset int64
		mark   int64
		fatal  error
	}{
		"goes on at the commit": {o: base, offset: 50, mark: 40},
		"a mark that was turned back is raised to what landed": {
			o: with(func(o *opening) { o.landed = 45 }), offset: 50, mark: 45},
		"a pending intent keeps its mark": {
			o: with(func(o *opening) { o.landed = 45; o.commit.Metadata = text(pending) }), offset: 50, mark: 40},
		"new installation": {
			o: with(func(o *opening) {
				o.commit = kafka.Commit{Offset: kafka.NoOffset}
				o.landed = denselog.None
				o.known = ""
			}), offset: 0, mark: denselog.None},
		"recreated topic, by the tables": {
			o: with(func(o *opening) { o.known = "other" }), fatal: ErrTopicRecreated},
		"recreated topic, by the commit": {
			o: with(func(o *opening) { o.topic = "U"; o.known = "" }), fatal: ErrTopicRecreated},
		"recreated source topic": {
			o: with(func(o *opening) { o.source = "U" }), fatal: ErrTopicRecreated},
		"lost offset": {
			o: with(func(o *opening) { o.commit = kafka.Commit{Offset: kafka.NoOffset} }), fatal: ErrOffsetLost},
		"expired": {
			o: with(func(o *opening) { o.start = 51 }), fatal: ErrExpired},
		"truncated": {
			o: with(func(o *opening) { o.end = 49 }), fatal: ErrTruncated},
		"truncated inside the intent": {
			o: with(func(o *opening) { o.end = 55; o.commit.Metadata = text(pending) }), fatal: ErrTruncated},
	} {
		offset, s, err := c.o.resume()
		if c.fatal != nil {
			var f *kafka.FatalError
			if !errors.Is(err, c.fatal) || !errors.As(err, &f) {
				t.Errorf("%s: error %v, want fatal %v", name, err, c.fatal)
			}
			continue
		}
		if err != nil || offset != c.offset || s.Mark != c.mark {
			t.Errorf("%s: offset %d, mark %d, error %v; want %d, %d", name, offset, s.Mark, err, c.offset, c.mark)
		}
	}
}

func TestResume_refusesMetadataItCannotRead(t *testing.T) {
	for _, m := range []string{
		"", "{", `{"v":2,"topic":"T"}`, `{"v":1,"topic":"T","source":"S","mark":0,"pend":{"lo":5,"hi":4}}`,
		`{"v":1,"topic":"T","source":"S","mark":0,"pend":{"lo":6,"hi":9}}`,
	} {
		o := opening{topic: "T", source: "S", end: 100, commit: kafka.Commit{Offset: 5, Metadata: m}}
		if _, _, err := o.resume(); err == nil {
			t.Errorf("metadata %q was taken", m)
		}
	}
}

func TestState_fitsIntoCommitMetadata(t *testing.T) {
	s := state{Version: 1, Topic: "01234567-89ab-cdef-0123-456789abcdef", Source: "01234567-89ab-cdef-0123-456789abcdef", Mark: 1 << 62,
		Pending: &Intent{Lo: 1 << 62, Hi: 1<<62 + 1, At: 1 << 60, Excluded: make([]int64, 100)}}
	if n := len(s.text()); n > 4096 {
		t.Errorf("metadata takes %d bytes, brokers allow 4096", n)
	}
}
