package kafka_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
)

// takeover is how soon after a member fails all its partitions have to be
// processed elsewhere, under the default settings.
const takeover = 15 * time.Second

const partitions = topics.EmbeddedPartitions

// put writes one record to each of the partitions.
func put(t *testing.T, c *kafkatest.Cluster, value string, ids ...int32) {
	t.Helper()
	cl := c.Client(t)
	for _, id := range ids {
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topics.Raw, Partition: id, Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

var all = []int32{0, 1, 2, 3}

// pair starts two members that share the partitions, with instance ids unless
// both are empty.
func pair(t *testing.T, c *kafkatest.Cluster, instances ...string) (a, b *memberProcess) {
	t.Helper()
	start := func(i int) *memberProcess {
		s := memberSettings{Brokers: c.Kafka.Brokers, Membership: kafka.DefaultMembership()}
		if len(instances) > 0 {
			s.Membership.InstanceID = instances[i]
		}
		return startMember(t, s)
	}
	a, b = start(0), start(1)
	settled(t, partitions, a, b)
	return a, b
}

// reads waits until the members have read the value from every partition and
// returns how long that took.
func reads(t *testing.T, value string, members ...*memberProcess) time.Duration {
	t.Helper()
	began := time.Now()
	kafkatest.Eventually(t, value+" to be read from every partition", func() bool {
		for id := range int32(partitions) {
			n := 0
			for _, m := range members {
				n += m.said("read %d %s", id, value)
			}
			if n == 0 {
				return false
			}
		}
		return true
	})
	return time.Since(began)
}

func signal(t *testing.T, m *memberProcess, s syscall.Signal) {
	t.Helper()
	if err := m.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func testKilledMember(t *testing.T, c *kafkatest.Cluster, instances ...string) {
	t.Helper()
	a, b := pair(t, c, instances...)
	put(t, c, "before", all...)
	reads(t, "before", a, b)
	signal(t, a, syscall.SIGKILL)
	put(t, c, "after", all...)
	took := reads(t, "after", b)
	t.Logf("a killed member's partitions were processed elsewhere after %s", took)
	if took > takeover {
		t.Errorf("takeover took %s, want less than %s", took, takeover)
	}
}

// testPausedMember pauses a member between reading and committing for longer than
// its session: its late commits must not touch what the other has committed.
func testPausedMember(t *testing.T, c *kafkatest.Cluster) {
	t.Helper()
	a, b := pair(t, c)
	if err := b.stdin.Close(); err != nil { // b holds nothing back
		t.Fatal(err)
	}
	held := a.partitions(partitions)
	put(t, c, hold, held...)
	for _, id := range held {
		kafkatest.Eventually(t, "the member to hold its partitions", func() bool { return a.said("read %d %s", id, hold) == 1 })
	}
	signal(t, a, syscall.SIGSTOP)
	put(t, c, "meanwhile", all...)
	took := reads(t, "meanwhile", b)
	t.Logf("a paused member's partitions were processed elsewhere after %s", took)
	if took > takeover {
		t.Errorf("takeover took %s, want less than %s", took, takeover)
	}
	for _, id := range held {
		kafkatest.Eventually(t, "the new owner's commits", func() bool { return committed(t, c, id).Offset == 2 })
	}
	if err := a.stdin.Close(); err != nil { // the first thing it does is to commit
		t.Fatal(err)
	}
	signal(t, a, syscall.SIGCONT)
	for _, id := range held {
		kafkatest.Eventually(t, "the zombie's commits to be refused", func() bool { return a.said("refused %d", id) == 1 })
		got := committed(t, c, id)
		if want := fmt.Sprint(b.Process.Pid); got.Offset != 2 || got.Metadata != want {
			t.Errorf("partition %d: committed %+v, want offset 2 of process %s", id, got, want)
		}
	}
	settled(t, partitions, a, b)
	put(t, c, "again", all...)
	reads(t, "again", a, b)
	for id := range int32(partitions) {
		if n := a.said("read %d again", id) + b.said("read %d again", id); n != 1 {
			t.Errorf("partition %d: record read %d times", id, n)
		}
	}
}

// testStaticRestart kills a static member and starts it again within its session:
// it goes on with its partitions, and the other keeps its own all the time.
func testStaticRestart(t *testing.T, c *kafkatest.Cluster) {
	t.Helper()
	a, b := pair(t, c, "a", "b")
	owned, others := a.partitions(partitions), b.partitions(partitions)
	signal(t, a, syscall.SIGKILL)
	<-a.exit
	began := time.Now()
	s := memberSettings{Brokers: c.Kafka.Brokers, Membership: kafka.DefaultMembership()}
	s.Membership.InstanceID = "a"
	again := startMember(t, s)
	put(t, c, "after", all...)
	reads(t, "after", again, b)
	t.Logf("a static member was back after %s", time.Since(began))
	if got := again.partitions(partitions); fmt.Sprint(got) != fmt.Sprint(owned) {
		t.Errorf("has partitions %v after its restart, had %v", got, owned)
	}
	for _, id := range others {
		if b.said("end %d", id) > 0 {
			t.Errorf("the restart took partition %d from the other member", id)
		}
	}
}

func TestFailover_killedMember(t *testing.T) {
	t.Parallel()
	testKilledMember(t, kafkatest.Start(t))
}

func TestFailover_killedStaticMember(t *testing.T) {
	t.Parallel()
	testKilledMember(t, kafkatest.Start(t), "a", "b")
}

func TestFailover_pausedMember(t *testing.T) {
	t.Parallel()
	testPausedMember(t, kafkatest.Start(t))
}

func TestFailover_staticMemberRestarts(t *testing.T) {
	t.Parallel()
	testStaticRestart(t, kafkatest.Start(t))
}

// A worker that hangs ends the whole process with an error, though its goroutine
// goes on to the last.
func TestFailover_hungMemberEnds(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	s := memberSettings{Brokers: c.Kafka.Brokers, Membership: kafka.DefaultMembership()}
	s.Membership.StuckAfter = stuckAfter
	m := startMember(t, s)
	settled(t, partitions, m)
	put(t, c, hang, 0)
	select {
	case <-m.exit:
	case <-time.After(40 * time.Second):
		t.Fatal("the process goes on")
	}
	if code := m.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if !strings.Contains(m.logs.String(), kafka.ErrStuck.Error()) {
		t.Error("the log does not say why")
	}
}
