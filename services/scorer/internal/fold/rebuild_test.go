package fold_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/scorer/internal/fragment"
	"touchline.dev/services/scorer/internal/scorertest"
	"touchline.dev/services/scorer/internal/snapshot"
)

// place is where `touchline reset` lets a partition go on.
func (f *fixture) place(partition int32, offset int64, s checkpoint.State) {
	f.t.Helper()
	s.Version, s.Topics = checkpoint.Version, map[string]string{}
	for _, topic := range []string{topics.Raw, topics.Enriched, topics.Fragments, topics.Persons} {
		s.Topics[topic] = f.id(topic)
	}
	f.commit(partition, kafka.Commit{Offset: offset, Metadata: s.Text()})
}

// land inserts events as the landing does, as far as the scorer looks at them.
func (f *fixture) land(source string, partition int32, taken []scorertest.Taken) {
	f.t.Helper()
	batch, err := f.conn.PrepareBatch(f.t.Context(), `INSERT INTO touchline.touchpoints (project, person_id, anonymous_id, user_id, type, event, name,
		url_origin, url_path, event_time, day, acquisition_channel, utm_campaign, revenue, currency, country, traits, is_bot, src_topic, src_partition, src_offset)`)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, e := range taken {
		t := &e.Touchpoint
		if e.Outcome != event.Stored {
			continue
		}
		origin, path := "", t.URL
		if len(path) > 20 {
			origin, path = path[:20], path[20:]
		}
		err := batch.Append(e.Project, t.PersonID, t.AnonymousID, t.UserID, t.Type, t.Event, t.Name, origin, path,
			time.UnixMilli(t.EventTime), time.Unix(int64(t.Day)*86400, 0).UTC(), t.AcquisitionChannel, t.UTMCampaign,
			fmt.Sprintf("%d.%04d", t.RevenueE4/10000, t.RevenueE4%10000), t.Currency, t.Country, string(t.Traits), t.IsBot,
			source, uint16(partition), uint64(e.Src))
		if err != nil {
			f.t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		f.t.Fatal(err)
	}
}

// persons merges the fragments of each person. Stamps and devices are left out:
// from the table, an event may come under another key of the same person.
func (f *fixture) persons(fragments map[string]*pb.Fragment) map[string]*pb.Fragment {
	merged := map[string]*pb.Fragment{}
	for _, one := range fragments {
		key := snapshot.PersonKey(one.Project, one.PersonId)
		if merged[key] == nil {
			merged[key] = fragment.Empty(one.Project, one.PersonId, "")
		}
		f.folder.Merge(merged[key], one)
		merged[key].Src, merged[key].Device = 0, ""
	}
	return merged
}

// expectPersons waits until both topics know of each person what want does.
func (f *fixture) expectPersons(want map[string]*pb.Fragment) {
	f.t.Helper()
	want = f.persons(want)
	for _, topic := range []string{topics.Fragments, topics.Persons} {
		kafkatest.Eventually(f.t, fmt.Sprintf("%d persons in %s", len(want), topic), f.changed(func() bool {
			got, _ := f.latest(topic)
			return equal(f.persons(got), want)
		}, topic))
	}
}

// Fragments that were lost are made again from what has landed: of this raw log
// up to the mark, and of all logs before it. The dense log follows from there.
func TestFold_makesItsStateAgainFromTheTable(t *testing.T) {
	f := newFixture(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	before := scorertest.Streams(r, 4, 300, 20)
	const other = "00000000-0000-0000-0000-00000000000b"
	for _, s := range before { // written here only to be read as a dense log is
		f.produce(s.Records(0, s.Len(), 0)...)
	}
	want := f.direct()
	for p := range int32(4) {
		f.land(other, p, scorertest.Log(t, f.Cluster, p))
	}
	f.delete(topics.Enriched)
	if _, err := kafka.Apply(t.Context(), f.client, topics.EmbeddedPartitions, 1); err != nil {
		t.Fatal(err)
	}
	f.client = f.Client(t) // the other knows the topic by its id

	for _, s := range scorertest.Streams(r, 4, 600, 20) {
		f.produce(s.Records(0, s.Len(), 0)...)
		taken := scorertest.Log(t, f.Cluster, s.Partition)
		// The landing is ahead of its mark: what lies behind it comes by the log.
		landed := taken[:len(taken)*2/3]
		f.land(f.id(topics.Raw), s.Partition, landed)
		mark := int64(-1)
		if half := len(taken) / 2; s.Partition != 0 && half > 0 {
			mark = taken[half-1].Src
		}
		f.place(s.Partition, 0, checkpoint.State{Mark: mark, Rebuild: true})
	}
	for id, add := range f.direct() {
		if want[id] == nil {
			want[id] = add
			continue
		}
		f.folder.Merge(want[id], add)
	}
	refused := f.refuseCommits(3)
	stop := f.run(quick())
	f.expectPersons(want)
	if refused.Load() <= 3 {
		t.Errorf("%d commits were refused", refused.Load())
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for p := range int32(4) {
		s, err := checkpoint.Parse(f.committed(p).Metadata)
		if err != nil || s.Rebuild || snapshot.Generation(s.Epoch) != 1 {
			t.Errorf("partition %d has committed %+v (%v)", p, s, err)
		}
	}
}

// refuseCommits has the broker refuse commits of whoever has made the state again,
// so that it is made once more over what was published.
func (f *fixture) refuseCommits(times int32) (refused *atomic.Int32) {
	refused = new(atomic.Int32)
	f.Control().ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.Control().KeepControl()
		commit := req.(*kmsg.OffsetCommitRequest)
		resp := commit.ResponseKind().(*kmsg.OffsetCommitResponse)
		done := false
		for _, rt := range commit.Topics {
			t := kmsg.NewOffsetCommitResponseTopic()
			t.Topic, t.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				done = done || rp.Metadata != nil && !strings.Contains(*rp.Metadata, `"rebuild"`)
				p := kmsg.NewOffsetCommitResponseTopicPartition()
				p.Partition, p.ErrorCode = rp.Partition, kerr.OffsetMetadataTooLarge.Code
				t.Partitions = append(t.Partitions, p)
			}
			resp.Topics = append(resp.Topics, t)
		}
		if !done || refused.Add(1) > times {
			return nil, nil, false
		}
		return resp, nil, true
	})
	return refused
}

