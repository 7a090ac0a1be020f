package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"
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
	"touchline.dev/services/internal/telemetry"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

// base is the time of receipt of the first record: a full minute not long ago,
// because rejected events expire.
var base = time.Now().UTC().Truncate(time.Hour).Add(-time.Hour)

// world is a broker and a database in which a test plays collector, enricher and
// landing by hand: it decides what is in which log and table.
type world struct {
	t      *testing.T
	kafka  kafka.Config
	conn   driver.Conn
	client *kgo.Client
	raw    string
	// fate is the outcome of each raw record, by partition and offset.
	fate map[int][]accepted
	mark map[int]int64
}

// accepted is a record of the raw log.
type accepted struct {
	project string
	at      time.Time
	receipt uuid.UUID
	outcome event.Outcome
	// unreadable records have no envelope.
	unreadable bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server := clickhousetest.Start(t)
	w := &world{t: t, kafka: startBroker(t), conn: server.Open(t, server.Writer)}
	if _, err := clickhouse.Migrate(t.Context(), w.conn, server.Config().Account()); err != nil {
		t.Fatal(err)
	}
	w.connect()
	if _, err := kafka.Apply(t.Context(), w.client, topics.EmbeddedPartitions, 1); err != nil {
		t.Fatal(err)
	}
	w.empty()
	w.begin()
	return w
}

// again gives a sub-test new topics and empty tables.
func (w *world) again(t *testing.T) {
	t.Helper()
	outer := w.t
	w.t = t
	t.Cleanup(func() { w.t = outer })
	w.connect()
	w.recreate()
	w.empty()
	w.begin()
}

func (w *world) empty() {
	w.t.Helper()
	for _, table := range []string{"touchpoints", "rejected", "outcomes", "landed", "ledger_accepted", "topics"} {
		w.exec("TRUNCATE TABLE touchline." + table)
	}
}

// connect makes a client that knows nothing of earlier topics.
func (w *world) connect() {
	w.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	w.client = client
}

// recreate deletes the topics and makes them again.
func (w *world) recreate() {
	w.t.Helper()
	names := []string{topics.Raw, topics.Enriched}
	before := w.ids()
	if _, err := kadm.NewClient(w.client).DeleteTopics(w.t.Context(), names...); err != nil {
		w.t.Fatal(err)
	}
	// A broker deletes, makes and serves topics some time after it has said so.
	kafkatest.Eventually(w.t, "the topics to be made again", func() bool {
		w.connect()
		if _, err := kafka.Apply(w.t.Context(), w.client, topics.EmbeddedPartitions, 1); err != nil {
			return false
		}
		after := w.ids()
		for _, name := range names {
			if after[name] == "" || after[name] == before[name] {
				return false
			}
		}
		ends, err := kadm.NewClient(w.client).ListEndOffsets(w.t.Context(), names...)
		return err == nil && ends.Error() == nil && len(ends[topics.Raw]) == topics.EmbeddedPartitions
	})
}

