package writer_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/schemas/projects"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/enricher/internal/dedup"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/enricher/internal/writer"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a broker with one enricher's state beside it.
type fixture struct {
	*kafkatest.Cluster
	t      testing.TB
	dir    string
	client *kgo.Client
	set    *projects.Set
	// refused is how the events begin that the rules refuse, if not by "bad".
	refused string
	// minFree is the free space that the index wants.
	minFree int64
	// health and metrics are those of the run last begun.
	health  *telemetry.Health
	metrics *prometheus.Registry
	// from is where the part of the dense log begins that dense reads.
	from int64
	// now is the time at which raw records say they were received.
	now time.Time
	// producing is how the dense log is appended to.
	producing kafka.Producing
	// steps are the steps around deduplication, if not the fixture's own.
	steps func(dedup pipeline.Step, last ...pipeline.Step) []pipeline.Step
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	set, err := projects.Parse([]byte("projects: [{id: shop, write_keys: [k]}]"))
	if err != nil {
		t.Fatal(err)
	}
	c := kafkatest.Start(t)
	return &fixture{Cluster: c, t: t, dir: filepath.Join(t.TempDir(), "dedup"), client: c.Client(t), set: set, now: time.Now().Add(-30 * 24 * time.Hour),
		producing: kafka.Producing{MaxBufferedBytes: 1 << 20, MaxBufferedRecords: 1000, Manual: true}}
}

// run starts a writer whose steps are: refuse what begins with "bad" or
// f.refused, then deduplicate. The returned function ends it and returns what Run returned.
func (f *fixture) run() (stop func() error) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	done := f.begin(ctx)
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	f.t.Cleanup(func() {
		if err := stop(); err != nil && f.t.Failed() {
			f.t.Logf("the writer ended with %v", err)
		}
	})
	return stop
}

// runToTheEnd returns what ends a writer that nobody stops.
func (f *fixture) runToTheEnd() error {
	ctx, cancel := context.WithTimeout(f.t.Context(), 20*time.Second)
	defer cancel()
	return <-f.begin(ctx)
}

func (f *fixture) begin(ctx context.Context) <-chan error {
	f.t.Helper()
	f.health, f.metrics = telemetry.NewHealth(), prometheus.NewRegistry()
	deps := telemetry.Deps{
		Log: zaptest.NewLogger(f.t, zaptest.Level(zap.FatalLevel)), Metrics: f.metrics,
		Health: f.health, Now: time.Now,
	}
	store, err := dedup.Open(f.dir, f.minFree, deps)
	if err != nil {
		f.t.Fatal(err)
	}
	producer, err := kafka.NewProducer(f.Kafka, f.Deps, "test", f.producing)
	if err != nil {
		f.t.Fatal(err)
	}
	w := writer.New(writer.Deps{
		Deps: deps, Kafka: f.Kafka,
		Producer: producer, Store: store, Projects: func() *projects.Set { return f.set },
		Secret: secret(f.t),
		Pipeline: func(dedup pipeline.Step, last ...pipeline.Step) *pipeline.Pipeline {
			if f.steps != nil {
				return pipeline.New(1, f.steps(dedup, last...))
			}
			refuse := pipeline.Step{Name: "adapt", Run: func(e *pipeline.Event) pipeline.Verdict {
				if strings.HasPrefix(string(e.Raw.Event), cmp.Or(f.refused, "bad")) && !e.Replay {
					return pipeline.Reject(event.MalformedJSON, "", "begins with bad")
				}
				return pipeline.Verdict{}
			}}
			return pipeline.New(1, []pipeline.Step{refuse, dedup})
		},
	})
	g, err := kafka.NewGroup(f.Kafka, f.Deps, kafka.GroupOptions{
		Group: topics.GroupEnricher, Topic: topics.Raw, Membership: kafka.DefaultMembership(), Work: w.Work,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		err := g.Run(ctx)
		producer.Close()
		done <- errors.Join(err, store.Close())
	}()
	return done
}

// raw appends events to partition 0, each written "id" or "id replay"; an id of
// "-" is an event without a message id.
func (f *fixture) raw(events ...string) {
	f.t.Helper()
	var recs []*kgo.Record
	for _, text := range events {
		id, replay, _ := strings.Cut(text, " ")
		receipt, err := ids.NewReceipt()
		if err != nil {
			f.t.Fatal(err)
		}
		raw := event.Raw{Project: "shop", ReceivedAt: f.now.UnixMilli(), Event: []byte(id)}
		r := &kgo.Record{Topic: topics.Raw, Partition: 0, Key: []byte("k"), Value: raw.Append(nil), Headers: []kgo.RecordHeader{{Key: topics.RID, Value: receipt[:]}}}
		if id != "-" {
			mid := ids.MessageHash("shop", []byte(id))
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: topics.MID, Value: mid[:]})
		}
		if replay != "" {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: topics.Replay, Value: receipt[:]})
		}
		recs = append(recs, r)
	}
	if err := f.client.ProduceSync(f.t.Context(), recs...).FirstErr(); err != nil {
		f.t.Fatal(err)
	}
}

