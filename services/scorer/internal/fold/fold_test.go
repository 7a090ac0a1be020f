package fold_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/landing"
	"touchline.dev/services/internal/telemetry"
	"touchline.dev/services/scorer/internal/fold"
	"touchline.dev/services/scorer/internal/fragment"
	"touchline.dev/services/scorer/internal/history"
	"touchline.dev/services/scorer/internal/scorertest"
	"touchline.dev/services/scorer/internal/snapshot"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

type fixture struct {
	*kafkatest.Cluster
	t      *testing.T
	client *kgo.Client
	conn   driver.Conn
	folder *fragment.Folder
}

// newFixture returns a broker of its own, and the tables, empty.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{Cluster: kafkatest.Start(t), t: t}
	server := clickhousetest.Start(t)
	f.client, f.conn = f.Client(t), server.Open(t, server.Writer)
	account := clickhouse.Account{User: server.Writer.User, Password: server.Writer.Password}
	if _, err := clickhouse.Migrate(t.Context(), f.conn, account); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"topics", "touchpoints"} {
		if err := f.conn.Exec(t.Context(), "TRUNCATE TABLE touchline."+table); err != nil {
			t.Fatal(err)
		}
	}
	f.folder = fragment.New(fragment.Watch{Orders: map[string]bool{"Order Completed": true}})
	return f
}

// run runs a folding process until the returned function is called.
func (f *fixture) run(cfg fold.Config) (stop func() error) {
	f.t.Helper()
	cancel, done := f.start(cfg)
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	f.t.Cleanup(func() { stop() })
	return stop
}

func (f *fixture) start(cfg fold.Config) (cancel func(), done chan error) {
	f.t.Helper()
	producer, err := kafka.NewProducer(f.Kafka, f.Deps, "fold-test", kafka.Producing{MaxBufferedBytes: 1 << 20, MaxBufferedRecords: 1000, Manual: true})
	if err != nil {
		f.t.Fatal(err)
	}
	work := fold.New(cfg, fold.Deps{
		Deps:     telemetry.Deps{Log: f.Deps.Log, Metrics: prometheus.NewRegistry(), Health: telemetry.NewHealth(), Now: time.Now},
		Producer: producer, Reader: snapshot.Reader{Kafka: f.Kafka, Deps: f.Deps, Client: f.client},
		Folder: f.folder, Partitions: 4, Landed: landing.Tables{Conn: f.conn}, History: history.Tables{Conn: f.conn},
	})
	g, err := kafka.NewGroup(f.Kafka, f.Deps, kafka.GroupOptions{
		Group: topics.GroupScorer, Topic: topics.Enriched, Membership: kafka.DefaultMembership(), Work: work.Work,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(f.t.Context())
	done = make(chan error, 1)
	go func() {
		err := g.Run(ctx)
		producer.Close()
		done <- err
	}()
	f.t.Cleanup(cancel)
	return cancel, done
}

// quick publishes as often as it can.
func quick() fold.Config { return fold.Config{PublishAge: 10 * time.Millisecond, MaxFragments: 7} }

func (f *fixture) produce(recs ...*kgo.Record) {
	f.t.Helper()
	if err := f.client.ProduceSync(f.t.Context(), recs...).FirstErr(); err != nil {
		f.t.Fatal(err)
	}
}

// changed returns a condition that asks cond only when a topic has grown.
func (f *fixture) changed(cond func() bool, names ...string) func() bool {
	last := int64(-1)
	return func() bool {
		sum := int64(0)
		for _, name := range names {
			sum += f.ends(name)
		}
		if sum == last {
			return false
		}
		last = sum
		return cond()
	}
}

// latest returns the highest snapshot of each fragment, by the text of its key
// without the epoch, and how many keys of each are left in the topic.
func (f *fixture) latest(topic string) (fragments map[string]*pb.Fragment, keys map[string]int) {
	f.t.Helper()
	fragments, keys = map[string]*pb.Fragment{}, map[string]int{}
	stamps := map[string]snapshot.Stamp{}
	live := map[string]bool{}
	for p := range int32(4) {
		for _, r := range f.ReadAll(f.t, topic, p) {
			live[string(r.Key)] = r.Value != nil
			key, err := snapshot.ParseKey(r.Key)
			if err != nil {
				f.t.Fatal(err)
			}
			if r.Value == nil {
				continue
			}
			got := &pb.Fragment{}
			if err := proto.Unmarshal(r.Value, got); err != nil {
				f.t.Fatal(err)
			}
			stamp := key.Stamp(got.Src)
			if known, ok := stamps[key.Fragment()]; !ok || known.Before(stamp) {
				fragments[key.Fragment()], stamps[key.Fragment()] = got, stamp
			}
		}
	}
	for text, there := range live {
		if key, err := snapshot.ParseKey([]byte(text)); there && err == nil {
			keys[key.Fragment()]++
		}
	}
	return fragments, keys
}

// direct folds the dense log without any of the machinery.
func (f *fixture) direct() map[string]*pb.Fragment {
	f.t.Helper()
	want := map[string]*pb.Fragment{}
	for p := range int32(4) {
		for _, e := range scorertest.Log(f.t, f.Cluster, p) {
			if e.Outcome != event.Stored || e.Touchpoint.IsBot {
				continue
			}
			id := fmt.Sprintf("%s/%016x/%s", e.Project, e.Touchpoint.PersonID, e.Key)
			if want[id] == nil {
				want[id] = fragment.Empty(e.Project, e.Touchpoint.PersonID, e.Key)
			}
			f.folder.Apply(want[id], &e.Touchpoint, e.Src)
		}
	}
	return want
}

func equal(a, b map[string]*pb.Fragment) bool {
	return maps.EqualFunc(a, b, func(x, y *pb.Fragment) bool { return proto.Equal(x, y) })
}

// expect waits until both topics hold what a direct fold gives.
func (f *fixture) expect(want map[string]*pb.Fragment) {
	f.t.Helper()
	for _, topic := range []string{topics.Fragments, topics.Persons} {
		kafkatest.Eventually(f.t, fmt.Sprintf("%d fragments in %s", len(want), topic), f.changed(func() bool {
			got, _ := f.latest(topic)
			return equal(got, want)
		}, topic))
	}
}

func (f *fixture) committed(partition int32) kafka.Commit {
	f.t.Helper()
	offsets, err := kadm.NewClient(f.client).FetchOffsets(f.t.Context(), topics.GroupScorer)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		f.t.Fatal(err)
	}
	o, ok := offsets.Lookup(topics.Enriched, partition)
	if !ok {
		return kafka.Commit{Offset: kafka.NoOffset}
	}
	return kafka.Commit{Offset: o.At, Metadata: o.Metadata}
}

func (f *fixture) commit(partition int32, c kafka.Commit) {
	f.t.Helper()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: topics.Enriched, Partition: partition, At: c.Offset, Metadata: c.Metadata, LeaderEpoch: -1})
	if err := kadm.NewClient(f.client).CommitAllOffsets(f.t.Context(), topics.GroupScorer, offsets); err != nil {
		f.t.Fatal(err)
	}
}