// ids returns the ids of the topics that there are.
func (w *world) ids() map[string]string {
	w.t.Helper()
	details, err := kadm.NewClient(w.client).ListTopics(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	found := map[string]string{}
	for _, d := range details {
		if d.Err == nil {
			found[d.Topic] = uuid.UUID(d.ID).String()
		}
	}
	return found
}

// begin starts with topics that have just been made.
func (w *world) begin() {
	w.t.Helper()
	w.raw = w.ids()[topics.Raw]
	w.fate, w.mark = map[int][]accepted{}, map[int]int64{}
	for p := range topics.EmbeddedPartitions {
		w.mark[p] = denselog.None
	}
}

// auditor returns an auditor with an empty memory.
func (w *world) auditor() *Auditor {
	w.t.Helper()
	a := New(Default(), w.kafka, Deps{
		Deps: telemetry.Deps{
			Log: zaptest.NewLogger(w.t, zaptest.Level(zap.FatalLevel)), Metrics: prometheus.NewRegistry(), Health: telemetry.NewHealth(), Now: time.Now,
		}, Conn: w.conn,
	})
	w.t.Cleanup(a.Close)
	return a
}

// accept appends records to a partition of the raw log.
func (w *world) accept(partition int, records ...accepted) {
	w.t.Helper()
	var batch []*kgo.Record
	for i := range records {
		r := &records[i]
		r.receipt = uuid.Must(uuid.NewV7())
		value := []byte{0xff, 0xff}
		if !r.unreadable {
			value = (&event.Raw{Project: r.project, ReceivedAt: r.at.UnixMilli(), Protocol: "segment", Event: []byte("{}")}).Append(nil)
		}
		batch = append(batch, &kgo.Record{
			Topic: topics.Raw, Partition: int32(partition), Key: []byte("k"), Value: value,
			Headers: []kgo.RecordHeader{{Key: topics.RID, Value: r.receipt[:]}},
		})
	}
	if err := w.client.ProduceSync(w.t.Context(), batch...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
	for i, r := range batch {
		if r.Offset != int64(len(w.fate[partition])) {
			w.t.Fatalf("record has offset %d, want %d", r.Offset, len(w.fate[partition]))
		}
		w.fate[partition] = append(w.fate[partition], records[i])
	}
}

// some returns n records of a project, one a second, with that outcome.
func some(n int, project string, outcome event.Outcome) []accepted {
	var records []accepted
	for i := range n {
		records = append(records, accepted{project: project, at: base.Add(time.Duration(i) * time.Second), outcome: outcome})
	}
	return records
}

// land writes the chunk of the raw offsets behind the mark up to upTo into the
// tables, and commits the mark.
func (w *world) land(partition int, upTo int64) {
	w.t.Helper()
	w.insert(partition, upTo)
	w.mark[partition] = upTo
	w.commit(partition)
}

// insert writes a chunk without committing it.
func (w *world) insert(partition int, upTo int64) {
	w.t.Helper()
	type line struct {
		project string
		minute  int64
		outcome event.Outcome
	}
	counts := map[line][]int64{}
	before := w.mark[partition]
	var stored, rejected, outcomes [][]any
	for offset := before + 1; offset <= upTo; offset++ {
		r := w.fate[partition][offset]
		k := line{r.project, r.at.Unix() / 60 * 60, r.outcome}
		reason := event.MalformedJSON
		if r.unreadable {
			k, reason, r.at = line{"", 0, r.outcome}, event.UnreadableRecord, base
		}
		switch r.outcome {
		case event.Stored:
			stored = append(stored, []any{k.project, "e", uuid.New(), r.receipt, r.at, r.at, w.raw, uint16(partition), uint64(offset)})
		case event.Rejected:
			rejected = append(rejected, []any{k.project, string(reason), r.receipt, r.at, w.raw, uint16(partition), uint64(offset)})
		case event.LostRetention:
			k.project, k.minute = "", base.Unix()
		}
		counts[k] = append(counts[k], offset)
	}
	for k, offsets := range counts {
		outcomes = append(outcomes, []any{w.raw, uint16(partition), k.project, k.minute, string(k.outcome), "", uint64(len(offsets)),
			uint64(slices.Min(offsets)), uint64(slices.Max(offsets)), before, upTo})
	}
	w.insertRows("touchpoints (project, event, event_id, receipt_id, event_time, received_at, src_topic, src_partition, src_offset)", stored)
	w.insertRows("rejected (project, reason, receipt_id, received_at, src_topic, src_partition, src_offset)", rejected)
	w.insertRows("outcomes (src_topic, src_partition, project, minute, outcome, reason, events, min_offset, max_offset, mark, cut)", outcomes)
}

// answer appends to the dense log what became of the raw offsets [from, to].
func (w *world) answer(partition int, from, to int64) {
	w.t.Helper()
	var batch []*kgo.Record
	lost := from - 1
	for offset := from; offset <= to; offset++ {
		r := w.fate[partition][offset]
		if r.outcome == event.LostRetention && offset < to && w.fate[partition][offset+1].outcome == event.LostRetention {
			continue // the last one of the range answers for all
		}
		e := event.Enriched{Outcome: r.outcome, Project: r.project, ReceivedAt: r.at.UnixMilli()}
		e.Touchpoint.ReceiptID, e.Rejection.ReceiptID = r.receipt, r.receipt // the one of its outcome is sent
		at := denselog.Position{Src: offset, Prev: lost, Outcome: r.outcome}
		batch = append(batch, &kgo.Record{Topic: topics.Enriched, Partition: int32(partition), Value: e.Append(nil), Headers: at.Headers()})
		lost = offset
	}
	if err := w.client.ProduceSync(w.t.Context(), batch...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) insertRows(table string, rows [][]any) {
	w.t.Helper()
	if len(rows) == 0 {
		return
	}
	batch, err := w.conn.PrepareBatch(w.t.Context(), "INSERT INTO touchline."+table)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range rows {
		if err := batch.Append(r...); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		w.t.Fatal(err)
	}
}

// commit commits the mark of a partition.
func (w *world) commit(partition int) { w.commitState(partition, checkpoint.State{}) }

// turn commits the mark of a partition of which the dense log goes on with another
// raw topic.
func (w *world) turn(partition int, next string) {
	w.commitState(partition, checkpoint.State{Topics: map[string]string{topics.Raw: next}, Turn: &checkpoint.Turn{At: 1 << 40, Source: w.raw, Mark: -1}})
}

// commitState commits a state, of which it fills in what is missing.
func (w *world) commitState(partition int, s checkpoint.State) {
	w.t.Helper()
	s.Version, s.Mark = checkpoint.Version, w.mark[partition]
	if s.Topics == nil {
		s.Topics = map[string]string{topics.Raw: w.raw}
	}
	s.Topics[topics.Enriched] = w.ids()[topics.Enriched]
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: topics.Enriched, Partition: int32(partition), At: 0, Metadata: s.Text(), LeaderEpoch: -1})
	if err := kadm.NewClient(w.client).CommitAllOffsets(w.t.Context(), topics.GroupTouchpoints, offsets); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if err := w.conn.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

// round runs rounds of an auditor until it has counted everything. What a broker
// calls temporary is tried again: one that has just started does not serve groups.
func (w *world) round(a *Auditor) {
	w.t.Helper()
	kafkatest.Eventually(w.t, "a round", func() bool {
		places, err := a.Round(w.t.Context())
		var temporary kafkago.Error
		if err != nil && (!errors.As(err, &temporary) || !temporary.Temporary()) {
			w.t.Fatal(err)
		}
		return err == nil && !behind(places)
	})
}

// expire deletes the raw records of a partition below an offset.
func (w *world) expire(partition int, below int64) {
	w.t.Helper()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: topics.Raw, Partition: int32(partition), At: below})
	if _, err := kadm.NewClient(w.client).DeleteRecords(w.t.Context(), offsets); err != nil {
		w.t.Fatal(err)
	}
}

