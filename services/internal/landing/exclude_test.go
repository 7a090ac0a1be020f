package landing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/landing"
)

// large gathers more than a test produces into one chunk.
func large() landing.Config {
	c := small()
	c.MaxRows, c.FlushAge = 100_000, 200*time.Millisecond
	return c
}

func TestLander_excludesWhatClickHouseRefuses(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	f.run(large())
	f.produce(0, dense(0, 1000)...)
	f.expect(1000)
	f.constrain("src NOT IN (1000, 1337, 1999)")
	f.produce(0, dense(1000, 2000)...)
	f.produce(0, dense(1300, 1400)...) // repeats of what is refused
	f.produce(1, dense(0, 10)...)
	f.expect(2007)
	f.outside(0, 1000, 1337, 1999)
	f.produce(0, dense(2000, 3000)...)
	f.expect(3007)
	f.outside(0, 1000, 1337, 1999)
	kafkatest.Eventually(t, "health", func() bool { return len(f.health.Reasons()) == 0 })
}

// A lander that dies between the intent that names the refused rows and the insert
// leaves an intent that the next one finishes with the same rows.
func TestLander_takesOverAnIntentWithExclusions(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	direct := f.ch.URL
	through := newProxy(t, direct)
	f.ch.URL = through.URL
	f.constrain("src % 400 != 7")
	f.produce(0, dense(0, 1000)...)
	// Nothing but probing comes through once the server has refused the block.
	table := into(f.db + ".landed")
	through.cut(func(statement string) bool { return table(statement) && f.pendingExcluded() > 0 })
	stop := f.run(large())
	kafkatest.Eventually(t, "an intent with exclusions whose insert fails", func() bool {
		return f.pendingExcluded() > 0 && f.health.Reasons()["test"] != ""
	})
	began := time.Now()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("the lander took %s to end", took)
	}
	intent := f.pending(0)
	if intent == nil || !slices.Equal(intent.Shares[0].Excluded, []int64{7, 407, 807}) {
		t.Fatalf("intent %+v is pending, want 7, 407 and 807 excluded", intent)
	}
	f.expect(0)
	// The next one does not ask the twin, so it need not be there.
	f.exec("DROP TABLE " + f.db + ".landed_twin")
	through.cut(nil)
	f.run(small())
	f.expect(997)
	f.outside(0, 7, 407, 807)
}

// pendingExcluded returns how many records the committed intent of partition 0
// excludes. It may be called by any goroutine.
func (f *fixture) pendingExcluded() int {
	offsets, err := kadm.NewClient(f.client).FetchOffsets(context.Background(), topics.GroupTouchpoints)
	if err != nil {
		return 0 // the group does not exist yet
	}
	o, _ := offsets.Lookup(topics.Enriched, 0)
	s, err := checkpoint.Parse(o.Metadata)
	if err != nil || s.Pending == nil {
		return 0
	}
	return len(s.Pending.Shares[0].Excluded)
}

func TestLander_stopsWhenTooMuchIsRefused(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	f.constrain("src % 2 = 0")
	f.produce(0, dense(0, 1000)...)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := f.group(large())(ctx); !errors.Is(err, clickhouse.ErrManyRefused) {
		t.Errorf("lander ended with %v", err)
	}
	if intent := f.pending(0); intent == nil || len(intent.Shares[0].Excluded) > 0 {
		t.Errorf("intent %+v is pending", intent)
	}
	f.expect(0)
	// Once the table is mended, the same intent is finished.
	f.relax()
	f.run(small())
	f.expect(1000)
	f.outside(0)
}

func TestLander_stopsAtARefusalWithoutATwin(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	f.constrain("src != 30")
	f.produce(0, dense(0, 50)...)
	f.stopped(landing.ErrRefused, func(d *landing.Deps) { d.Twin = "" })
	f.relax()
	f.run(small())
	f.expect(50)
}

// A constraint that comes between two attempts of a chunk must not exclude a row
// that the first one stored.
func TestLander_stopsWhenPartOfARefusedBlockIsStored(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	f.produce(0, dense(0, 50)...)
	f.exec("INSERT INTO " + f.db + ".landed SETTINGS async_insert = 0 SELECT number, 0, 'v' FROM numbers(7) WHERE number % 3 = 0")
	f.constrain("src != 3")
	f.intend(checkpoint.Intent{At: time.Now().UnixMilli(), Shares: []checkpoint.Share{wholeShare(29)}})
	f.stopped(landing.ErrRefusedLate)
}