// dense reads partition 0 of the dense log as a reader does, and returns the
// outcomes by raw offset, as far as they follow without a hole.
func (f *fixture) dense() []string {
	f.t.Helper()
	mark := denselog.NewMark(denselog.None)
	var outcomes []string
	for _, r := range f.ReadAll(f.t, topics.Enriched, 0) {
		p, err := denselog.Parse(r)
		if err != nil {
			f.t.Fatal(err)
		}
		if r.Offset < f.from {
			continue
		}
		if mark.Judge(p, time.Time{}) != denselog.Take {
			continue
		}
		var e event.Enriched
		if err := e.Decode(r.Value); err != nil {
			f.t.Fatal(err)
		}
		if e.Outcome != p.Outcome {
			f.t.Errorf("header says %s, record says %s", p.Outcome, e.Outcome)
		}
		for range p.Src - p.Prev - 1 {
			outcomes = append(outcomes, "("+string(p.Outcome)+")")
		}
		outcomes = append(outcomes, string(p.Outcome))
	}
	return outcomes
}

// expect waits for the outcomes of all raw records.
func (f *fixture) expect(want ...string) {
	f.t.Helper()
	var got []string
	defer func() {
		if f.t.Failed() {
			f.t.Logf("want %v, have %v", want, got)
		}
	}()
	kafkatest.Eventually(f.t, fmt.Sprintf("%d outcomes", len(want)), func() bool {
		got = f.dense()
		return len(got) >= len(want)
	})
	if fmt.Sprint(got) != fmt.Sprint(want) {
		f.t.Errorf("outcomes %v, want %v", got, want)
	}
}

func (f *fixture) committed() (offset int64) {
	f.t.Helper()
	offsets, err := kadm.NewClient(f.client).FetchOffsets(f.t.Context(), topics.GroupEnricher)
	if err != nil {
		return -1
	}
	o, ok := offsets.Lookup(topics.Raw, 0)
	if !ok {
		return -1
	}
	return o.At
}