// ledger returns analytics.ledger by project, all minutes together.
func (w *world) ledger() map[string]Sums {
	w.t.Helper()
	found := map[string]Sums{}
	err := tables{w.conn}.query(w.t.Context(), func(rows driver.Rows) error {
		var project string
		var s Sums
		err := rows.Scan(&project, &s.Accepted, &s.Stored, &s.Duplicate, &s.Rejected, &s.Dropped, &s.LostRetention, &s.InFlight, &s.Residual, &s.Uncounted)
		if abs := s.Residual; abs != 0 {
			w.t.Logf("open line of %q: %+v", project, s)
		}
		sum := found[project]
		sum.add(s)
		found[project] = sum
		return err
	}, "SELECT project, accepted, stored, duplicate, rejected, dropped, lost_retention, in_flight, residual, uncounted FROM analytics.ledger")
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func (w *world) expect(want map[string]Sums) {
	w.t.Helper()
	if found := w.ledger(); fmt.Sprint(found) != fmt.Sprint(want) {
		w.t.Errorf("the ledger has\n%+v, want\n%+v", found, want)
	}
}

// once asks for a report and expects it to close or not.
func (w *world) once(closed bool) Report {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	r, err := w.auditor().Once(ctx, 0, time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	if r.Closed != closed {
		w.t.Errorf("the report is %+v, want closed %v", r, closed)
	}
	return r
}
