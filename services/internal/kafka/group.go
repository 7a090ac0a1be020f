package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/telemetry"
)

// WorkFunc processes one partition for as long as this process owns it. ctx ends
// when the partition is lost; p.Poll returns ErrDraining when the process is to
// stop: the worker then finishes and commits what it has taken, and returns nil.
// A worker that returns an error is started again from the committed offset,
// with growing pauses; a Fatal error ends the whole group instead.
type WorkFunc func(ctx context.Context, p *Partition) error

// Membership says how a process takes part in consumer groups.
type Membership struct {
	InstanceID        string        `yaml:"instance_id" doc:"Static member id, unique per process (on Kubernetes the pod name); empty for dynamic membership."`
	SessionTimeout    time.Duration `yaml:"session_timeout" doc:"A member silent for so long loses its partitions."`
	HeartbeatInterval time.Duration `yaml:"heartbeat_interval" doc:"How often a member shows that it is alive."`
	RebalanceTimeout  time.Duration `yaml:"rebalance_timeout" doc:"How long members may take to rejoin when partitions move."`
}

// DefaultMembership takes over from a killed process within session_timeout and
// about a second.
func DefaultMembership() Membership {
	return Membership{SessionTimeout: 8 * time.Second, HeartbeatInterval: time.Second, RebalanceTimeout: 10 * time.Second}
}

// Validate reports every problem of the settings.
func (m Membership) Validate() error {
	var p config.Problems
	if m.SessionTimeout < time.Second {
		p.Addf("session_timeout", "is %s, want at least 1s", m.SessionTimeout)
	}
	if m.HeartbeatInterval <= 0 || m.HeartbeatInterval*3 > m.SessionTimeout {
		p.Addf("heartbeat_interval", "is %s, want more than 0 and at most a third of session_timeout", m.HeartbeatInterval)
	}
	if m.RebalanceTimeout < m.HeartbeatInterval {
		p.Addf("rebalance_timeout", "is %s, want at least heartbeat_interval", m.RebalanceTimeout)
	}
	return p.Err()
}

// GroupOptions configures a Group.
type GroupOptions struct {
	Group, Topic string
	Membership   Membership
	// QueueBytes bounds the records that wait for one partition's worker;
	// fetching from the partition pauses beyond it. 0 means 8 MiB.
	QueueBytes int
	// Compacted says that offsets may be missing from the topic.
	Compacted bool
	Work      WorkFunc
	// Metrics receives the group's lag metrics; nil leaves them out.
	Metrics prometheus.Registerer
	// Health shows that the group cannot be joined; nil leaves it out.
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
	lag     *lagMetrics

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

// owner is a partition with the goroutine that works on it.
type owner struct {
	id     int32
	cancel context.CancelFunc
	drain  chan struct{}
	done   chan struct{}
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
		lag:   newLagMetrics(o.Metrics, o.Group),
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
	g.commit = newCommitter(g)
	close(g.made)
	return g, nil
}

// Run takes part in the group until ctx ends, then lets the workers finish what
// they have taken, for at most drainTimeout, and leaves. It returns nil after a
// drain and the first fatal error otherwise.
func (g *Group) Run(ctx context.Context) error {
	clients, stop := context.WithCancel(context.WithoutCancel(ctx))
	var loops sync.WaitGroup
	loops.Go(func() { g.fetch.run(clients) })
	loops.Go(func() { g.commit.run(clients) })
	// The member client's own loop needs nobody to poll it, but errors of the
	// group arrive as fetches.
	loops.Go(func() { g.watchMember(clients) })

	var err error
	select {
	case <-ctx.Done():
	case err = <-g.fatal:
	}
	g.stopWorkers(drainTimeout)
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
	leaveTimeout = 2 * time.Second
)

// What workers are told when they have to end.
var (
	// ErrLost says that this process no longer owns the partition.
	ErrLost = errors.New("partition is no longer owned")
	// ErrDraining says that the process is stopping.
	ErrDraining = errors.New("draining")
)

// FatalError wraps an error that no restart of a worker can mend, such as a
// topic that was recreated under its name.
type FatalError struct{ Err error }

func (e *FatalError) Error() string { return e.Err.Error() }
func (e *FatalError) Unwrap() error { return e.Err }

// Fatal marks err as one that ends the group.
func Fatal(err error) error { return &FatalError{err} }

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
// finishes what was begun.
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
	for _, o := range stopping {
		<-o.done
		g.log.Info("partition released", zap.Int32("partition", o.id))
	}
}

// work keeps a worker running on the partition until it drains, is cancelled, or
// fails fatally.
func (g *Group) work(ctx context.Context, o *owner) {
	defer close(o.done)
	defer g.lag.forget(o.id)
	pause := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(10*time.Second), backoff.WithMaxElapsedTime(0))
	for {
		began := time.Now()
		err := g.attempt(ctx, o)
		if err == nil || ctx.Err() != nil || errors.Is(err, ErrDraining) {
			return
		}
		if f := (*FatalError)(nil); errors.As(err, &f) {
			select {
			case g.fatal <- fmt.Errorf("%s partition %d: %w", g.opts.Topic, o.id, err):
			default:
			}
			return
		}
		if time.Since(began) > time.Minute {
			pause.Reset()
		}
		wait := pause.NextBackOff()
		g.log.Error("partition worker stopped, starts again", zap.Int32("partition", o.id), zap.Error(err), zap.Duration("wait", wait))
		select {
		case <-ctx.Done():
			return
		case <-o.drain:
			return
		case <-time.After(wait):
		}
	}
}

func (g *Group) attempt(ctx context.Context, o *owner) error {
	p := &Partition{group: g, owner: o}
	defer g.fetch.remove(p)
	return g.opts.Work(ctx, p)
}

// stopWorkers drains every worker and cancels those that are not done in time.
func (g *Group) stopWorkers(timeout time.Duration) {
	g.mu.Lock()
	g.closed = true
	owners := make([]*owner, 0, len(g.owned))
	for _, o := range g.owned {
		close(o.drain)
		owners = append(owners, o)
	}
	g.mu.Unlock()
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	late := false
	for _, o := range owners {
		if !late {
			select {
			case <-o.done:
				continue
			case <-deadline.C:
				late = true
			}
		}
		o.cancel()
		<-o.done
	}
}

// owns reports whether the partition is still this owner's, under session s.
func (g *Group) owns(o *owner, s session) (alive, current bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.owned[o.id] == o, g.session == s
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
