package kafka

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
)

// committer sends the commits of all partitions of a group, one request at a
// time, each carrying whatever partitions have something to commit: commits of
// one client are serialised anyway, and a request costs more than a partition.
//
// The broker fences commits by member and generation, not by partition: a member
// that lost a partition but lives on in the group could still overwrite the new
// owner's offset. So every request is checked, at the moment it is built, against
// the partitions that this member owns in the session it is built for.
type committer struct {
	group *Group
	wake  chan struct{}

	mu      sync.Mutex // guards the following
	pending map[int32]*pendingCommit
	// ended is set when nothing is sent any more.
	ended bool
}

type pendingCommit struct {
	owner  *Partition
	commit Commit
	done   []chan error
	// others have to be owned, too, when the commit is sent.
	others []*Partition
	// certain says that the commit ends only when its fate is decided. sent is the
	// session under which a request with it went out; without a clear answer the
	// broker may still take it for as long as that session lasts.
	certain bool
	sent    session
}

// commitLaterDelay gathers the commits of several partitions and batches into
// one request when nobody waits for them. What it delays is repeated after a
// crash: at 50,000 events per second and partition, 2,500 events.
const commitLaterDelay = 50 * time.Millisecond

// commitRetryDelay separates the repetitions of a commit.
const commitRetryDelay = 50 * time.Millisecond

func newCommitter(g *Group) *committer {
	return &committer{group: g, wake: make(chan struct{}, 1), pending: make(map[int32]*pendingCommit)}
}

// submit puts a commit in the place of an earlier one of the same partition that
// was not sent yet. done, which may be nil, is told how it went; it is told
// ErrLost at once when the assignment is over.
func (c *committer) submit(p *pendingCommit, done chan error) {
	if !c.put(p, done) {
		if done != nil {
			done <- ErrLost
		}
		return
	}
	if done != nil {
		c.notify()
		return
	}
	time.AfterFunc(commitLaterDelay, c.notify)
}

// put refuses an assignment that is over: what is pending may be its successor's.
func (c *committer) put(p *pendingCommit, done chan error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if alive, _ := c.group.owns(p.owner, session{}); !alive || c.ended {
		return false
	}
	if done != nil {
		p.done = append(p.done, done)
	}
	if before := c.pending[p.owner.ID()]; before != nil {
		if before.owner == p.owner {
			p.done = append(p.done, before.done...)
		} else {
			before.finish(ErrLost)
		}
	}
	c.pending[p.owner.ID()] = p
	return true
}

func (c *committer) notify() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (p *pendingCommit) finish(err error) {
	for _, d := range p.done {
		d <- err
	}
}

// run sends commits until ctx ends.
func (c *committer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			c.mu.Lock()
			c.ended = true
			c.mu.Unlock()
			c.abandon(c.take())
			return
		case <-c.wake:
		}
		for batch := c.take(); len(batch) > 0; batch = c.send(ctx, batch) {
			if ctx.Err() != nil {
				c.abandon(batch)
				break
			}
		}
	}
}

func (c *committer) take() map[int32]*pendingCommit {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch := c.pending
	c.pending = make(map[int32]*pendingCommit)
	return batch
}

func (c *committer) abandon(batch map[int32]*pendingCommit) {
	for _, p := range batch {
		p.finish(ErrLost)
	}
}

// send sends one request and returns what must be sent again, unchanged: commits
// that the broker refused for the moment, and those whose fate is unknown.
func (c *committer) send(ctx context.Context, batch map[int32]*pendingCommit) map[int32]*pendingCommit {
	topic := c.group.opts.Topic
	offsets := make(map[int32]kgo.EpochOffset, len(batch))
	for id, p := range batch {
		offsets[id] = kgo.EpochOffset{Epoch: -1, Offset: p.commit.Offset}
	}
	check := func(req *kmsg.OffsetCommitRequest) error { return c.check(req, batch) }
	var again map[int32]*pendingCommit
	c.group.member.CommitOffsetsSync(kgo.PreCommitFnContext(ctx, check), map[string]map[int32]kgo.EpochOffset{topic: offsets},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
			again = c.settle(batch, resp, err)
		})
	if len(again) > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(commitRetryDelay):
		}
	}
	return again
}