// metric returns the sum of a metric of the run last begun.
func (f *fixture) metric(name string) (sum float64) {
	f.t.Helper()
	families, err := f.metrics.Gather()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

const (
	stored    = "stored"
	duplicate = "duplicate"
	rejected  = "rejected"
	lost      = "lost_retention"
)

func TestWriter_oneRecordForEachRawRecord(t *testing.T) {
	f := newFixture(t)
	f.run()
	// A rejection makes no later event a duplicate; its replay is stored once.
	f.raw("a", "b", "a", "-", "-", "bad1", "bad1", "bad1 replay", "bad1 replay")
	f.expect(stored, stored, duplicate, stored, stored, rejected, rejected, stored, duplicate)
	kafkatest.Eventually(t, "the commit", func() bool { return f.committed() == 9 })
}

func TestWriter_aRetryAfterARestartIsADuplicate(t *testing.T) {
	f := newFixture(t)
	stop := f.run()
	f.raw("a", "b")
	f.expect(stored, stored)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	f.raw("a")
	f.run()
	f.expect(stored, stored, duplicate)
}

func TestWriter_aLostIndexIsRebuiltFromTheLog(t *testing.T) {
	f := newFixture(t)
	stop := f.run()
	f.raw("a", "bad1", "b")
	f.expect(stored, rejected, stored)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(f.dir); err != nil {
		t.Fatal(err)
	}
	f.raw("a", "bad1 replay", "b", "c")
	f.run()
	f.expect(stored, rejected, stored, duplicate, stored, duplicate, stored)
}

// A refused append stops the worker; what lay behind it may be in the log, as a
// hole, and everything from the committed offset is appended again.
func TestWriter_aRefusedAppendIsRepeatedWithWhatFollowed(t *testing.T) {
	f := newFixture(t)
	enriched, err := kafka.FetchTopicID(t.Context(), f.client, topics.Enriched)
	if err != nil {
		t.Fatal(err)
	}
	var requests, refusals atomic.Int32
	f.Control().ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.Control().KeepControl()
		p := req.(*kmsg.ProduceRequest)
		if len(p.Topics) == 0 || p.Topics[0].TopicID != enriched && p.Topics[0].Topic != topics.Enriched || refusals.Load() >= 3 {
			return nil, nil, false
		}
		if requests.Add(1)%2 != 0 {
			return nil, nil, false
		}
		refusals.Add(1)
		resp := p.ResponseKind().(*kmsg.ProduceResponse)
		for _, rt := range p.Topics {
			t := kmsg.NewProduceResponseTopic()
			t.Topic, t.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				part := kmsg.NewProduceResponseTopicPartition()
				part.Partition, part.ErrorCode = rp.Partition, kerr.InvalidRecord.Code
				t.Partitions = append(t.Partitions, part)
			}
			resp.Topics = append(resp.Topics, t)
		}
		return resp, nil, true
	})
	f.run()
	var want []string
	for i := 0; i < 50 || refusals.Load() < 3 && i < 5000; i++ {
		f.raw(fmt.Sprint("m", i))
		want = append(want, stored)
	}
	f.expect(want...)
	if refusals.Load() < 3 {
		t.Errorf("only %d requests were refused", refusals.Load())
	}
}

func TestWriter_whatExpiredUnreadIsOneRecord(t *testing.T) {
	f := newFixture(t)
	stop := f.run()
	f.raw("a")
	f.expect(stored)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	f.raw("b", "c", "d")
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: topics.Raw, Partition: 0, At: 3})
	if _, err := kadm.NewClient(f.client).DeleteRecords(t.Context(), offsets); err != nil {
		t.Fatal(err)
	}
	f.run()
	f.expect(stored, "("+lost+")", lost, stored)
}

func TestWriter_refusesARecreatedTopic(t *testing.T) {
	for _, topic := range []string{topics.Raw, topics.Enriched} {
		t.Run(topic, func(t *testing.T) {
			f := newFixture(t)
			stop := f.run()
			f.raw("a")
			f.expect(stored)
			kafkatest.Eventually(t, "the commit", func() bool { return f.committed() == 1 })
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if _, err := kadm.NewClient(f.client).DeleteTopic(t.Context(), topic); err != nil {
				t.Fatal(err)
			}
			if _, err := kafka.Apply(t.Context(), f.client, topics.EmbeddedPartitions, 1); err != nil {
				t.Fatal(err)
			}
			// The refusal ends the group by itself. Where the broker dropped the
			// offset with the topic, index or dense log show that there was one.
			err := f.runToTheEnd()
			if !errors.Is(err, checkpoint.ErrTopicRecreated) && !errors.Is(err, dedup.ErrOtherLog) && !errors.Is(err, checkpoint.ErrOffsetLost) {
				t.Errorf("running on a recreated topic: %v", err)
			}
		})
	}
}
