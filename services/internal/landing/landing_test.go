package landing_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/landing"
	"touchline.dev/services/internal/telemetry"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

// fixture is a broker, a database of its own with one landed table, a view that
// sums it, and the values that the table must hold in the end.
type fixture struct {
	*kafkatest.Cluster
	t      *testing.T
	db     string
	conn   driver.Conn
	ch     clickhouse.Config
	client *kgo.Client
}

func newFixture(t *testing.T, server *clickhousetest.Server) *fixture {
	t.Helper()
	f := &fixture{
		Cluster: kafkatest.Start(t), t: t,
		db:   strings.ToLower(strings.NewReplacer("/", "_", "-", "_").Replace(t.Name())) + fmt.Sprint(time.Now().UnixNano()%1e6),
		conn: server.Open(t, server.Writer),
		ch:   clickhouse.Config{URL: server.URL, User: server.Writer.User, Password: config.NewSecret(server.Writer.Password)},
	}
	f.client = f.Client(t)
	for _, q := range []string{
		"CREATE DATABASE " + f.db,
		"CREATE TABLE " + f.db + ".landed (src UInt64, part UInt16, value String) ENGINE = MergeTree ORDER BY src PARTITION BY src % 3 SETTINGS non_replicated_deduplication_window = 10000",
		"CREATE TABLE " + f.db + ".total (one UInt8, n SimpleAggregateFunction(sum, UInt64)) ENGINE = AggregatingMergeTree ORDER BY one SETTINGS non_replicated_deduplication_window = 10000",
		"CREATE MATERIALIZED VIEW " + f.db + ".total_mv TO " + f.db + ".total AS SELECT 1 AS one, count() AS n FROM " + f.db + ".landed",
		"CREATE TABLE " + f.db + ".topics (name String, id String) ENGINE = MergeTree ORDER BY name",
	} {
		if err := f.conn.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// tables answers from the fixture's database, as landing.Tables does from the
// product's.
type tables struct{ f *fixture }

func (s tables) Topic(ctx context.Context, name, id string) (known string, err error) {
	q := "SELECT any(id) FROM " + s.f.db + ".topics WHERE name = ?"
	if err = s.f.conn.QueryRow(ctx, q, name).Scan(&known); err != nil || known != "" {
		return known, err
	}
	return id, s.f.conn.Exec(ctx, "INSERT INTO "+s.f.db+".topics SETTINGS async_insert = 0 VALUES (?, ?)", name, id)
}

func (s tables) Mark(ctx context.Context, _ string, partition int32) (int64, error) {
	var n, mark uint64
	err := s.f.conn.QueryRow(ctx, "SELECT count(), max(src) FROM "+s.f.db+".landed WHERE part = ?", uint16(partition)).Scan(&n, &mark)
	if err != nil || n == 0 {
		return denselog.None, err
	}
	return int64(mark), nil
}

func (s tables) Count(ctx context.Context, _ string, partition int32, after, upTo int64) (int, error) {
	var n uint64
	err := s.f.conn.QueryRow(ctx, "SELECT count() FROM "+s.f.db+".landed WHERE part = ? AND src > ? AND src <= ?", uint16(partition), after, upTo).Scan(&n)
	return int(n), err
}

// builder builds one row per stored record.
type builder struct {
	table string
	part  int32
	src   proto.ColUInt64
	parts proto.ColUInt16
	value proto.ColStr
}

func (b *builder) Add(r *kgo.Record, src int64) error {
	b.src.Append(uint64(src))
	b.parts.Append(uint16(b.part))
	b.value.AppendBytes(r.Value)
	return nil
}
func (b *builder) Rows() int  { return b.src.Rows() }
func (b *builder) Bytes() int { return b.src.Rows() * 30 }
func (b *builder) Reset()     { b.src.Reset(); b.parts.Reset(); b.value.Reset() }
func (b *builder) Blocks() []clickhouse.Block {
	return []clickhouse.Block{{Table: b.table, Input: proto.Input{
		{Name: "src", Data: &b.src}, {Name: "part", Data: &b.parts}, {Name: "value", Data: &b.value},
	}}}
}

// group starts a lander of the fixture's table and returns the group's Run.
func (f *fixture) group(cfg landing.Config) func(context.Context) error {
	f.t.Helper()
	l := landing.New(cfg, landing.Deps{
		Deps: telemetry.Deps{
			Log: zaptest.NewLogger(f.t, zaptest.Level(zap.ErrorLevel)), Metrics: prometheus.NewRegistry(),
			Health: telemetry.NewHealth(), Now: time.Now,
		},
		Inserter: clickhouse.NewInserter(f.ch), Landed: tables{f}, Source: topics.Raw, Name: "test",
		NewBuilder: func(_ string, p int32) landing.Builder { return &builder{table: f.db + ".landed", part: p} },
	})
	g, err := kafka.NewGroup(f.Kafka, f.Deps, kafka.GroupOptions{
		Group: topics.GroupTouchpoints, Topic: topics.Enriched, Membership: kafka.DefaultMembership(), Work: l.Work,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return g.Run
}

// run runs a lander until the returned function is called.
func (f *fixture) run(cfg landing.Config) (stop func() error) {
	run := f.group(cfg)
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	f.t.Cleanup(func() { stop() })
	return stop
}

// produce appends records of the dense log for the source offsets given.
func (f *fixture) produce(partition int32, positions ...denselog.Position) {
	f.t.Helper()
	recs := make([]*kgo.Record, len(positions))
	for i, p := range positions {
		p.Outcome = event.Stored
		recs[i] = &kgo.Record{Topic: topics.Enriched, Partition: partition, Value: fmt.Append(nil, "v", p.Src), Headers: p.Headers()}
	}
	if err := f.client.ProduceSync(f.t.Context(), recs...).FirstErr(); err != nil {
		f.t.Fatal(err)
	}
}

// dense returns the positions of source offsets [from, to).
func dense(from, to int64) []denselog.Position {
	var ps []denselog.Position
	for src := from; src < to; src++ {
		ps = append(ps, denselog.Position{Src: src, Prev: src - 1})
	}
	return ps
}

// counts returns rows, distinct rows and the view's sum.
func (f *fixture) counts() (rows, distinct, view uint64) {
	f.t.Helper()
	err := f.conn.QueryRow(f.t.Context(), "SELECT count(), uniqExact(part, src), (SELECT sum(n) FROM "+f.db+".total) FROM "+f.db+".landed").Scan(&rows, &distinct, &view)
	if err != nil {
		f.t.Fatal(err)
	}
	return rows, distinct, view
}

// expect waits until n rows are there and then insists on exactly them.
func (f *fixture) expect(n uint64) {
	f.t.Helper()
	// The rows of a table are seen a moment before those of its view.
	kafkatest.Eventually(f.t, fmt.Sprintf("%d rows", n), func() bool {
		_, distinct, view := f.counts()
		return distinct >= n && view >= n
	})
	if rows, distinct, view := f.counts(); rows != n || distinct != n || view != n {
		f.t.Errorf("table has %d rows, %d distinct, its view counts %d; want %d", rows, distinct, view, n)
	}
}

func (f *fixture) committed(partition int32) kafka.Commit {
	f.t.Helper()
	offsets, err := kadm.NewClient(f.client).FetchOffsets(f.t.Context(), topics.GroupTouchpoints)
	if err != nil {
		f.t.Fatal(err)
	}
	o, _ := offsets.Lookup(topics.Enriched, partition)
	return kafka.Commit{Offset: o.At, Metadata: o.Metadata}
}

func (f *fixture) commit(partition int32, c kafka.Commit) {
	f.t.Helper()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: topics.Enriched, Partition: partition, At: c.Offset, Metadata: c.Metadata, LeaderEpoch: -1})
	if err := kadm.NewClient(f.client).CommitAllOffsets(f.t.Context(), topics.GroupTouchpoints, offsets); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) topicID(name string) string {
	f.t.Helper()
	id, err := kafka.FetchTopicID(f.t.Context(), f.client, name)
	if err != nil {
		f.t.Fatal(err)
	}
	text := fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	return text
}

func small() landing.Config {
	c := landing.Default()
	c.FlushAge, c.MaxRows = 50*time.Millisecond, 40
	return c
}

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
	for _, inserted := range []bool{false, true} {
		t.Run(fmt.Sprintf("inserted_%v", inserted), func(t *testing.T) {
			f := newFixture(t, clickhousetest.Start(t))
			f.produce(0, dense(0, 50)...)
			topic, source := f.topicID(topics.Enriched), f.topicID(topics.Raw)
			if inserted {
				b := &builder{table: f.db + ".landed"}
				for src := range int64(30) {
					if err := b.Add(&kgo.Record{Value: fmt.Append(nil, "v", src)}, src); err != nil {
						t.Fatal(err)
					}
				}
				var buf proto.Buffer
				if err := clickhouse.NewInserter(f.ch).Insert(t.Context(), b.Blocks()[0], topic+":0:0-29", &buf); err != nil {
					t.Fatal(err)
				}
				f.expect(30)
			}
			f.commit(0, kafka.Commit{Metadata: fmt.Sprintf(`{"v":1,"topic":%q,"source":%q,"mark":-1,"pend":{"lo":0,"hi":29,"at":%d}}`, topic, source, time.Now().UnixMilli())})
			f.run(small())
			f.expect(50)
		})
	}
}

func TestLander_looksIntoTheTableWhenAnIntentIsOld(t *testing.T) {
	f := newFixture(t, clickhousetest.Start(t))
	f.produce(0, dense(0, 50)...)
	topic, source := f.topicID(topics.Enriched), f.topicID(topics.Raw)
	// The rows are there under a token that the window no longer holds.
	if err := f.conn.Exec(t.Context(), "INSERT INTO "+f.db+".landed SETTINGS async_insert = 0 SELECT number, 0, 'v' FROM numbers(30)"); err != nil {
		t.Fatal(err)
	}
	f.commit(0, kafka.Commit{Metadata: fmt.Sprintf(`{"v":1,"topic":%q,"source":%q,"mark":-1,"pend":{"lo":0,"hi":29,"at":%d}}`, topic, source, time.Now().Add(-time.Hour).UnixMilli())})
	f.run(small())
	f.expect(50)
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
	err := f.group(small())(t.Context())
	if err == nil || !strings.Contains(err.Error(), landing.ErrTopicRecreated.Error()) {
		t.Fatalf("landing a recreated topic: %v", err)
	}
	f.expect(10)
}

// Landers that end at any moment, a writer that repeats itself and leaves holes,
// and a ClickHouse that is killed: every record is one row, in the table and in
// its view. (Kills of the lander's own process are tested end to end.)
func TestLander_exactThroughKills(t *testing.T) {
	server := clickhousetest.Fresh(t)
	f := newFixture(t, server)
	const n, kills = 3000, 12
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
	f.expect(4 * n)
}
