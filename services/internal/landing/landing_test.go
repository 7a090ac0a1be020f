package landing_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
)

func TestLander_landsEachRecordOnceAndSkipsRepeatsAndHoles(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	stop := f.run(small())
	f.produce(0, dense(0, 100)...)
	f.produce(1, dense(0, 10)...)
	f.produce(1, dense(12, 20)...) // a hole: 10 and 11 were refused
	f.produce(1, dense(5, 30)...)  // the writer starts again before it
	f.produce(2, denselog.Position{Src: 0, Prev: -1}, denselog.Position{Src: 0, Prev: -1})
	f.expect(131)
	kafkatest.Eventually(t, "the offset behind the last chunk", func() bool {
		c := f.committed(1)
		return c.Offset == 43 && strings.Contains(c.Metadata, `"mark":29`) && !strings.Contains(c.Metadata, "pend")
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	f.run(small())
	f.produce(0, dense(100, 101)...)
	f.expect(132)
}

// Whoever takes over finishes a pending intent as it was written, whether its
// block had been inserted or not.
func TestLander_finishesAPendingIntent(t *testing.T) {
	for inserted := range 4 {
		t.Run(fmt.Sprintf("%d_blocks_inserted", inserted), func(t *testing.T) {
			f := newFixture(t, clickhousetest.Start(t))
			f.produce(0, dense(0, 50)...)
			if inserted > 0 {
				f.insert(f.topicID(topics.Enriched)+":0:0-29:-1", 30, inserted)
				f.expect(30)
			}
			f.intend(checkpoint.Intent{At: time.Now().UnixMilli(), Shares: []checkpoint.Share{wholeShare(29)}})
			f.run(small())
			f.expect(50)
		})
	}
}

// The tokens of an old intent may be forgotten, so the tables are asked, also when
// the clock went back and the age means nothing.
func TestLander_looksIntoTheTablesWhenAnIntentIsOld(t *testing.T) {
	for name, age := range map[string]time.Duration{"an_hour_old": time.Hour, "from_tomorrow": -24 * time.Hour} {
		for blocks := range 4 {
			t.Run(fmt.Sprintf("%s_%d_blocks_inserted", name, blocks), func(t *testing.T) {
				f := newFixture(t, clickhousetest.Start(t))
				f.produce(0, dense(0, 50)...)
				f.insert("forgotten", 30, blocks)
				f.intend(checkpoint.Intent{At: time.Now().Add(-age).UnixMilli(), Shares: []checkpoint.Share{wholeShare(29)}})
				f.run(small())
				f.expect(50)
				kafkatest.Eventually(t, "the offset behind the last chunk", func() bool { return f.committed(0).Offset == 50 && f.pending(0) == nil })
				if n := f.number("SELECT countIf(cut = 29) FROM " + f.db + ".cuts"); n != 1 {
					t.Errorf("the old chunk was completed %d times", n)
				}
			})
		}
	}
}

// A server that is killed between the table and its view, and away for long, leaves
// rows that the view lacks. The count of parts says that the token is remembered, so
// the chunk is sent again, and only what is missing is written.
func TestLander_completesViewsAfterALongOutage(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	f.produce(0, dense(0, 50)...)
	view := func(expression string) {
		t.Helper()
		f.exec("ALTER TABLE " + f.db + ".total_mv MODIFY QUERY SELECT 1 AS one, count() AS n FROM " + f.db + ".landed WHERE " + expression)
	}
	f.exec("INSERT INTO " + f.db + ".cuts SETTINGS async_insert = 0 VALUES (7, 0, 0)")
	parts, err := tables{f, f.conn}.Parts(t.Context())
	if err != nil || parts <= 0 {
		t.Fatalf("%d parts, %v", parts, err)
	}
	view("throwIf(1) = 0")
	b := &builder{db: f.db}
	for src := range int64(30) {
		if err := b.Add(&kgo.Record{Value: fmt.Append(nil, "v", src)}, denselog.Position{Src: src}); err != nil {
			t.Fatal(err)
		}
	}
	if err := clickhouse.NewInserter(f.ch).Insert(t.Context(), f.topicID(topics.Enriched)+":0:0-29:-1", b.Blocks(denselog.None, 29)[0]); clickhouse.ClassOf(err) != clickhouse.ClassView {
		t.Fatalf("insert with a view that throws: %v", err)
	}
	if rows, _, total := f.counts(); rows != 30 || total != 0 {
		t.Fatalf("table has %d rows, its view counts %d", rows, total)
	}
	view("1")
	f.intend(checkpoint.Intent{At: time.Now().Add(-time.Hour).UnixMilli(), Parts: parts, Shares: []checkpoint.Share{wholeShare(29)}})
	f.run(small())
	f.expect(50)
}

func TestLander_stopsAtAnOldIntentThatIsHalfThere(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	f.produce(0, dense(0, 50)...)
	f.insert("forgotten", 20, 1)
	f.intend(checkpoint.Intent{At: time.Now().Add(-time.Hour).UnixMilli(), Shares: []checkpoint.Share{wholeShare(29)}})
	f.stopped(checkpoint.ErrIntentTooOld)
	f.expect(20)
}

func TestLander_refusesARecreatedTopic(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	stop := f.run(small())
	f.produce(0, dense(0, 10)...)
	f.expect(10)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	adm := kadm.NewClient(f.client)
	if _, err := adm.DeleteTopic(t.Context(), topics.Enriched); err != nil {
		t.Fatal(err)
	}
	if _, err := kafka.Apply(t.Context(), f.client, topics.EmbeddedPartitions, 1); err != nil {
		t.Fatal(err)
	}
	f.stopped(checkpoint.ErrTopicRecreated)
	f.expect(10)
}

// A source log that has lost its end gives offsets out again; what came under them
// would be passed over as repeats.
func TestLander_refusesASourceThatHasLostItsEnd(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	f.produce(0, dense(0, originals+1)...)
	f.insert("any", originals+1, 3)
	f.commit(0, kafka.Commit{Offset: 5, Metadata: checkpoint.State{
		Version: checkpoint.Version, Mark: 4,
		Topics: map[string]string{topics.Enriched: f.topicID(topics.Enriched), topics.Raw: f.topicID(topics.Raw)},
	}.Text()})
	f.stopped(checkpoint.ErrTruncated)
}

// Landers that end at any moment, a writer that repeats itself and leaves holes,
// rows that are refused, and a ClickHouse that is killed: every record is one row,
// in the table and in its view, or outside. (Kills of the lander's own process are
// tested end to end.)
func TestLander_exactThroughKills(t *testing.T) {
	server := clickhousetest.Fresh(t)
	f := newFixture(t, server)
	const n, kills = 3000, 12
	f.constrain("src % 500 != 13")
	var writers sync.WaitGroup
	for p := range int32(4) {
		writers.Go(func() {
			for from := int64(0); from < n; from += 60 {
				f.produce(p, dense(from+20, min(n, from+60))...)
				f.produce(p, dense(max(0, from-30), min(n, from+60))...)
			}
		})
	}
	for i := range kills {
		cfg := small()
		cfg.MaxRows = 50 + i
		run := f.group(cfg)
		ctx, cut := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- run(ctx) }()
		before, _, _ := f.counts()
		deadline := time.Now().Add(10 * time.Second)
		for rows := before; rows < before+uint64(100+37*i) && rows < 4*n && time.Now().Before(deadline); rows, _, _ = f.counts() {
			time.Sleep(3 * time.Millisecond)
		}
		if i%4 == 3 {
			server.Embedded.Kill()
		}
		cut()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if i%4 == 3 {
			kafkatest.Eventually(t, "ClickHouse to be back", func() bool { return f.conn.Ping(t.Context()) == nil })
		}
	}
	writers.Wait()
	f.run(small())
	f.expect(4 * (n - n/500))
	for p := range int32(4) {
		f.outside(p, 13, 513, 1013, 1513, 2013, 2513)
	}
}
