package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafka"
)

func declaredTopics(t *testing.T, s *site) {
	replicas := int16(len(s.IDs()))
	apply := func() []kafka.Applied {
		applied, err := kafka.Apply(t.Context(), s.cl, topics.EmbeddedPartitions, replicas)
		must(t, err)
		return applied
	}
	apply()
	var names []string
	for _, topic := range topics.All() {
		s.awaitLeaders(t, topic.Name)
		names = append(names, topic.Name)
	}
	for _, a := range apply() {
		if a.Created || len(a.Differs) > 0 {
			t.Errorf("%s: created %v, differs %v; want an existing topic as declared", a.Topic, a.Created, a.Differs)
		}
	}
	must(t, kafka.Require(t.Context(), s.cl, names...))
	_, err := s.adm.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: new("60000")}}, topics.Raw)
	must(t, err)
	s.eventually(t, "Require to refuse a short retention", func(ctx context.Context) bool {
		return kafka.Require(ctx, s.cl, topics.Raw) != nil
	})
}

func topicIDs(t *testing.T, s *site) {
	topic := s.topic(t, "", 1)
	fetch := func() (id kafka.TopicID) {
		t.Helper()
		s.eventually(t, "the topic's id", func(ctx context.Context) (ok bool) {
			var err error
			id, err = kafka.FetchTopicID(ctx, s.cl, topic)
			return err == nil
		})
		return id
	}
	before := fetch()
	s.write(t, topic, "k", "v")
	s.restart(t)
	s.awaitLeaders(t, topic)
	if after := fetch(); after != before {
		t.Errorf("id is %v after a restart, was %v", after, before)
	}
	_, err := s.adm.DeleteTopic(t.Context(), topic)
	must(t, err)
	s.eventually(t, "the topic to go", func(ctx context.Context) bool {
		_, err := kafka.FetchTopicID(ctx, s.cl, topic)
		return errors.Is(err, kafka.ErrNoTopic)
	})
	s.topic(t, "", 1)
	if after := fetch(); after == before {
		t.Errorf("a topic that was made again has the old id %v", after)
	}
	if start, end, err := kafka.Bounds(t.Context(), s.cl, topic, 0); err != nil || start != 0 || end != 0 {
		t.Errorf("a topic that was made again holds offsets %d to %d, %v", start, end, err)
	}
}

func appendTime(t *testing.T, s *site) {
	topic := s.topic(t, "", 1)
	var bounds [][2]int64
	for i, claimed := range []time.Time{time.UnixMilli(1), time.Now().Add(-time.Hour), time.Now().Add(50 * 365 * 24 * time.Hour)} {
		before := time.Now().UnixMilli()
		must(t, s.cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: fmt.Append(nil, i), Timestamp: claimed}).FirstErr())
		bounds = append(bounds, [2]int64{before, time.Now().UnixMilli()})
		// The next record gets a later millisecond, so that times tell them apart.
		s.eventually(t, "the next millisecond", func(context.Context) bool { return time.Now().UnixMilli() > bounds[i][1] })
	}
	for i, r := range s.reach.ReadAll(t, topic, 0) {
		if at := r.Timestamp.UnixMilli(); at < bounds[i][0] || at > bounds[i][1] {
			t.Errorf("record %d has time %s, was appended between %v", i, r.Timestamp, bounds[i])
		}
		if r.Attrs.TimestampType() != 1 {
			t.Errorf("record %d has timestamp type %d, want 1 (append time)", i, r.Attrs.TimestampType())
		}
	}
	// Catching up a dedup index asks for the first record of the window.
	for i := range bounds {
		offsets, err := s.adm.ListOffsetsAfterMilli(t.Context(), bounds[i][0], topic)
		must(t, err)
		if o, _ := offsets.Lookup(topic, 0); o.Err != nil || o.Offset != int64(i) {
			t.Errorf("the first record at or after %d has offset %d, %v; want %d", bounds[i][0], o.Offset, o.Err, i)
		}
	}
}

func retention(t *testing.T, s *site) {
	topic := s.topic(t, "", 1, "cleanup.policy", "delete", "retention.ms", "1000", "file.delete.delay.ms", "1000")
	const n = 100
	for i := range n {
		s.write(t, topic, "k", fmt.Sprint(i))
	}
	s.cleanUntil(t, "the records to expire", func(ctx context.Context) bool {
		start, _, err := kafka.Bounds(ctx, s.cl, topic, 0)
		return err == nil && start == n
	})
	start, end, err := kafka.Bounds(t.Context(), s.cl, topic, 0)
	must(t, err)
	if start != n || end != n {
		t.Errorf("the empty log spans %d to %d, want %d to %d", start, end, n, n)
	}
	err = kafka.Scan(t.Context(), s.reach.Kafka, s.reach.Deps, topic, 0, n/2, n, func(*kgo.Record) error { return nil })
	if !errors.Is(err, kerr.OffsetOutOfRange) {
		t.Errorf("reading an expired offset returns %v, want OFFSET_OUT_OF_RANGE", err)
	}
	if r := s.write(t, topic, "k", "next"); r.Offset != n {
		t.Errorf("the next record has offset %d, want %d", r.Offset, n)
	}
	s.restart(t)
	s.awaitLeaders(t, topic)
	if r := s.write(t, topic, "k", "after a restart"); r.Offset != n+1 {
		t.Errorf("the record after a restart has offset %d, want %d", r.Offset, n+1)
	}
}

func compaction(t *testing.T, s *site) {
	topic := s.topic(t, "", 1, "cleanup.policy", "compact", "retention.ms", "-1", "segment.ms", "100",
		"min.cleanable.dirty.ratio", "0", "min.compaction.lag.ms", "0", "max.compaction.lag.ms", "1000")
	const keys, rounds = 10, 20
	want := make(map[string]kafka.Commit) // offset and value by key
	for round := range rounds {
		for k := range keys {
			key, value := fmt.Sprint("k", k), fmt.Sprint(k, "-", round)
			r := s.write(t, topic, key, value)
			want[key] = kafka.Commit{Offset: r.Offset, Metadata: value}
		}
	}
	// What was written last is never compacted, so another key is written until
	// everything else is.
	const last = "the end"
	var kept []*kgo.Record
	s.cleanUntil(t, "compaction", func(context.Context) bool {
		s.write(t, topic, last, "")
		kept = slices.DeleteFunc(s.reach.ReadAll(t, topic, 0), func(r *kgo.Record) bool { return string(r.Key) == last })
		return len(kept) <= keys
	})
	got := make(map[string]kafka.Commit)
	for _, r := range kept {
		got[string(r.Key)] = kafka.Commit{Offset: r.Offset, Metadata: string(r.Value)}
	}
	for key, w := range want {
		if got[key] != w {
			t.Errorf("key %s: kept %+v, want %+v", key, got[key], w)
		}
	}
}

// cleanUntil lets the cluster clean its logs until cond is true.
func (s *site) cleanUntil(t *testing.T, what string, cond func(context.Context) bool) {
	t.Helper()
	s.eventually(t, what, func(ctx context.Context) bool {
		must(t, s.Clean())
		return cond(ctx)
	})
}
