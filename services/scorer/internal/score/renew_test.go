package score_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"touchline.dev/schemas/topics"
	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/scorer/internal/history"
)

// place is where `touchline reset` lets a partition go on.
func (f *fixture) place(partition int32, s checkpoint.State) {
	f.t.Helper()
	s.Version, s.Mark, s.Topics = checkpoint.Version, -1, map[string]string{}
	for _, topic := range []string{topics.Persons, topics.Scores} {
		id, err := kafka.FetchTopicID(f.t.Context(), f.client, topic)
		if err != nil {
			f.t.Fatal(err)
		}
		s.Topics[topic] = fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	}
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: topics.Persons, Partition: partition, At: 0, Metadata: s.Text(), LeaderEpoch: -1})
	if err := kadm.NewClient(f.client).CommitAllOffsets(f.t.Context(), topics.GroupPersons, offsets); err != nil {
		f.t.Fatal(err)
	}
}

// A persons topic that was made again gives its offsets out a second time: what is
// made from it is newer than all that ClickHouse has.
func TestScorer_beginsVersionsAboveThoseInTheTable(t *testing.T) {
	f := newFixture(t)
	server := clickhousetest.Start(t)
	f.history = history.Tables{Conn: server.Open(t, server.Writer)}
	if _, err := clickhouse.Migrate(t.Context(), f.history.Conn, clickhouse.Account{User: server.Writer.User, Password: server.Writer.Password}); err != nil {
		t.Fatal(err)
	}
	const generation = 3
	err := f.history.Conn.Exec(t.Context(), "INSERT INTO touchline.profiles (project, person_id, version) VALUES ('shop', 4, ?)", uint64(generation<<40|7777))
	if err != nil {
		t.Fatal(err)
	}
	recs := f.snapshots(rand.New(rand.NewPCG(1, 1)), 4, "shop/d/a", 5)
	f.produce(recs...)
	f.place(0, checkpoint.State{Rebuild: true, Epoch: 1})
	want := map[uint64][]*pb.Fragment{4: {last(recs)}}
	for range 2 { // once begun, they go on
		stop := f.run()
		f.expect(want)
		stop()
	}
	if got := f.profiles()[4].Version; got != (generation+1)<<40|5 {
		t.Errorf("version %d<<40 | %d, want %d<<40 | 5", got>>40, got&(1<<40-1), generation+1)
	}
	// A generation that has made nothing yet counts too.
	f.place(0, checkpoint.State{Rebuild: true, Epoch: generation + 6})
	f.run()
	f.produce(f.snapshots(rand.New(rand.NewPCG(2, 2)), 4, "shop/d/b", 1)...)
	f.expect(map[uint64][]*pb.Fragment{4: {last(recs), last(f.ReadAll(t, topics.Persons, 0))}})
	if got := f.profiles()[4].Version; got>>40 != generation+7 {
		t.Errorf("version %d<<40, want %d<<40", got>>40, generation+7)
	}
}
