package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/services/internal/telemetry"
)

// GroupOptions configures a Group.
type GroupOptions struct {
	Group, Topic string
	Membership   Membership
	// QueueBytes bounds the records that wait for the workers, in memory: each
	// partition has an equal share of it, of which the last fetch may exceed by one
	// piece. 0 means 8 MiB.
	QueueBytes int
	// Compacted says that offsets may be missing from the topic.
	Compacted bool
	Work      WorkFunc
	// Metrics receives the metrics of the group's lag and workers; nil leaves
	// them out.
	Metrics prometheus.Registerer
	// Health shows that the group cannot be joined and which workers hang; nil
	// leaves it out.
	Health *telemetry.Health
}

// Group runs one worker for each partition of a topic that the consumer group
// assigns to this process.
//
// Membership and fetching are two clients on purpose: the member client only
// joins, beats and commits, so a worker can start at any offset, and start again
// after an error, without a rebalance.
type Group struct {
	opts GroupOptions
	cfg  Config
	deps Deps
	log  *zap.Logger

	member *kgo.Client
	// abandon ends the member client's requests. Closing it alone would wait for
	// a rebalance under way, which takes as long as a member that has died.
	abandon context.CancelFunc
	fetch   *fetcher
	commit  *committer
	metrics *groupMetrics

	fatal chan error
	// made is closed when the group is complete: its member client joins as soon
	// as it is made, and may be assigned partitions before NewGroup returns.
	made chan struct{}

	mu sync.Mutex // guards the following
	// session is the membership under which the partitions were assigned.
	session session
	owned   map[int32]*owner
	closed  bool
}

// session identifies one generation of the group as this member joined it.
type session struct {
	member     string
	generation int32
}

