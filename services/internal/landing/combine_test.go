package landing_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
)

// What partitions gather while a chunk is under way goes into the next one together:
// one intent, one insert for each table.
func TestLander_combinesPartitions(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	through := newProxy(t, f.ch.URL)
	f.ch.URL = through.URL
	cfg := small()
	cfg.MaxRows = 1000
	f.run(cfg)
	release := through.hold(into(f.db + ".landed"))
	f.produce(0, dense(0, 1)...)
	kafkatest.Eventually(t, "a chunk under way", func() bool { return through.held() == 1 })
	before := f.sum("touchline_landing_chunk_bytes")
	for p := range int32(4) {
		f.produce(p, dense(1-min(1, int64(p)), 10)...)
	}
	kafkatest.Eventually(t, "all of them to be gathered", func() bool { return f.sum("touchline_landing_chunk_bytes") >= before+39*22 })
	if n := through.held(); n != 1 {
		t.Errorf("%d inserts are under way", n)
	}
	release()
	f.expect(40)
	if n := f.sum("touchline_landing_chunks_total"); n != 2 {
		t.Errorf("%v chunks, want 2", n)
	}
	// Each insert makes one part; parts of three residues of src in landed.
	if n := f.number("SELECT toUInt64(max(max_block_number)) FROM system.parts WHERE database = '" + f.db + "' AND table = 'cuts'"); n != 2 {
		t.Errorf("cuts were inserted in %d parts, want 2", n)
	}
	for p := range int32(4) {
		kafkatest.Eventually(t, "the offset behind the chunk", func() bool { return f.committed(p).Offset == 10 && f.pending(p) == nil })
	}
}

// jointIntent is a chunk of partition 0 up to offset 29 and partition 2 up to 19, and
// its token.
func (f *fixture) jointIntent() (checkpoint.Intent, string) {
	second := wholeShare(19)
	second.Partition = 2
	all := sha256.Sum256([]byte("0:0-29:-1\n2:0-19:-1\n"))
	return checkpoint.Intent{At: time.Now().UnixMilli(), Shares: []checkpoint.Share{wholeShare(29), second}},
		fmt.Sprintf("%s:0:0-29:-1+1:%x", f.topicID(topics.Enriched), all[:16])
}

// insertJoint inserts the first so many tables of the chunk of jointIntent.
func (f *fixture) insertJoint(token string, tables int) {
	f.t.Helper()
	first, second := &builder{db: f.db}, &builder{db: f.db, part: 2}
	for src := range int64(30) {
		for _, b := range []*builder{first, second} {
			if b == first || src < 20 {
				if err := b.Add(&kgo.Record{Value: fmt.Append(nil, "v", src)}, denselog.Position{Src: src}); err != nil {
					f.t.Fatal(err)
				}
			}
		}
	}
	one, two := first.Blocks(denselog.None, 29), second.Blocks(denselog.None, 19)
	for i := range tables {
		if err := clickhouse.NewInserter(f.ch).Insert(f.t.Context(), token, one[i], two[i]); err != nil {
			f.t.Fatal(err)
		}
	}
}

// behind commits that a partition has gone past its share.
func (f *fixture) behind(partition int32, s checkpoint.Share) {
	f.t.Helper()
	f.commit(partition, kafka.Commit{Offset: s.Hi + 1, Metadata: checkpoint.State{
		Version: checkpoint.Version, Mark: s.Cut,
		Topics: map[string]string{topics.Enriched: f.topicID(topics.Enriched), topics.Raw: f.topicID(topics.Raw)},
	}.Text()})
}

// A chunk of two partitions that was left at any point is finished as it was written,
// and both go on behind it.
func TestLander_finishesAChunkOfTwoPartitions(t *testing.T) {
	for name, c := range map[string]struct {
		tables               int
		followerPast, landed bool
	}{
		"nothing_inserted":  {},
		"table_inserted":    {tables: 1},
		"all_inserted":      {tables: 3},
		"follower_is_past":  {tables: 3, followerPast: true},
		"noted_as_landed":   {tables: 3, landed: true},
		"landed_and_passed": {tables: 3, landed: true, followerPast: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, clickhousetest.Start(t))
			f.produce(0, dense(0, 50)...)
			f.produce(2, dense(0, 40)...)
			f.produce(1, dense(0, 5)...)
			intent, token := f.jointIntent()
			f.insertJoint(token, c.tables)
			intent.Landed = c.landed
			f.intend(intent)
			if c.followerPast {
				f.behind(2, intent.Shares[1])
			}
			f.run(small())
			f.expect(95)
			for p, end := range map[int32]int64{0: 50, 1: 5, 2: 40} {
				kafkatest.Eventually(t, "the offset at the end", func() bool { return f.committed(p).Offset == end && f.pending(p) == nil })
			}
			if n := f.number("SELECT countIf(part = 0 AND cut = 29) * 10 + countIf(part = 2 AND cut = 19) FROM " + f.db + ".cuts"); n != 11 {
				t.Errorf("the chunk that was left is completed so: %d, want 11", n)
			}
		})
	}
}

// Rows of several partitions in one refused chunk are excluded where they belong.
func TestLander_excludesFromAChunkOfSeveralPartitions(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	f.constrain("src NOT IN (5, 12)")
	through := newProxy(t, f.ch.URL)
	f.ch.URL = through.URL
	f.run(large())
	release := through.hold(into(f.db + ".landed"))
	f.produce(3, dense(0, 1)...)
	kafkatest.Eventually(t, "a chunk under way", func() bool { return through.held() == 1 })
	before := f.sum("touchline_landing_chunk_bytes")
	f.produce(0, dense(0, 10)...)
	f.produce(1, dense(0, 20)...)
	kafkatest.Eventually(t, "both to be gathered", func() bool { return f.sum("touchline_landing_chunk_bytes") >= before+30*22 })
	release()
	f.expect(1 + 9 + 18)
	f.outside(0, 5)
	f.outside(1, 5, 12)
}

// Members of a group come and go while others have chunks under way that combine
// partitions of which some move: every record is one row.
func TestLander_combinesWhileMembersComeAndGo(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	const n, rounds = 4000, 10
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	f.originalsTo(n)
	var writers sync.WaitGroup
	for p := range int32(4) {
		writers.Go(func() {
			for from := int64(0); from < n; from += 50 {
				f.produce(p, dense(max(0, from-10), min(n, from+50))...)
			}
		})
	}
	cfg := small()
	cfg.MaxRows = 200
	f.run(cfg)
	for range rounds {
		run := f.group(cfg)
		ctx, cut := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- run(ctx) }()
		before, _, _ := f.counts()
		goal := min(before+uint64(100+random.IntN(1500)), 4*n)
		kafkatest.Eventually(t, "progress", func() bool { rows, _, _ := f.counts(); return rows >= goal })
		cut()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	writers.Wait()
	f.expect(4 * n)
}

// originalsTo brings the source topic of every partition to n records.
func (f *fixture) originalsTo(n int) {
	for p := range int32(4) {
		f.original(p, n-originals)
	}
}
