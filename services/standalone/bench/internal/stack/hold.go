package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafka"
)

// Hold keeps landing from its partitions until Release, while everything else
// works. It is the first member of landing's consumer group, hence its leader,
// and gives all partitions to itself. It fetches nothing and commits nothing.
type Hold struct{ client *kgo.Client }

// holdLanding returns when the group is held.
func holdLanding(ctx context.Context, cfg kafka.Config) (*Hold, error) {
	cl, err := kafka.NewClient(cfg, kafka.Deps{Log: zap.NewNop()}, "bench-hold",
		kgo.ConsumerGroup(topics.GroupTouchpoints), kgo.ConsumeTopics(topics.Enriched), kgo.DisableAutoCommit(),
		kgo.Balancers(selfish{kgo.CooperativeStickyBalancer()}),
		// Partitions are held, not read.
		kgo.AdjustFetchOffsetsFn(func(context.Context, map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			return nil, nil
		}))
	if err != nil {
		return nil, err
	}
	h := &Hold{cl}
	if err := h.await(ctx); err != nil {
		cl.Close()
		return nil, fmt.Errorf("hold the group of landing: %w", err)
	}
	return h, nil
}

// await returns when this is the group's one member and has its partitions.
func (h *Hold) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not in %v", startTimeout))
	defer cancel()
	admin := kadm.NewClient(h.client)
	return poll(ctx, func() (bool, error) {
		groups, err := admin.DescribeGroups(ctx, topics.GroupTouchpoints)
		if err != nil {
			return false, err
		}
		g := groups[topics.GroupTouchpoints]
		if errors.Is(g.Err, kerr.GroupIDNotFound) {
			return false, nil // nobody has joined yet
		}
		return g.State == "Stable" && len(g.Members) == 1, g.Err
	})
}

// Release leaves the group, so that landing begins. It may be called again.
func (h *Hold) Release(ctx context.Context) error {
	if err := h.client.LeaveGroupContext(ctx); err != nil {
		return fmt.Errorf("release the group of landing: %w", err)
	}
	return nil
}

func (h *Hold) stop() error {
	h.client.Close()
	return nil
}

// selfish is a balancer that other members know by the name of the one it
// replaces.
type selfish struct{ kgo.GroupBalancer }

// MemberBalancer implements kgo.GroupBalancer.
func (selfish) MemberBalancer(members []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	b, err := kgo.NewConsumerBalancer(takeAll{}, members)
	if err != nil {
		return nil, nil, err
	}
	return b, b.MemberTopics(), nil
}

type takeAll struct{}

// Balance implements kgo.ConsumerBalancerBalance: the leader is who computes it.
func (takeAll) Balance(b *kgo.ConsumerBalancer, partitions map[string]int32) kgo.IntoSyncAssignment {
	plan := b.NewPlan()
	members := b.Members()
	leader := slices.IndexFunc(members, func(m kmsg.JoinGroupResponseMember) bool { return m.MemberID == b.Info().LeaderID })
	if leader < 0 {
		b.SetError(fmt.Errorf("leader %q is not among the %d members", b.Info().LeaderID, len(members)))
		return plan
	}
	for topic, n := range partitions {
		for p := range n {
			plan.AddPartition(&members[leader], topic, p)
		}
	}
	return plan
}