// NewGroup makes the clients, which join the group at once; Run must follow.
func NewGroup(c Config, d Deps, o GroupOptions) (*Group, error) {
	if o.QueueBytes == 0 {
		o.QueueBytes = 8 << 20
	}
	g := &Group{
		opts: o, cfg: c, deps: d,
		log:   d.Log.With(zap.String("group", o.Group), zap.String("topic", o.Topic)),
		fatal: make(chan error, 1),
		made:  make(chan struct{}),
		owned: make(map[int32]*owner),
	}
	var err error
	if g.fetch, err = newFetcher(c, d, o); err != nil {
		return nil, err
	}
	ctx, abandon := context.WithCancel(context.Background())
	g.abandon = abandon
	opts := append(c.options(d, o.Group),
		kgo.WithContext(ctx),
		kgo.ConsumerGroup(o.Group),
		kgo.ConsumeTopics(o.Topic),
		kgo.DisableAutoCommit(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(o.Membership.SessionTimeout),
		kgo.HeartbeatInterval(o.Membership.HeartbeatInterval),
		kgo.RebalanceTimeout(o.Membership.RebalanceTimeout),
		kgo.OnPartitionsAssigned(g.assigned),
		kgo.OnPartitionsRevoked(g.revoked),
		kgo.OnPartitionsLost(g.revoked),
		// The member client fetches nothing: no partition is left to it.
		kgo.AdjustFetchOffsetsFn(func(context.Context, map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			return nil, nil
		}),
	)
	if o.Membership.InstanceID != "" {
		opts = append(opts, kgo.InstanceID(o.Membership.InstanceID))
	}
	if g.member, err = kgo.NewClient(opts...); err != nil {
		abandon()
		g.fetch.client.Close()
		return nil, fmt.Errorf("make kafka group member %s: %w", o.Group, err)
	}
	g.metrics = newGroupMetrics(o.Metrics, o.Group, g.watches)
	if o.Health != nil {
		o.Health.Probe("workers of "+o.Group, g.stuck)
	}
	g.commit = newCommitter(g)
	close(g.made)
	return g, nil
}

// Run takes part in the group until ctx ends, then lets the workers finish what
// they have taken, for at most drainTimeout, and leaves. It returns nil after a
// drain and the first fatal error otherwise, ErrStuck when a worker hangs: Run
// returns in time nevertheless, and the process has to end.
func (g *Group) Run(ctx context.Context) error {
	clients, stop := context.WithCancel(context.WithoutCancel(ctx))
	var loops sync.WaitGroup
	loops.Go(func() { g.fetch.run(clients) })
	loops.Go(func() { g.commit.run(clients) })
	// The member client's own loop needs nobody to poll it, but errors of the
	// group arrive as fetches.
	loops.Go(func() { g.watchMember(clients) })
	loops.Go(func() { g.watchWorkers(clients) })

	var err error
	select {
	case <-ctx.Done():
	case err = <-g.fatal:
	}
	if hung := g.stopWorkers(); hung != nil && !errors.Is(err, ErrStuck) {
		err = errors.Join(err, hung)
	}
	if g.opts.Membership.InstanceID == "" {
		leave, cancel := context.WithTimeout(clients, leaveTimeout)
		if lerr := g.member.LeaveGroupContext(leave); lerr != nil {
			g.log.Warn("leave group", zap.Error(lerr))
		}
		cancel()
	}
	stop()
	g.abandon()
	g.member.Close()
	g.fetch.client.Close()
	loops.Wait()
	return err
}

const (
	// drainTimeout leaves room for one insert into ClickHouse inside the 10 s in
	// which a process has to end.
	drainTimeout = 5 * time.Second
	// stopGrace is what cancelled workers get then to return.
	stopGrace    = 1 * time.Second
	leaveTimeout = 2 * time.Second
)

// assigned runs after every rebalance, also when nothing was added: the session
// it notes is the one whose commits are ours to make.
func (g *Group) assigned(_ context.Context, cl *kgo.Client, added map[string][]int32) {
	<-g.made
	g.mu.Lock()
	defer g.mu.Unlock()
	g.session.member, g.session.generation = cl.GroupMetadata()
	g.health(true, "")
	if g.closed {
		return
	}
	for _, id := range added[g.opts.Topic] {
		if _, ok := g.owned[id]; ok {
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		o := &owner{id: id, cancel: cancel, drain: make(chan struct{}), done: make(chan struct{})}
		g.owned[id] = o
		g.log.Info("partition assigned", zap.Int32("partition", id))
		go g.work(ctx, o)
	}
}

// revoked ends the workers of partitions that move elsewhere. It cancels rather
// than drains: nothing here may wait for ClickHouse, and whoever takes over
// finishes what was begun. Nor does it wait for a worker that hangs: the group
// would exclude this member, and its other partitions with it.
func (g *Group) revoked(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	g.mu.Lock()
	var stopping []*owner
	for _, id := range gone[g.opts.Topic] {
		if o, ok := g.owned[id]; ok {
			delete(g.owned, id)
			o.cancel()
			stopping = append(stopping, o)
		}
	}
	g.mu.Unlock()
	hung := await(stopping, min(cancelGrace, g.opts.Membership.RebalanceTimeout/2))
	for _, o := range stopping {
		if slices.Contains(hung, o) {
			g.metrics.forget(o.id)
			g.fail(o.id, Fatal(ErrStuck))
			continue
		}
		g.log.Info("partition released", zap.Int32("partition", o.id))
	}
}

// await waits until the owners' goroutines have ended and returns those that have
// not in time. It counts intervals, so that a pause of the whole process takes
// none of the time away.
func await(owners []*owner, timeout time.Duration) (hung []*owner) {
	const interval = 20 * time.Millisecond
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for _, o := range owners {
		for !o.ended() && timeout > 0 {
			select {
			case <-o.done:
			case <-ticker.C:
				timeout -= interval
			}
		}
		if !o.ended() {
			hung = append(hung, o)
		}
	}
	return hung
}

// stopWorkers drains every worker, cancels those that are not done in time, and
// takes their partitions from those that hang, which it reports.
func (g *Group) stopWorkers() error {
	g.mu.Lock()
	g.closed = true
	var owners, stuck []*owner
	for _, o := range g.owned {
		close(o.drain)
		if o.watch.stuck {
			stuck = append(stuck, o)
		} else {
			owners = append(owners, o)
		}
	}
	g.mu.Unlock()
	late := append(await(owners, drainTimeout), stuck...)
	for _, o := range late {
		o.cancel()
	}
	hung := await(late, stopGrace)
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.owned)
	if len(hung) == 0 {
		return nil
	}
	return fmt.Errorf("%s partition %d: %w", g.opts.Topic, hung[0].id, Fatal(ErrStuck))
}

// owns reports whether p is still the assignment at work, under session s.
func (g *Group) owns(p *Partition, s session) (alive, current bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.owned[p.ID()] == p.owner && !p.over(), g.session == s
}

// watches returns the state of the workers.
func (g *Group) watches() map[int32]watch {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make(map[int32]watch, len(g.owned))
	for id, o := range g.owned {
		all[id] = o.watch
	}
	return all
}

// watchMember logs what the group's coordinator says; the client itself joins
// again after errors.
func (g *Group) watchMember(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := g.member.PollFetches(ctx)
		if fetches.IsClientClosed() {
			return
		}
		fetches.EachError(func(_ string, _ int32, err error) {
			if ctx.Err() == nil && !errors.Is(err, context.Canceled) {
				g.log.Warn("consumer group", zap.Error(err))
				g.health(false, err.Error())
			}
		})
	}
}

func (g *Group) health(ok bool, reason string) {
	if g.opts.Health != nil {
		g.opts.Health.Set("group "+g.opts.Group, ok, reason)
	}
}
