package landing

import (
	"crypto/sha256"
	"fmt"
	"time"

	"go.uber.org/zap"

	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/kafka"
)

// chunk is what is inserted together: the shares of several partitions, in the order
// of the intent. The first one is the leader's, in whose commit the intent stands.
type chunk struct {
	l      *Lander
	log    *zap.Logger
	leader *kafka.Partition
	// state is what the leader's commits say besides the intent.
	state checkpoint.State
	// topicName is the topic that lands; topic and source are topic ids.
	topicName, topic, source string

	intent checkpoint.Intent
	shares []*share
	// took is how long ClickHouse was busy with it.
	took time.Duration

	// settled is closed when the followers know where they stand: the chunk has
	// landed, and what their commits say is decided, or it has failed, and failed says
	// why. over is closed when nothing is left to do, and err says why that failed.
	settled, over chan struct{}
	failed, err   error
}

// commit is the leader's with the intent in it.
func (c *chunk) commit() kafka.Commit {
	state := c.state
	state.Pending = &c.intent
	return kafka.Commit{Offset: c.shares[0].Lo, Metadata: state.Text()}
}

// declare writes the shares into the intent.
func (c *chunk) declare() {
	c.intent.Shares = make([]checkpoint.Share, len(c.shares))
	for i, s := range c.shares {
		c.intent.Shares[i] = s.Share
	}
}

// token names the chunk's blocks in ClickHouse's deduplication windows. The marks
// are part of it: a log that lost its tail has other records at the same offsets.
func (c *chunk) token() string {
	name := func(s *share) string { return fmt.Sprintf("%d:%d-%d:%d", s.Partition, s.Lo, s.Hi, s.Mark) }
	token := c.topic + ":" + name(c.shares[0])
	if len(c.shares) == 1 {
		return token
	}
	all := sha256.New()
	for _, s := range c.shares {
		fmt.Fprintln(all, name(s))
	}
	return fmt.Sprintf("%s+%d:%x", token, len(c.shares)-1, all.Sum(nil)[:16])
}

// blocks returns, for each table in turn, the blocks of all shares, of which some may
// be empty.
func (c *chunk) blocks() [][]clickhouse.Block {
	var tables [][]clickhouse.Block
	for _, s := range c.shares {
		for i, b := range s.builder.Blocks(s.Mark, s.Cut) {
			if i == len(tables) {
				tables = append(tables, nil)
			}
			tables[i] = append(tables[i], b)
		}
	}
	return tables
}

func rowsOf(blocks []clickhouse.Block) (n int) {
	for _, b := range blocks {
		n += b.Rows()
	}
	return n
}

// rows returns the number of rows as the builders count them.
func (c *chunk) rows() (n int) {
	for _, s := range c.shares {
		n += s.builder.Rows()
	}
	return n
}

// report notes for health why the chunk does not land; an empty reason says that it
// does.
func (c *chunk) report(reason string) {
	for _, s := range c.shares {
		c.l.status.set(s.Partition, reason)
	}
}

// repeats is told about each failure that is followed by another attempt.
func (c *chunk) repeats(err error, wait time.Duration) {
	class := clickhouse.ClassOf(err)
	c.l.metrics.retries.WithLabelValues(string(class)).Inc()
	c.report(clickhouse.Explain(err))
	c.log.Warn("insert failed, is repeated", zap.String("class", string(class)), zap.Error(err), zap.Duration("wait", wait), zap.String("token", c.token()))
}
