package conformance

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"touchline.dev/services/internal/kafka"
)

// member is a member of a consumer group that does nothing but own partitions.
type member struct {
	cl *kgo.Client

	mu    sync.Mutex
	owned []int32
}

// session is what a commit names the member by.
type session struct {
	member     string
	generation int32
	instance   *string
}

// join makes a member; an empty instance is dynamic membership.
func (s *site) join(t *testing.T, group, topic, instance string) *member {
	t.Helper()
	m := new(member)
	change := func(fn func(ids []int32)) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			m.mu.Lock()
			defer m.mu.Unlock()
			fn(parts[topic])
		}
	}
	gone := change(func(ids []int32) {
		m.owned = slices.DeleteFunc(m.owned, func(id int32) bool { return slices.Contains(ids, id) })
	})
	ms := kafka.DefaultMembership()
	opts := []kgo.Opt{
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(ms.SessionTimeout), kgo.HeartbeatInterval(ms.HeartbeatInterval), kgo.RebalanceTimeout(ms.RebalanceTimeout),
		kgo.OnPartitionsAssigned(change(func(ids []int32) { m.owned = append(m.owned, ids...) })),
		kgo.OnPartitionsRevoked(gone), kgo.OnPartitionsLost(gone),
	}
	if instance != "" {
		opts = append(opts, kgo.InstanceID(instance))
	}
	var err error
	if m.cl, err = kafka.NewClient(s.reach.Kafka, s.reach.Deps, "member", opts...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.cl.Close)
	return m
}

func (m *member) partitions() []int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.owned)
}

func (m *member) session() session {
	id, generation := m.cl.GroupMetadata()
	return session{member: id, generation: generation}
}

// settle waits until the members own so many partitions each, in a generation
// that all of them have joined.
func (s *site) settle(t *testing.T, group string, each int, members ...*member) {
	t.Helper()
	s.eventually(t, "the group to settle", func(ctx context.Context) bool {
		groups, err := s.adm.DescribeGroups(ctx, group)
		if err != nil || groups[group].State != "Stable" || len(groups[group].Members) != len(members) {
			return false
		}
		for _, m := range members {
			if len(m.partitions()) != each || m.session().generation != members[0].session().generation {
				return false
			}
		}
		return true
	})
}

// nobody is the session of a commit from outside the group.
func nobody() session { return session{generation: -1} }

// commit sends one OffsetCommit request as it is, and returns the answer for each
// partition. Errors of a coordinator that is only just starting are waited out.
func (s *site) commit(t *testing.T, group, topic string, as session, commits map[int32]kafka.Commit) map[int32]error {
	t.Helper()
	req := s.commitRequest(t, group, topic, as, commits)
	answers := make(map[int32]error)
	s.eventually(t, "an answer to the commit", func(ctx context.Context) bool {
		resp, err := req.RequestWith(ctx, s.cl)
		if err != nil {
			return false
		}
		for _, rp := range resp.Topics[0].Partitions {
			answers[rp.Partition] = kerr.ErrorForCode(rp.ErrorCode)
			if coordinating(answers[rp.Partition]) {
				return false
			}
		}
		return true
	})
	return answers
}

// coordinating reports the answers of a coordinator that is only just starting.
func coordinating(err error) bool {
	return errors.Is(err, kerr.CoordinatorNotAvailable) || errors.Is(err, kerr.CoordinatorLoadInProgress) || errors.Is(err, kerr.NotCoordinator)
}

func (s *site) commitRequest(t *testing.T, group, topic string, as session, commits map[int32]kafka.Commit) *kmsg.OffsetCommitRequest {
	t.Helper()
	id, err := kafka.FetchTopicID(t.Context(), s.cl, topic)
	must(t, err)
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = group, as.member, as.generation, as.instance
	rt := kmsg.NewOffsetCommitRequestTopic()
	rt.Topic, rt.TopicID = topic, id
	for partition, c := range commits {
		rp := kmsg.NewOffsetCommitRequestTopicPartition()
		rp.Partition, rp.Offset, rp.Metadata = partition, c.Offset, new(c.Metadata)
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = []kmsg.OffsetCommitRequestTopic{rt}
	return req
}

// commitOne is commit for one partition.
func (s *site) commitOne(t *testing.T, group, topic string, as session, partition int32, c kafka.Commit) error {
	t.Helper()
	return s.commit(t, group, topic, as, map[int32]kafka.Commit{partition: c})[partition]
}

// committed returns what the broker holds for a partition.
func (s *site) committed(t *testing.T, group, topic string, partition int32) kafka.Commit {
	t.Helper()
	c := kafka.Commit{Offset: kafka.NoOffset}
	s.eventually(t, "committed offsets", func(ctx context.Context) bool {
		// A client that only reads offsets asks the coordinator that it knows for
		// ever, also when that broker is gone.
		cl, err := kafka.NewClient(s.reach.Kafka, s.reach.Deps, "committed")
		must(t, err)
		defer cl.Close()
		offsets, err := kadm.NewClient(cl).FetchOffsets(ctx, group)
		if err != nil {
			return false
		}
		if o, ok := offsets.Lookup(topic, partition); ok {
			c = kafka.Commit{Offset: o.At, Metadata: o.Metadata}
		}
		return true
	})
	return c
}