// An intent that excludes records whose originals have expired stops.
func TestLander_stopsWhenTheOriginalHasExpired(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	f.produce(0, dense(0, 50)...)
	f.intend(checkpoint.Intent{At: time.Now().UnixMilli(), Shares: []checkpoint.Share{wholeShare(29, 3)}})
	f.expire(topics.Raw, 0, 10)
	f.stopped(checkpoint.ErrExpired)
	f.expect(0)
}

// When raw was made again, the originals of the records before the turn are gone.
func TestLander_excludesWithoutTheOriginalBeforeATurn(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	f.constrain("src != 11")
	f.produce(0, dense(0, 30)...)
	f.produce(0, dense(0, 20)...)
	f.commit(0, kafka.Commit{Metadata: checkpoint.State{
		Version: checkpoint.Version, Mark: denselog.None, Turn: &checkpoint.Turn{At: 30, Source: "gone", Mark: denselog.None},
		Topics: map[string]string{topics.Enriched: f.topicID(topics.Enriched), topics.Raw: f.topicID(topics.Raw)},
	}.Text()})
	f.run(large(), func(d *landing.Deps) {
		d.NewBuilder = func() landing.Builder { return &builderBySource{builder{db: f.db}} }
		d.Landed = bySource{tables{f, f.conn}}
	})
	f.expect(29 + 19)
	if n := f.number("SELECT countIf(part = 9 AND payload = '') * 10 + countIf(part = 0 AND payload = 'original 11') FROM " + f.db + ".outside"); n != 11 {
		t.Errorf("the originals are not as they should: %d", n)
	}
}

// builderBySource builds for bySource.
type builderBySource struct{ builder }

func (b *builderBySource) Begin(source string, p int32) {
	if source == "gone" {
		p = 9
	}
	b.builder.Begin(source, p)
}

// bySource tells rows of the log that is gone from others by their partition, 9.
type bySource struct{ tables }

func (s bySource) Mark(ctx context.Context, source string, partition int32) (int64, error) {
	if source == "gone" {
		partition = 9
	}
	return s.tables.Mark(ctx, source, partition)
}

func (s bySource) Count(ctx context.Context, table, source string, partition int32, after, upTo int64) (int, error) {
	if source == "gone" {
		partition = 9
	}
	return s.tables.Count(ctx, table, source, partition, after, upTo)
}

// A view that throws leaves its rows in the table. The lander stops, says so, and
// finishes the same chunk when the view is mended, also if it is one of a block
// with rows that are refused.
func TestLander_stopsWhenAViewThrows(t *testing.T) {
	for _, refused := range []bool{false, true} {
		t.Run(fmt.Sprintf("rows_refused_%v", refused), func(t *testing.T) {
			f := newFixture(t, clickhousetest.Start(t))
			view := func(expression string) {
				t.Helper()
				f.exec("ALTER TABLE " + f.db + ".total_mv MODIFY QUERY SELECT 1 AS one, count() AS n FROM " + f.db + ".landed WHERE " + expression)
			}
			want := uint64(50)
			if refused {
				want = 49
				f.constrain("src != 11")
			}
			view("throwIf(src = 22, 'view') = 0")
			f.produce(0, dense(0, 50)...)
			f.stopped(landing.ErrViewThrows)
			if f.pending(0) == nil {
				t.Error("no intent is pending")
			}
			f.stopped(landing.ErrViewThrows) // a restart does not help
			view("1")
			f.run(small())
			f.expect(want)
			if refused {
				f.outside(0, 11)
			}
		})
	}
}

// Without the server's word for it, a view is found by the twin taking every row.
func TestLander_stopsWhenTheTwinTakesEveryRow(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	f.exec("ALTER TABLE " + f.db + ".landed ADD CONSTRAINT odd CHECK src != 30")
	f.produce(0, dense(0, 50)...)
	f.stopped(landing.ErrViewThrows)
	if reason := f.health.Reasons()["test"]; strings.Contains(reason, "30") {
		t.Errorf("health quotes the server: %s", reason)
	}
	if n := f.number("SELECT count() FROM " + f.db + ".landed"); n != 0 {
		t.Errorf("%d rows", n)
	}
}

// Rows of repeats and holes in a refused chunk are left out when it is built anew.
func TestLander_excludesAmongRepeatsAndHoles(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	f.constrain("src NOT IN (5, 12)")
	f.produce(0, dense(0, 10)...)
	f.produce(0, dense(12, 15)...)
	f.produce(0, dense(3, 50)...)
	f.produce(0, denselog.Position{Src: 49, Prev: 48})
	f.run(large())
	f.expect(48)
	f.outside(0, 5, 12)
}