// errOtherSession says that the group was joined anew while a commit was built;
// the commit is tried again once the new session's partitions are known.
var errOtherSession = errors.New("group session changed")

// check is called with the request just before it is sent. It takes out the
// partitions that are no longer owned and adds the metadata of the others.
func (c *committer) check(req *kmsg.OffsetCommitRequest, batch map[int32]*pendingCommit) error {
	s := session{req.MemberID, req.Generation}
	for i := range req.Topics {
		kept := req.Topics[i].Partitions[:0]
		for _, rp := range req.Topics[i].Partitions {
			p := batch[rp.Partition]
			switch c.judge(p, s) {
			case commitDrop:
				p.finish(ErrLost)
				delete(batch, rp.Partition)
				continue
			case commitWait:
				return errOtherSession
			}
			rp.Metadata = new(p.commit.Metadata)
			kept = append(kept, rp)
		}
		req.Topics[i].Partitions = kept
	}
	if len(batch) == 0 {
		return ErrLost
	}
	for _, p := range batch {
		p.sent = s
	}
	return nil
}

type commitVerdict int

const (
	commitSend commitVerdict = iota
	commitDrop
	commitWait
)

// judge decides about one commit of a request that is built for session s. One that
// went out under the same session and was not answered goes out again whoever owns
// its partition by now: until the session ends nobody else can have it, and only an
// answer tells what became of the first. Under a later session the broker has either
// taken it or refuses it for ever.
func (c *committer) judge(p *pendingCommit, s session) commitVerdict {
	alive, current := c.group.owns(p.owner, s)
	for _, o := range p.others {
		owned, _ := c.group.owns(o, s)
		alive = alive && owned
	}
	switch {
	case p.certain && p.sent == s:
		return commitSend
	case !alive, p.certain && p.sent != (session{}):
		return commitDrop
	case !current:
		return commitWait
	}
	return commitSend
}

// settle tells the waiting workers how their commits went.
func (c *committer) settle(batch map[int32]*pendingCommit, resp *kmsg.OffsetCommitResponse, err error) map[int32]*pendingCommit {
	answered := make(map[int32]error)
	if err == nil {
		// All partitions are of one topic; its name may be empty in an answer.
		for _, t := range resp.Topics {
			for _, rp := range t.Partitions {
				answered[rp.Partition] = kerr.ErrorForCode(rp.ErrorCode)
			}
		}
	}
	again := make(map[int32]*pendingCommit)
	for id, p := range batch {
		perr, ok := answered[id]
		switch {
		case ok && perr == nil:
			p.finish(nil)
		case ok && lostMembership(perr):
			// The group has expelled this member. Its partitions are about to be
			// taken from it; until then nothing may be done with them.
			c.group.log.Warn("commit refused: no longer a member", zap.Int32("partition", id), zap.Error(perr))
			p.finish(errors.Join(ErrLost, perr))
		case ok && !kerr.IsRetriable(perr) && !errors.Is(perr, kerr.RebalanceInProgress):
			p.finish(perr)
		default:
			if alive, _ := c.group.owns(p.owner, session{}); !alive && (!p.certain || p.sent == (session{})) {
				p.finish(ErrLost)
				continue
			}
			again[id] = p
		}
	}
	// A commit that was submitted meanwhile takes the place of the older one.
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, newer := range c.pending {
		if older, ok := again[id]; ok && older.owner == newer.owner {
			newer.done = append(newer.done, older.done...)
			again[id] = newer
			delete(c.pending, id)
		}
	}
	return again
}

// lostMembership reports the answers by which a broker says that the member was
// replaced or expelled.
func lostMembership(err error) bool {
	return errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.FencedInstanceID)
}
