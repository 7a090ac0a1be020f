package scorer_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"google.golang.org/protobuf/proto"

	"touchline.dev/schemas/topics"
	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/telemetry"
	"touchline.dev/services/scorer"
	"touchline.dev/services/scorer/internal/profile"
	"touchline.dev/services/scorer/internal/scorertest"
)

// Two scorers that are killed, stopped, paused and started again while events
// come, with repeats, holes, bots and duplicates: profiles and scores are those of
// the events, as if nothing had happened.
func TestScorer_exactThroughKills(t *testing.T) {
	h := newHarness(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	streams := scorertest.Streams(r, 4, 4000, 60)
	write := h.writer(streams, seed)
	wait := write(0.6)
	running := []*process{h.start(0), h.start(1)}
	const ends = 14
	for i := range ends {
		h.awaitProfiles(int64(1 + r.IntN(40)))
		who := r.IntN(2)
		switch {
		case i == ends/2:
			wait()
			running[who].signal(syscall.SIGSTOP)
			wait = write(1)
			h.awaitExpelled(who)
			running[who].signal(syscall.SIGCONT)
		case i%4 == 3:
			running[who].end(syscall.SIGTERM)
			running[who] = h.start(who)
		default:
			running[who].end(syscall.SIGKILL)
			running[who] = h.start(who)
		}
		if i%5 == 4 {
			h.Control().Compact()
		}
	}
	wait()
	for _, s := range streams {
		if n := len(scorertest.Log(t, h.Cluster, s.Partition)); n != s.Len() {
			t.Fatalf("partition %d: the log gives %d of %d records", s.Partition, n, s.Len())
		}
	}
	h.expect()
	h.expectOneContentPerVersion()
	for _, p := range running {
		p.end(syscall.SIGTERM)
	}
}

// writer returns a function that begins to write the streams up to a share of
// them, and returns one that waits for the end.
func (h *harness) writer(streams []*scorertest.Stream, seed uint64) func(share float64) (wait func()) {
	random := make([]*rand.Rand, len(streams))
	for i := range random {
		random[i] = rand.New(rand.NewPCG(seed, 1+uint64(i)))
	}
	return func(share float64) func() {
		var writers sync.WaitGroup
		for i, s := range streams {
			writers.Go(func() {
				if err := s.Write(h.t.Context(), random[i], h.client, int(share*float64(s.Len()))); err != nil {
					h.t.Error(err)
				}
			})
		}
		return writers.Wait
	}
}

// awaitProfiles waits until so many more profiles were appended, or none comes.
func (h *harness) awaitProfiles(n int64) {
	h.t.Helper()
	goal, deadline := h.end(topics.Scores)+n, time.Now().Add(2*time.Second)
	for h.end(topics.Scores) < goal && time.Now().Before(deadline) {
		time.Sleep(2 * time.Millisecond)
	}
}

// awaitExpelled waits until the groups have taken the partitions from a scorer.
func (h *harness) awaitExpelled(instance int) {
	h.t.Helper()
	groups := []string{topics.GroupScorer, topics.GroupPersons, topics.GroupScores}
	kafkatest.Eventually(h.t, "the paused scorer to be expelled", func() bool {
		described, err := kadm.NewClient(h.client).DescribeGroups(h.t.Context(), groups...)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, g := range described {
			for _, m := range g.Members {
				if m.InstanceID != nil && *m.InstanceID == instanceID(instance) {
					return false
				}
			}
		}
		return len(described) == len(groups)
	})
	h.awaitProfiles(1)
}

// expect waits until the tables are what the test adds up itself.
func (h *harness) expect() {
	h.t.Helper()
	folder, maker := makers(h.t)
	want := h.oracle(folder)
	var last string
	deadline := time.Now().Add(90 * time.Second)
	for {
		last = h.differs(want, maker)
		if last == "" {
			h.t.Logf("%d persons", len(want))
			return
		}
		if time.Now().After(deadline) {
			h.t.Fatal(last)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// differs returns the first difference between the tables and the oracle.
func (h *harness) differs(want map[person]*facts, maker *profile.Maker) string {
	h.t.Helper()
	got := h.rows()
	if len(got) != len(want) {
		return fmt.Sprintf("%d persons in the tables, want %d", len(got), len(want))
	}
	for who, f := range want {
		r := got[who]
		if r == nil {
			return fmt.Sprintf("%v is missing", who)
		}
		p := &r.profile
		if p.Events != f.events || p.Orders != f.orders || p.RevenueE4 != f.revenue || p.FirstSeenMs != f.first ||
			p.LastSeenMs != f.last || p.UserId != f.user || p.Email != f.email {
			return fmt.Sprintf("%v is %v, want %+v", who, p, f)
		}
		var fragments []*pb.Fragment
		for _, fr := range f.fragments {
			fragments = append(fragments, proto.Clone(fr).(*pb.Fragment))
		}
		full := maker.Make(fragments, p.AsOfMs)
		full.Version = p.Version
		score := full.Scores[0]
		full.Scores = nil
		if !proto.Equal(full, p) || !proto.Equal(score, &r.score) {
			return fmt.Sprintf("%v is\n%v\n%v, want\n%v\n%v", who, p, &r.score, full, score)
		}
		sum := 0.0
		for _, reason := range r.score.Reasons {
			sum += reason.Contribution
		}
		if sum != r.score.Score {
			return fmt.Sprintf("%v: reasons sum to %v: %v", who, sum, &r.score)
		}
	}
	return ""
}

// expectOneContentPerVersion holds every profile ever appended against the record
// of persons that its version names, and its repetitions against each other.
func (h *harness) expectOneContentPerVersion() {
	h.t.Helper()
	contents := map[string][]byte{}
	repeated := 0
	for partition := range int32(4) {
		times := map[uint64]int64{}
		for _, r := range h.ReadAll(h.t, topics.Persons, partition) {
			times[uint64(r.Offset)+1] = r.Timestamp.UnixMilli()
		}
		for _, r := range h.ReadAll(h.t, topics.Scores, partition) {
			var p pb.Profile
			if err := proto.Unmarshal(r.Value, &p); err != nil {
				h.t.Fatal(err)
			}
			version := fmt.Sprintf("%s version %d", r.Key, p.Version)
			if known, ok := contents[version]; ok {
				repeated++
				if !bytes.Equal(known, r.Value) {
					h.t.Errorf("%s has two contents", version)
				}
			}
			contents[version] = r.Value
			if at, ok := times[p.Version]; ok && at != p.AsOfMs {
				h.t.Errorf("%s is as of %d, its record was appended at %d", version, p.AsOfMs, at)
			}
		}
	}
	h.t.Logf("%d versions, %d of them repeated", len(contents), repeated)
}

// A person on two devices and a server, in one project and not in the other, as a
// BI tool reads it.
func TestScorer_mergesTheFragmentsOfAPerson(t *testing.T) {
	h := newHarness(t)
	streams := scorertest.Streams(rand.New(rand.NewPCG(7, 7)), 4, 200, 2)
	for _, s := range streams {
		if err := h.client.ProduceSync(t.Context(), s.Records(0, s.Len(), 0)...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	p := h.start(0)
	h.expect()
	folder, _ := makers(t)
	for who, f := range h.oracle(folder) {
		if len(f.fragments) != 3 {
			t.Errorf("%v has %d fragments, want 3", who, len(f.fragments))
		}
	}
	var persons, scores, projects uint64
	err := h.conn.QueryRow(t.Context(), `SELECT (SELECT count() FROM analytics.profiles), (SELECT count() FROM analytics.scores WHERE JSONLength(reasons) > 0), (SELECT uniqExact(project) FROM analytics.profiles)`).Scan(&persons, &scores, &projects)
	if err != nil || persons != 2 || scores != 2 || projects != 2 {
		t.Errorf("analytics shows %d persons, %d scores, %d projects: %v", persons, scores, projects, err)
	}
	p.end(syscall.SIGTERM)
	for _, group := range []string{topics.GroupScorer, topics.GroupPersons} {
		if lag := h.lag(group); lag != 0 {
			t.Errorf("group %s is %d records behind after a drain", group, lag)
		}
	}
}

// The configuration and the rules file are checked together, with all problems.
func TestMain_checkConfig(t *testing.T) {
	var out, problems bytes.Buffer
	if code := scorer.Main(t.Context(), []string{"--check-config"}, nil, &out, &problems); code != 0 {
		t.Errorf("the defaults: code %d, %s", code, &problems)
	}
	file := filepath.Join(t.TempDir(), "rules.yaml")
	text := "version: 1\nlead: {minimum: 0, maximum: 1, grades: [{grade: A, from: 0}], rules: [{name: x, when: {fact: luck}, points: 1}]}\nstages: []\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code := scorer.Main(t.Context(), []string{"--check-config", "--rules.file", file, "--snapshots.publish-age", "1ms"}, nil, &out, &problems)
	if code != config.ExitBadConfig {
		t.Errorf("code %d", code)
	}
	for _, want := range []string{"lead.rules[0].when.fact", "stages", "snapshots.publish_age", "rules.file"} {
		if !strings.Contains(problems.String(), want) {
			t.Errorf("the problems do not name %s:\n%s", want, &problems)
		}
	}
	if _, err := scorer.New(scorer.Config{}, telemetry.Deps{}); err == nil {
		t.Error("New takes an empty configuration")
	}
}
