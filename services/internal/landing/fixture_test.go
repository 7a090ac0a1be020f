package landing_test

import (
	"context"
	"errors"
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
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/landing"
	"touchline.dev/services/internal/telemetry"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

// fixture is a broker and a database of its own: table landed with a view that
// sums it and a twin, table outside for excluded records, and table cuts, whose
// rows complete a chunk.
type fixture struct {
	*kafkatest.Cluster
	t      *testing.T
	db     string
	conn   driver.Conn
	ch     clickhouse.Config
	client *kgo.Client
	health *telemetry.Health
	// metrics are those of the lander that was made last.
	metrics *prometheus.Registry
	// queueBytes is the queue of a partition; 0 means kafka's default.
	queueBytes int
}

func newFixture(t *testing.T, server *clickhousetest.Server) *fixture {
	t.Helper()
	f := &fixture{
		Cluster: kafkatest.Start(t), t: t,
		db:   strings.ToLower(strings.NewReplacer("/", "_", "-", "_").Replace(t.Name())) + fmt.Sprint(time.Now().UnixNano()%1e6),
		conn: server.Open(t, server.Writer), ch: server.Config(), health: telemetry.NewHealth(),
	}
	f.client = f.Client(t)
	const window = " SETTINGS non_replicated_deduplication_window = 10000"
	for _, q := range []string{
		"CREATE DATABASE " + f.db,
		"CREATE TABLE " + f.db + ".landed (src UInt64, part UInt16, value String) ENGINE = MergeTree ORDER BY src PARTITION BY src % 3" + window,
		"CREATE TABLE " + f.db + ".landed_twin AS " + f.db + ".landed ENGINE = Null",
		"CREATE TABLE " + f.db + ".outside (src UInt64, part UInt16, payload String) ENGINE = MergeTree ORDER BY src" + window,
		"CREATE TABLE " + f.db + ".cuts (part UInt16, mark Int64, cut Int64) ENGINE = MergeTree ORDER BY part" + window,
		"CREATE TABLE " + f.db + ".total (one UInt8, n SimpleAggregateFunction(sum, UInt64)) ENGINE = AggregatingMergeTree ORDER BY one" + window,
		"CREATE MATERIALIZED VIEW " + f.db + ".total_mv TO " + f.db + ".total AS SELECT 1 AS one, count() AS n FROM " + f.db + ".landed",
		"CREATE TABLE " + f.db + ".topics (name String, id String) ENGINE = MergeTree ORDER BY name",
	} {
		f.exec(q)
	}
	for p := range int32(4) {
		f.original(p, originals)
	}
	return f
}

// originals is how many records each partition of the source topic has.
const originals = 3000

func (f *fixture) exec(query string) {
	f.t.Helper()
	if err := f.conn.Exec(f.t.Context(), query); err != nil {
		f.t.Fatal(err)
	}
}

// constrain makes landed and its twin refuse rows. The twin has to be first, and
// its engine cannot be altered.
func (f *fixture) constrain(check string) {
	f.t.Helper()
	f.exec("CREATE OR REPLACE TABLE " + f.db + ".landed_twin (src UInt64, part UInt16, value String, CONSTRAINT odd CHECK " + check + ") ENGINE = Null")
	f.exec("ALTER TABLE " + f.db + ".landed ADD CONSTRAINT odd CHECK " + check)
}

// relax takes the constraint away.
func (f *fixture) relax() {
	f.t.Helper()
	f.exec("ALTER TABLE " + f.db + ".landed DROP CONSTRAINT odd")
}

// tables answers from the fixture's database, as landing.Tables does from the
// product's.
type tables struct {
	f    *fixture
	conn driver.Conn
}

func (s tables) Topic(ctx context.Context, name, id string) (known string, err error) {
	q := "SELECT any(id) FROM " + s.f.db + ".topics WHERE name = ?"
	if err = s.conn.QueryRow(ctx, q, name).Scan(&known); err != nil || known != "" {
		return known, err
	}
	return id, s.conn.Exec(ctx, "INSERT INTO "+s.f.db+".topics SETTINGS async_insert = 0 VALUES (?, ?)", name, id)
}

func (s tables) Mark(ctx context.Context, _ string, partition int32) (int64, error) {
	var n uint64
	var mark int64
	err := s.conn.QueryRow(ctx, "SELECT count(), max(cut) FROM "+s.f.db+".cuts WHERE part = ?", uint16(partition)).Scan(&n, &mark)
	if err != nil || n == 0 {
		return denselog.None, err
	}
	return mark, nil
}

func (s tables) Count(ctx context.Context, table, _ string, partition int32, after, upTo int64) (int, error) {
	var n uint64
	err := s.conn.QueryRow(ctx, "SELECT count() FROM "+table+" WHERE part = ? AND src > ? AND src <= ?", uint16(partition), after, upTo).Scan(&n)
	return int(n), err
}

func (s tables) Parts(ctx context.Context) (parts int64, err error) {
	err = s.conn.QueryRow(ctx, "SELECT sum(last) FROM (SELECT max(max_block_number) AS last FROM system.parts WHERE database = ? AND table IN ('landed', 'cuts') GROUP BY table)", s.f.db).Scan(&parts)
	return parts, err
}

// builder builds one row of landed per record, or one of outside.
type builder struct {
	db             string
	part           int32
	src, outSrc    proto.ColUInt64
	parts, outPart proto.ColUInt16
	value, payload proto.ColStr
	cutPart        proto.ColUInt16
	mark, cut      proto.ColInt64
	bytes          int
}

func (b *builder) Add(r *kgo.Record, at denselog.Position) error {
	b.src.Append(uint64(at.Src))
	b.parts.Append(uint16(b.part))
	b.value.AppendBytes(r.Value)
	b.bytes += len(r.Value) + 20
	return nil
}

func (b *builder) Exclude(_ *kgo.Record, at denselog.Position, source *kgo.Record) error {
	b.outSrc.Append(uint64(at.Src))
	b.outPart.Append(uint16(b.part))
	if source == nil {
		source = &kgo.Record{}
	}
	b.payload.AppendBytes(source.Value)
	return nil
}

func (b *builder) Rows() int  { return b.src.Rows() + b.outSrc.Rows() }
func (b *builder) Bytes() int { return b.bytes }

func (b *builder) Begin(_ string, p int32) {
	b.Reset()
	b.part = p
}

func (b *builder) Reset() {
	for _, c := range []proto.Resettable{&b.src, &b.parts, &b.value, &b.outSrc, &b.outPart, &b.payload} {
		c.Reset()
	}
	b.bytes = 0
}

func (b *builder) Blocks(before, after int64) []clickhouse.Block {
	b.cutPart, b.mark, b.cut = proto.ColUInt16{uint16(b.part)}, proto.ColInt64{before}, proto.ColInt64{after}
	return []clickhouse.Block{
		{Table: b.db + ".landed", Input: proto.Input{{Name: "src", Data: &b.src}, {Name: "part", Data: &b.parts}, {Name: "value", Data: &b.value}}},
		{Table: b.db + ".outside", Input: proto.Input{{Name: "src", Data: &b.outSrc}, {Name: "part", Data: &b.outPart}, {Name: "payload", Data: &b.payload}}},
		{Table: b.db + ".cuts", Input: proto.Input{{Name: "part", Data: &b.cutPart}, {Name: "mark", Data: &b.mark}, {Name: "cut", Data: &b.cut}}},
	}
}

// insert inserts the first so many blocks of a chunk of source offsets [0, n) of
// partition 0.
func (f *fixture) insert(token string, n int64, blocks int) {
	f.t.Helper()
	b := &builder{db: f.db}
	for src := range n {
		if err := b.Add(&kgo.Record{Value: fmt.Append(nil, "v", src)}, denselog.Position{Src: src}); err != nil {
			f.t.Fatal(err)
		}
	}
	for _, block := range b.Blocks(denselog.None, n-1)[:blocks] {
		if block.Rows() == 0 {
			continue
		}
		if err := clickhouse.NewInserter(f.ch).Insert(f.t.Context(), token, block); err != nil {
			f.t.Fatal(err)
		}
	}
}

// group makes a lander of the fixture's tables; its Run must follow.
func (f *fixture) group(cfg landing.Config, change ...func(*landing.Deps)) func(context.Context) error {
	f.t.Helper()
	f.metrics = prometheus.NewRegistry()
	conn, err := clickhouse.Open(f.ch)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { conn.Close() })
	deps := landing.Deps{
		Deps: telemetry.Deps{
			Log: zaptest.NewLogger(f.t, zaptest.Level(zap.ErrorLevel)), Metrics: f.metrics, Health: f.health, Now: time.Now,
		},
		Inserter: clickhouse.NewInserter(f.ch), Landed: tables{f, conn}, Source: topics.Raw, Name: "test",
		NewBuilder: func() landing.Builder { return &builder{db: f.db} },
		Bounds: func(ctx context.Context, topic string, partition int32) (start, end int64, err error) {
			return kafka.Bounds(ctx, f.client, topic, partition)
		},
		Twin: f.db + ".landed_twin",
		Scan: func(ctx context.Context, topic string, partition int32, from, to int64, fn func(*kgo.Record) error) error {
			return kafka.Scan(ctx, f.Kafka, f.Deps, topic, partition, from, to, fn)
		},
	}
	for _, c := range change {
		c(&deps)
	}
	g, err := kafka.NewGroup(f.Kafka, f.Deps, kafka.GroupOptions{
		Group: topics.GroupTouchpoints, Topic: topics.Enriched, Membership: kafka.DefaultMembership(), QueueBytes: f.queueBytes,
		Work: landing.New(cfg, deps).Work,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return g.Run
}

// run runs a lander until the returned function is called.
func (f *fixture) run(cfg landing.Config, change ...func(*landing.Deps)) (stop func() error) {
	f.t.Helper()
	run := f.group(cfg, change...)
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	f.t.Cleanup(func() { stop() })
	return stop
}

// stopped runs a lander that has to end with the error.
func (f *fixture) stopped(want error, change ...func(*landing.Deps)) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 60*time.Second)
	defer cancel()
	err := f.group(small(), change...)(ctx)
	if !errors.Is(err, want) {
		f.t.Errorf("lander ended with %v, want %v", err, want)
	}
	if reason := f.health.Reasons()["test"]; !strings.Contains(reason, want.Error()) {
		f.t.Errorf("health says %q, want %q", reason, want)
	}
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

// original appends n records to the source topic.
func (f *fixture) original(partition int32, n int) {
	f.t.Helper()
	recs := make([]*kgo.Record, n)
	for i := range recs {
		recs[i] = &kgo.Record{Topic: topics.Raw, Partition: partition, Value: fmt.Append(nil, "original ", i)}
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

// number returns the result of a query for one number.
func (f *fixture) number(query string) uint64 {
	f.t.Helper()
	var n uint64
	if err := f.conn.QueryRow(f.t.Context(), query).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// expect waits until n rows are there and then insists on exactly them.
func (f *fixture) expect(n uint64) {
	f.t.Helper()
	// The rows of a table are seen a moment before those of its view.
	deadline := time.Now().Add(2 * time.Minute)
	for _, distinct, view := f.counts(); (distinct < n || view < n) && time.Now().Before(deadline); _, distinct, view = f.counts() {
		time.Sleep(5 * time.Millisecond)
	}
	if rows, distinct, view := f.counts(); rows != n || distinct != n || view != n {
		f.t.Errorf("table has %d rows, %d distinct, its view counts %d; want %d", rows, distinct, view, n)
	}
}

// outside waits until the records with the source offsets given, and no others,
// are rows of outside with their original bytes.
func (f *fixture) outside(partition int32, srcs ...int64) {
	f.t.Helper()
	var want []string
	for _, src := range srcs {
		want = append(want, fmt.Sprintf("%d original %d", src, src))
	}
	var got []string
	kafkatest.Eventually(f.t, "the chunk with excluded rows", func() bool {
		query := "SELECT arraySort(x -> splitByChar(' ', x)[1]::UInt64, groupArray(concat(toString(src), ' ', payload))) FROM " + f.db + ".outside WHERE part = ?"
		if err := f.conn.QueryRow(f.t.Context(), query, uint16(partition)).Scan(&got); err != nil {
			f.t.Fatal(err)
		}
		return len(got) >= len(want)
	})
	if fmt.Sprint(got) != fmt.Sprint(want) {
		f.t.Errorf("outside has %q, want %q", got, want)
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

// pending returns the intent that is committed, nil when none is.
func (f *fixture) pending(partition int32) *checkpoint.Intent {
	f.t.Helper()
	c := f.committed(partition)
	if c.Metadata == "" {
		return nil
	}
	s, err := checkpoint.Parse(c.Metadata)
	if err != nil {
		f.t.Fatal(err)
	}
	return s.Pending
}

func (f *fixture) commit(partition int32, c kafka.Commit) {
	f.t.Helper()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: topics.Enriched, Partition: partition, At: c.Offset, Metadata: c.Metadata, LeaderEpoch: -1})
	if err := kadm.NewClient(f.client).CommitAllOffsets(f.t.Context(), topics.GroupTouchpoints, offsets); err != nil {
		f.t.Fatal(err)
	}
}

// wholeShare is that of partition 0 in a chunk of source offsets [0, hi].
func wholeShare(hi int64, excluded ...int64) checkpoint.Share {
	return checkpoint.Share{Hi: hi, Mark: denselog.None, Cut: hi, Excluded: excluded}
}

// intend commits an intent that partition 0 leads, at its offset 0.
func (f *fixture) intend(i checkpoint.Intent) {
	f.t.Helper()
	f.commit(0, kafka.Commit{Metadata: checkpoint.State{
		Version: checkpoint.Version, Mark: denselog.None, Pending: &i,
		Topics: map[string]string{topics.Enriched: f.topicID(topics.Enriched), topics.Raw: f.topicID(topics.Raw)},
	}.Text()})
}

// expire deletes the records of a partition before an offset.
func (f *fixture) expire(topic string, partition int32, before int64) {
	f.t.Helper()
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, partition, before, -1)
	if _, err := kadm.NewClient(f.client).DeleteRecords(f.t.Context(), offsets); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) topicID(name string) string {
	f.t.Helper()
	id, err := kafka.FetchTopicID(f.t.Context(), f.client, name)
	if err != nil {
		f.t.Fatal(err)
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

func small() landing.Config {
	c := landing.Default()
	c.FlushAge, c.MaxRows, c.InsertShare = 50*time.Millisecond, 40, 1
	return c
}
