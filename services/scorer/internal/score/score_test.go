package score_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/telemetry"
	"touchline.dev/services/scorer/internal/fragment"
	"touchline.dev/services/scorer/internal/history"
	"touchline.dev/services/scorer/internal/profile"
	"touchline.dev/services/scorer/internal/rules"
	"touchline.dev/services/scorer/internal/score"
	"touchline.dev/services/scorer/internal/snapshot"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

type fixture struct {
	*kafkatest.Cluster
	t      *testing.T
	client *kgo.Client
	// history is needed only where versions begin anew.
	history history.Tables
	folder  *fragment.Folder
	maker   *profile.Maker
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	r, err := rules.Load("")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{Cluster: kafkatest.Start(t), t: t, folder: fragment.New(r.Watch())}
	f.client, f.maker = f.Client(t), profile.New(r, f.folder)
	return f
}

func (f *fixture) start() (cancel func(), done chan error) {
	f.t.Helper()
	producer, err := kafka.NewProducer(f.Kafka, f.Deps, "score-test", kafka.Producing{MaxBufferedBytes: 1 << 20, MaxBufferedRecords: 1000, Manual: true})
	if err != nil {
		f.t.Fatal(err)
	}
	s := score.New(score.Deps{
		Deps:     telemetry.Deps{Log: f.Deps.Log, Metrics: prometheus.NewRegistry(), Health: telemetry.NewHealth(), Now: time.Now},
		Producer: producer, Reader: snapshot.Reader{Kafka: f.Kafka, Deps: f.Deps, Client: f.client}, Profile: f.maker.Make,
		History: f.history,
	})
	g, err := kafka.NewGroup(f.Kafka, f.Deps, kafka.GroupOptions{
		Group: topics.GroupPersons, Topic: topics.Persons, Membership: kafka.DefaultMembership(), Work: s.Work, Compacted: true,
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

// run scores until the returned function is called.
func (f *fixture) run() (stop func()) {
	f.t.Helper()
	cancel, done := f.start()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			f.t.Error(err)
		}
	})
	f.t.Cleanup(stop)
	return stop
}

func (f *fixture) refused(want error) {
	f.t.Helper()
	_, done := f.start()
	select {
	case err := <-done:
		if !errors.Is(err, want) {
			f.t.Errorf("ended with %v, want %v", err, want)
		}
	case <-time.After(30 * time.Second):
		f.t.Errorf("works on, want %v", want)
	}
}

// snapshots returns the records of a fragment's history: one for each event.
func (f *fixture) snapshots(r *rand.Rand, person uint64, device string, n int) (recs []*kgo.Record) {
	f.t.Helper()
	into := fragment.Empty("shop", person, device)
	for i := range n {
		f.folder.Apply(into, &event.Touchpoint{
			Type: "track", PersonID: person, EventTime: int64(1e12) + r.Int64N(1e9), Day: r.Int32N(60) + 11574, RevenueE4: r.Int64N(1e6), Currency: "EUR",
			Event: []string{"Order Completed", "Demo Requested", "Article Read"}[r.IntN(3)],
		}, int64(i))
		value, err := proto.Marshal(into)
		if err != nil {
			f.t.Fatal(err)
		}
		key := snapshot.Key{Person: snapshot.PersonKey("shop", person), Epoch: 1 + uint64(i/5), Device: device}
		recs = append(recs, &kgo.Record{Topic: topics.Persons, Partition: int32(person % 4), Key: key.Text(), Value: value})
	}
	return recs
}

func (f *fixture) produce(recs ...*kgo.Record) {
	f.t.Helper()
	if err := f.client.ProduceSync(f.t.Context(), recs...).FirstErr(); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) end(topic string, partition int32) int64 {
	f.t.Helper()
	_, end, err := kafka.Bounds(f.t.Context(), f.client, topic, partition)
	if err != nil {
		f.t.Fatal(err)
	}
	return end
}

// profiles returns the highest version of each person, after checking that every
// version has one content.
func (f *fixture) profiles() map[uint64]*pb.Profile {
	f.t.Helper()
	latest, contents := map[uint64]*pb.Profile{}, map[string]string{}
	for p := range int32(4) {
		for _, r := range f.ReadAll(f.t, topics.Scores, p) {
			got := &pb.Profile{}
			if err := proto.Unmarshal(r.Value, got); err != nil {
				f.t.Fatal(err)
			}
			version := fmt.Sprintf("%s version %d", r.Key, got.Version)
			if known, ok := contents[version]; ok && known != string(r.Value) {
				f.t.Errorf("%s has two contents", version)
			}
			contents[version] = string(r.Value)
			if want := snapshot.PersonKey(got.Project, got.PersonId); string(r.Key) != want {
				f.t.Errorf("key %q, want %q", r.Key, want)
			}
			if known := latest[got.PersonId]; known == nil || got.Version > known.Version {
				latest[got.PersonId] = got
			}
		}
	}
	return latest
}

