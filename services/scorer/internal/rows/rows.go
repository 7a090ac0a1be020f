// Package rows turns records of the scores topic into column blocks for the tables
// profiles and scores.
//
// It reads touchlinepb.Profile, writes column blocks in the order that package
// schemas/clickhouse declares, and guarantees that every value it writes is one
// that ClickHouse takes: times and amounts are within their types' range. The
// rows of a chunk are a pure function of the records added to it.
package rows

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	pb "google.golang.org/protobuf/proto"

	"touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/denselog"
)

// Builder builds the blocks of one chunk of the scores topic. It is a
// landing.Builder and not safe for concurrent use.
type Builder struct {
	profiles *profiles
	scores   *scores
	profile  touchlinepb.Profile
}

// New returns an empty builder.
func New() *Builder { return &Builder{profiles: newProfiles(), scores: newScores()} }

// Add appends the rows that the record stands for: one in profiles and one in
// scores for each model.
func (b *Builder) Add(r *kgo.Record, _ denselog.Position) error {
	if err := pb.Unmarshal(r.Value, &b.profile); err != nil {
		return fmt.Errorf("decode profile: %w", err)
	}
	b.profiles.add(&b.profile)
	for _, s := range b.profile.Scores {
		b.scores.add(&b.profile, s)
	}
	return nil
}

// Rows returns the number of rows of both tables.
func (b *Builder) Rows() int { return b.profiles.Rows() + b.scores.Rows() }

// Bytes returns what the rows take in memory; the builder may hold a quarter more.
func (b *Builder) Bytes() int { return b.profiles.Bytes() + b.scores.Bytes() }

// Blocks returns the block of profiles, then that of scores.
func (b *Builder) Blocks(_, _ int64) []clickhouse.Block {
	return []clickhouse.Block{b.profiles.Block(), b.scores.Block()}
}

// Begin is Reset: rows do not say which partition they
// came from.
func (b *Builder) Begin(string, int32) { b.Reset() }

// keep is the memory that Reset keeps for each table: chunks of a steady load find
// theirs again, and what a burst or a backlog took beyond it is given back.
const keep = 2 << 20

// Reset empties the builder and keeps up to 4 MiB of its memory.
func (b *Builder) Reset() {
	b.profiles.Reset(keep)
	b.scores.Reset(keep)
}