// visit is one record of the dense log of partition 0.
func visit(src int64, device, name string) *kgo.Record {
	e := event.Enriched{Project: "shop", Outcome: event.Stored, Touchpoint: event.Touchpoint{Type: "track", Event: name, PersonID: 7, EventTime: 1000 + src}}
	return &kgo.Record{Topic: topics.Enriched, Key: []byte(device), Value: e.Append(nil), Headers: denselog.Position{Src: src, Prev: src - 1, Outcome: event.Stored}.Headers()}
}

// Restarts at every moment, holes, repeats and compaction: the snapshots are
// those of a direct fold.
func TestFold_equalsADirectFoldThroughRestarts(t *testing.T) {
	f := newFixture(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	streams := scorertest.Streams(r, 4, 3000, 40)
	var writers sync.WaitGroup
	for _, s := range streams {
		own := rand.New(rand.NewPCG(seed, uint64(s.Partition)))
		writers.Go(func() {
			if err := s.Write(t.Context(), own, f.client, s.Len()); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range 8 {
		stop := f.run(quick())
		goal := f.ends(topics.Fragments) + int64(1+r.IntN(200))
		want := f.ends(topics.Enriched)
		kafkatest.Eventually(t, "progress", func() bool { return f.ends(topics.Fragments) >= goal || f.caughtUp(want) })
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 {
			f.Control().Compact()
		}
	}
	writers.Wait()
	n := 0
	for _, s := range streams {
		taken := len(scorertest.Log(t, f.Cluster, s.Partition))
		if taken != s.Len() {
			t.Fatalf("partition %d: the log gives %d of %d records", s.Partition, taken, s.Len())
		}
		n += taken
	}
	f.run(quick())
	want := f.direct()
	f.expect(want)
	t.Logf("%d records, %d fragments", n, len(want))
}

func (f *fixture) ends(topic string) (sum int64) {
	f.t.Helper()
	ends, err := kadm.NewClient(f.client).ListEndOffsets(f.t.Context(), topic)
	if err != nil {
		f.t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) { sum += o.Offset })
	return sum
}

func (f *fixture) caughtUp(records int64) bool {
	sum := int64(0)
	for p := range int32(4) {
		sum += max(0, f.committed(p).Offset)
	}
	return sum >= records
}

// A new writer leaves one key of each fragment it touches, in both topics.
func TestFold_removesTheKeysOfOlderWriters(t *testing.T) {
	f := newFixture(t)
	src := int64(0)
	for range 3 {
		stop := f.run(quick())
		for _, device := range []string{"shop/d/a", "shop/d/b"} {
			f.produce(visit(src, device, "seen"))
			src++
		}
		f.expect(f.direct())
		kafkatest.Eventually(t, "one key a fragment", f.changed(func() bool {
			for _, topic := range []string{topics.Fragments, topics.Persons} {
				_, keys := f.latest(topic)
				if len(keys) != 2 || slices.Max(slices.Collect(maps.Values(keys))) != 1 {
					return false
				}
			}
			return true
		}, topics.Fragments, topics.Persons))
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// Killed after fragments and before persons: the snapshot is there, the offset is
// not, and no further event comes.
func TestFold_completesPersons(t *testing.T) {
	f := newFixture(t)
	f.produce(visit(0, "shop/d/a", "seen"), visit(1, "shop/d/a", "seen"))
	stop := f.run(quick())
	want := f.direct()
	f.expect(want)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	c := f.committed(0)
	// Another cluster in the state that the kill leaves.
	g := newFixture(t)
	for _, r := range f.ReadAll(t, topics.Enriched, 0) {
		g.produce(r)
	}
	for _, r := range f.ReadAll(t, topics.Fragments, 0) {
		g.produce(r)
	}
	for _, topic := range []string{topics.Raw, topics.Enriched, topics.Fragments, topics.Persons} {
		c.Metadata = strings.ReplaceAll(c.Metadata, f.id(topic), g.id(topic))
	}
	c.Offset, c.Metadata = 0, strings.ReplaceAll(c.Metadata, `"mark":1`, `"mark":-1`)
	g.commit(0, c)
	g.run(quick())
	g.expect(want)
}

func (f *fixture) id(topic string) string {
	f.t.Helper()
	id, err := kafka.FetchTopicID(f.t.Context(), f.client, topic)
	if err != nil {
		f.t.Fatal(err)
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// A writer that was replaced writes an old snapshot, after the new owner's and
// before a compaction: what is restored is the new owner's.
func TestFold_lateSnapshotOfAZombieCannotWin(t *testing.T) {
	f := newFixture(t)
	stop := f.run(quick())
	f.produce(visit(0, "shop/d/a", "seen"))
	f.expect(f.direct())
	early := f.ReadAll(t, topics.Fragments, 0)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	stop = f.run(quick())
	for src := range int64(5) {
		f.produce(visit(1+src, "shop/d/a", "seen"))
	}
	f.expect(f.direct())
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if !f.caughtUp(6) {
		t.Fatal("the end is not committed")
	}
	zombie := early[0]
	for range 2 { // compaction spares the last batch
		f.produce(&kgo.Record{Topic: topics.Fragments, Key: zombie.Key, Value: zombie.Value})
		person := &kgo.Record{Topic: topics.Persons, Key: zombie.Key, Value: zombie.Value}
		person.Partition = snapshot.NewPartitioner(4).Partition(snapshot.PersonKey("shop", 7))
		f.produce(person)
	}
	f.Control().Compact()
	f.run(quick())
	f.produce(visit(6, "shop/d/a", "seen"))
	want := f.direct()
	f.expect(want)
	for _, got := range want {
		if got.Events != 7 {
			t.Errorf("%d events", got.Events)
		}
	}
	kafkatest.Eventually(t, "the zombie's key to be gone", f.changed(func() bool {
		_, a := f.latest(topics.Fragments)
		_, b := f.latest(topics.Persons)
		for _, n := range []map[string]int{a, b} {
			for _, keys := range n {
				if keys != 1 {
					return false
				}
			}
		}
		return true
	}, topics.Fragments, topics.Persons))
}

// Whoever was replaced while it restored removes no key of its successor.
func TestFold_leavesTheKeysOfHigherEpochs(t *testing.T) {
	f := newFixture(t)
	stop := f.run(quick())
	f.produce(visit(0, "shop/d/a", "seen"), visit(1, "shop/d/a", "seen"))
	f.expect(f.direct())
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	// The successor's snapshot, of epoch 9, is the latest that is restored by
	// the next writer, whose epoch is 2.
	later := proto.Clone(slices.Collect(maps.Values(f.direct()))[0]).(*pb.Fragment)
	later.Src, later.Events = 5, 6
	value, err := proto.Marshal(later)
	if err != nil {
		t.Fatal(err)
	}
	key := snapshot.Key{Person: snapshot.PersonKey("shop", 7), Epoch: 9, Device: "shop/d/a"}
	f.produce(&kgo.Record{Topic: topics.Fragments, Key: key.Text(), Value: value})
	f.run(quick())
	for src := range int64(6) {
		f.produce(visit(2+src, "shop/d/a", "seen"))
	}
	kafkatest.Eventually(t, "the events to be folded", func() bool { return f.caughtUp(8) })
	kafkatest.Eventually(t, "the key of epoch 1 to be gone and that of epoch 9 to stay", f.changed(func() bool {
		_, keys := f.latest(topics.Fragments)
		return keys[key.Fragment()] == 2
	}, topics.Fragments))
	got, _ := f.latest(topics.Fragments)
	if n := got[key.Fragment()].Events; n != 8 {
		t.Errorf("%d events, want the 6 of the snapshot and 2 more", n)
	}
}

// refused runs until the group ends by itself.
func (f *fixture) refused(want error) {
	f.t.Helper()
	_, done := f.start(quick())
	select {
	case err := <-done:
		if !errors.Is(err, want) {
			f.t.Errorf("ended with %v, want %v", err, want)
		}
	case <-time.After(30 * time.Second):
		f.t.Errorf("works on, want %v", want)
	}
}

func TestFold_refusesARecreatedTopic(t *testing.T) {
	for _, topic := range []string{topics.Raw, topics.Enriched, topics.Fragments, topics.Persons} {
		t.Run(topic, func(t *testing.T) {
			f := newFixture(t)
			stop := f.run(quick())
			f.produce(visit(0, "shop/d/a", "seen"))
			f.expect(f.direct())
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			f.delete(topic)
			if _, err := kafka.Apply(t.Context(), f.client, topics.EmbeddedPartitions, 1); err != nil {
				t.Fatal(err)
			}
			want := checkpoint.ErrTopicRecreated
			if topic == topics.Enriched {
				// The broker deletes a topic's committed offsets with it.
				want = checkpoint.ErrOffsetLost
			}
			f.refused(want)
		})
	}
}

func (f *fixture) delete(topic string) {
	f.t.Helper()
	if _, err := kadm.NewClient(f.client).DeleteTopic(f.t.Context(), topic); err != nil {
		f.t.Fatal(err)
	}
}

func TestFold_refusesLostOffsets(t *testing.T) {
	f := newFixture(t)
	stop := f.run(quick())
	f.produce(visit(0, "shop/d/a", "seen"))
	f.expect(f.direct())
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	c := f.committed(0)
	adm := kadm.NewClient(f.client)
	if _, err := adm.DeleteGroup(t.Context(), topics.GroupScorer); err != nil {
		t.Fatal(err)
	}
	f.refused(checkpoint.ErrOffsetLost)

	c.Offset = 99
	f.commit(0, c)
	f.refused(checkpoint.ErrTruncated)

	f.produce(visit(1, "shop/d/a", "seen"))
	before := kadm.Offsets{}
	before.AddOffset(topics.Enriched, 0, 1, -1)
	if _, err := adm.DeleteRecords(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	c.Offset = 0
	f.commit(0, c)
	f.refused(checkpoint.ErrExpired)
}

// A log whose beginning has expired before the first start is folded from where
// it begins, also when the first worker ends before it has read anything.
func TestFold_beginsInTheMiddleOfALog(t *testing.T) {
	f := newFixture(t)
	f.produce(visit(0, "shop/d/a", "seen"), visit(1, "shop/d/a", "seen"))
	before := kadm.Offsets{}
	before.AddOffset(topics.Enriched, 0, 2, -1)
	if _, err := kadm.NewClient(f.client).DeleteRecords(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	stop := f.run(quick())
	kafkatest.Eventually(t, "the epoch", func() bool { return f.committed(0).Offset == 2 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	f.run(quick())
	f.produce(visit(2, "shop/d/a", "seen"))
	kafkatest.Eventually(t, "the fragment", f.changed(func() bool {
		got, _ := f.latest(topics.Persons)
		return len(got) == 1 && slices.Collect(maps.Values(got))[0].Events == 1
	}, topics.Persons))
}