// expect waits until every person's latest profile is that of the fragments.
func (f *fixture) expect(fragments map[uint64][]*pb.Fragment) {
	f.t.Helper()
	last := int64(-1)
	kafkatest.Eventually(f.t, fmt.Sprintf("profiles of %d persons", len(fragments)), func() bool {
		sum := int64(0)
		for p := range int32(4) {
			sum += f.end(topics.Scores, p)
		}
		if sum == last {
			return false
		}
		last = sum
		got := f.profiles()
		for person, set := range fragments {
			have := got[person]
			if have == nil {
				return false
			}
			clones := make([]*pb.Fragment, len(set))
			for i := range set {
				clones[i] = proto.Clone(set[i]).(*pb.Fragment)
			}
			want := f.maker.Make(clones, have.AsOfMs)
			want.Version = have.Version
			if !proto.Equal(have, want) {
				return false
			}
		}
		return len(got) == len(fragments)
	})
}

func last(recs []*kgo.Record) *pb.Fragment {
	f := &pb.Fragment{}
	if err := proto.Unmarshal(recs[len(recs)-1].Value, f); err != nil {
		panic(err)
	}
	return f
}

// Restarts, repeats of old snapshots and compaction: the latest profile of each
// person is that of its fragments, and no version has two contents.
func TestScorer_equalsTheFragmentsThroughRestarts(t *testing.T) {
	f := newFixture(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	want := map[uint64][]*pb.Fragment{}
	var histories [][]*kgo.Record
	for person := range uint64(12) {
		for device := range 1 + r.IntN(3) {
			history := f.snapshots(r, person, fmt.Sprintf("shop/d/%d", device), 1+r.IntN(40))
			histories = append(histories, history)
			want[person] = append(want[person], last(history))
		}
	}
	next := make([]int, len(histories))
	for left := len(histories); left > 0; {
		stop := f.run()
		for range 60 {
			i := r.IntN(len(histories))
			if next[i] == len(histories[i]) {
				continue
			}
			f.produce(histories[i][next[i]])
			if before := next[i] / 5 * 5; before > 0 && r.IntN(4) == 0 {
				f.produce(histories[i][r.IntN(before)]) // by a writer of an earlier epoch
			}
			if next[i]++; next[i] == len(histories[i]) {
				left--
			}
		}
		stop()
		f.profiles()
		f.Control().Compact()
	}
	f.run()
	f.expect(want)
}

// Compaction has moved the start of the log beyond the committed offset while
// nobody scored.
func TestScorer_goesOnBehindACompaction(t *testing.T) {
	f := newFixture(t)
	r := rand.New(rand.NewPCG(1, 1))
	history := f.snapshots(r, 4, "shop/d/a", 5)
	stop := f.run()
	f.produce(history[0])
	f.expect(map[uint64][]*pb.Fragment{4: {last(history[:1])}})
	stop()
	for _, rec := range history[1:] {
		f.produce(rec)
	}
	f.Control().Compact()
	if start, _, err := kafka.Bounds(t.Context(), f.client, topics.Persons, 0); err != nil || start < 2 {
		t.Fatalf("the log starts at %d (%v)", start, err)
	}
	f.run()
	f.expect(map[uint64][]*pb.Fragment{4: {last(history)}})
}

// Several snapshots of a person that nobody has answered give one profile, at the
// last one that says something new.
func TestScorer_coalesces(t *testing.T) {
	f := newFixture(t)
	r := rand.New(rand.NewPCG(1, 1))
	history := f.snapshots(r, 4, "shop/d/a", 5)
	f.produce(append(history, history[2])...)
	f.run()
	f.expect(map[uint64][]*pb.Fragment{4: {last(history)}})
	recs := f.ReadAll(t, topics.Scores, 0)
	if got := f.profiles()[4]; len(recs) != 1 || got.Version != 5 || got.AsOfMs != f.ReadAll(t, topics.Persons, 0)[4].Timestamp.UnixMilli() {
		t.Errorf("%d records, version %d, as of %d", len(recs), got.Version, got.AsOfMs)
	}
}

func TestScorer_refusesARecreatedTopicAndLostOffsets(t *testing.T) {
	for _, tt := range []struct {
		topic string
		want  error
	}{{topics.Scores, checkpoint.ErrTopicRecreated}, {topics.Persons, checkpoint.ErrOffsetLost}} {
		t.Run(tt.topic, func(t *testing.T) {
			f := newFixture(t)
			history := f.snapshots(rand.New(rand.NewPCG(1, 1)), 4, "shop/d/a", 3)
			stop := f.run()
			f.produce(history...)
			f.expect(map[uint64][]*pb.Fragment{4: {last(history)}})
			stop()
			// A deleted topic takes its committed offsets with it.
			if _, err := kadm.NewClient(f.client).DeleteTopic(t.Context(), tt.topic); err != nil {
				t.Fatal(err)
			}
			if _, err := kafka.Apply(t.Context(), f.client, topics.EmbeddedPartitions, 1); err != nil {
				t.Fatal(err)
			}
			f.refused(tt.want)
		})
	}
}