// A raw log that was made again gives its offsets out a second time: its events
// count, and those of before stay.
func TestFold_goesOnWithAnotherRawLog(t *testing.T) {
	f := newFixture(t)
	const other = "00000000-0000-0000-0000-00000000000b"
	for src := range int64(5) {
		f.produce(visit(src, "shop/d/a", "seen"))
	}
	f.place(0, 0, checkpoint.State{Mark: -1, Turn: &checkpoint.Turn{At: 5, Source: other, Mark: -1}})
	events := func(want uint64) {
		t.Helper()
		for _, topic := range []string{topics.Fragments, topics.Persons} {
			kafkatest.Eventually(t, fmt.Sprintf("%d events in %s", want, topic), func() bool {
				got, _ := f.latest(topic)
				return len(got) == 1 && got[snapshot.PersonKey("shop", 7)+"/shop/d/a"].GetEvents() == want
			})
		}
	}
	// What waits before the turn is folded under the old offsets, also when the
	// worker is stopped just before it.
	stop := f.run(quick())
	events(5)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	stop = f.run(quick())
	for src := range int64(3) {
		f.produce(visit(src, "shop/d/a", "seen"))
	}
	events(8)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	// A repeat of the new log is none of the old one, and the other way round.
	f.produce(visit(1, "shop/d/a", "seen"), visit(2, "shop/d/a", "seen"), visit(3, "shop/d/a", "seen"))
	f.run(quick())
	events(9)
	s, err := checkpoint.Parse(f.committed(0).Metadata)
	if err != nil || s.Turn != nil || snapshot.Generation(s.Epoch) != 1 {
		t.Errorf("committed %+v (%v)", s, err)
	}
	got, _ := f.latest(topics.Persons)
	for _, one := range got {
		if one.Src != 3 {
			t.Errorf("the stamp is %d, want 3", one.Src)
		}
	}
}

// Without an offset, and with another dense log than the one whose rows are in
// ClickHouse, the events before are not known here.
func TestFold_refusesAnotherDenseLogThanTheLanding(t *testing.T) {
	f := newFixture(t)
	if err := f.conn.Exec(t.Context(), "INSERT INTO touchline.topics (name, topic_id, first_seen) VALUES (?, ?, now64(3))", topics.Enriched, "another"); err != nil {
		t.Fatal(err)
	}
	f.refused(checkpoint.ErrTopicRecreated)
}
