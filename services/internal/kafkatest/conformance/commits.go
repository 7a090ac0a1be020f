package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"touchline.dev/services/internal/kafka"
)

// metadataBytes is the most that Apache Kafka takes; a checkpoint stays below it.
const metadataBytes = 4096

// commitOf returns the commit of a round: its metadata repeats the round, so that
// a commit that was stored by halves shows.
func commitOf(round int) kafka.Commit {
	text := fmt.Sprintf("%d:", round)
	return kafka.Commit{Offset: int64(round), Metadata: text + strings.Repeat("x", metadataBytes-len(text))}
}

// metadataAfterKill commits as a worker does, round after round, while the
// cluster is killed: what was acknowledged last is there afterwards, or something
// that was sent later.
func metadataAfterKill(t *testing.T, s *site) {
	const partitions = 4
	topic, group := s.topic(t, "", partitions), s.name
	w := s.work(t, group, topic)
	w.await(t, s, partitions)
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		var committing sync.WaitGroup
		sent, acked, answers := make([]int, partitions), make([]int, partitions), make([]int, partitions)
		var mu sync.Mutex
		for id := range int32(partitions) {
			first := int(s.committed(t, group, topic, id).Offset) + 1
			committing.Go(func() {
				for round := first; ctx.Err() == nil; round++ {
					mu.Lock()
					sent[id] = round
					mu.Unlock()
					if w.commit(ctx, id, commitOf(round)) == nil {
						mu.Lock()
						acked[id] = round
						answers[id]++
						mu.Unlock()
					}
				}
			})
		}
		s.eventually(t, "commits", func(context.Context) bool {
			mu.Lock()
			defer mu.Unlock()
			return slices.Min(answers) >= 20
		})
		must(t, s.Kill())
		cancel()
		committing.Wait()
		must(t, s.Revive())
		for id := range int32(partitions) {
			got := s.committed(t, group, topic, id)
			if got != commitOf(int(got.Offset)) {
				t.Fatalf("partition %d: offset %d has the metadata %.20q of %d bytes", id, got.Offset, got.Metadata, len(got.Metadata))
			}
			if got.Offset < int64(acked[id]) || got.Offset > int64(sent[id]) {
				t.Errorf("partition %d: broker holds round %d, %d was acknowledged and %d sent", id, got.Offset, acked[id], sent[id])
			}
		}
		w.await(t, s, partitions)
	}
}

// severalPartitions shows that one partition's error says nothing of the others.
func severalPartitions(t *testing.T, s *site) {
	topic, group := s.topic(t, "", 3), s.name
	commits := map[int32]kafka.Commit{0: {Offset: 1, Metadata: "a"}, 1: {Offset: 2, Metadata: "b"}, 7: {Offset: 3, Metadata: "no such partition"}}
	answers := s.commit(t, group, topic, nobody(), commits)
	if len(answers) != len(commits) {
		t.Fatalf("answers for %d of %d partitions", len(answers), len(commits))
	}
	for id, err := range answers {
		exists := id < 3
		if exists && err != nil || !exists && err == nil {
			t.Errorf("partition %d is answered with %v", id, err)
		}
		if got := s.committed(t, group, topic, id); exists && got != commits[id] {
			t.Errorf("partition %d: broker holds %+v, want %+v", id, got, commits[id])
		}
	}
	if got := s.committed(t, group, topic, 2); got.Offset != kafka.NoOffset {
		t.Errorf("partition 2 was never committed, broker holds %+v", got)
	}
}

// wholeCommits kills the cluster while commits of many partitions are under way.
func wholeCommits(t *testing.T, s *site) {
	const partitions, kills = 12, 3
	topic, group := s.topic(t, "", partitions), s.name
	round := 0
	all := make(map[int32]kafka.Commit)
	for id := range int32(partitions) {
		all[id] = commitOf(round)
	}
	for id, err := range s.commit(t, group, topic, nobody(), all) {
		if err != nil {
			t.Fatalf("commit partition %d: %v", id, err)
		}
	}
	req := s.commitRequest(t, group, topic, nobody(), all)
	for range kills {
		ctx, cancel := context.WithCancel(t.Context())
		first := round
		var mu sync.Mutex
		var committing sync.WaitGroup
		committing.Go(func() {
			for ctx.Err() == nil {
				mu.Lock()
				round++
				for i := range req.Topics[0].Partitions {
					next := commitOf(round)
					req.Topics[0].Partitions[i].Offset = next.Offset
					req.Topics[0].Partitions[i].Metadata = &next.Metadata
				}
				mu.Unlock()
				// Its answer does not matter here.
				_, _ = req.RequestWith(ctx, s.cl)
			}
		})
		s.eventually(t, "commits", func(context.Context) bool {
			mu.Lock()
			defer mu.Unlock()
			return round > first+50
		})
		must(t, s.Kill())
		cancel()
		committing.Wait()
		must(t, s.Revive())
		want := s.committed(t, group, topic, 0)
		for id := range int32(partitions) {
			if got := s.committed(t, group, topic, id); got != want {
				t.Errorf("round %d: partition %d has offset %d, partition 0 has %d", round, id, got.Offset, want.Offset)
			}
		}
	}
}

func metadataLimit(t *testing.T, s *site) {
	topic, group := s.topic(t, "", 2), s.name
	commits := map[int32]kafka.Commit{0: commitOf(1), 1: {Offset: 1, Metadata: commitOf(1).Metadata + "x"}}
	answers := s.commit(t, group, topic, nobody(), commits)
	if answers[0] != nil {
		t.Errorf("metadata of %d bytes is answered with %v", metadataBytes, answers[0])
	}
	if !errors.Is(answers[1], kerr.OffsetMetadataTooLarge) {
		t.Errorf("metadata of %d bytes is answered with %v, want OFFSET_METADATA_TOO_LARGE", metadataBytes+1, answers[1])
	}
}
