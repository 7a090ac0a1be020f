package kafka_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
)

// logLoss is a way in which the log under the reader of partition 0 can go, the
// offset that it wants next, and what it is told.
type logLoss struct {
	name    string
	offset  int64
	reading bool
	happen  func(t *testing.T, c *kafkatest.Cluster, adm *kadm.Client)
	want    []error
}

var logLosses = []logLoss{
	{"the offset lies behind the end", 1000, false, func(*testing.T, *kafkatest.Cluster, *kadm.Client) {},
		[]error{kerr.OffsetOutOfRange}},
	{"the records expire", 5, false, func(t *testing.T, _ *kafkatest.Cluster, adm *kadm.Client) {
		var to kadm.Offsets
		to.AddOffset(topics.Raw, 0, 8, -1)
		if _, err := adm.DeleteRecords(t.Context(), to); err != nil {
			t.Fatal(err)
		}
	}, []error{kerr.OffsetOutOfRange}},
	{"the topic is deleted", 10, true, deleteRaw, []error{kerr.UnknownTopicOrPartition, kerr.UnknownTopicID}},
	{"the topic is recreated", 10, true, func(t *testing.T, c *kafkatest.Cluster, adm *kadm.Client) {
		deleteRaw(t, c, adm)
		kafkatest.Eventually(t, "the topic to be created again", func() bool {
			_, err := kafka.Apply(t.Context(), c.Client(t), partitions, 1)
			return err == nil
		})
		produce(t, c.Client(t), 0, 0, 20)
	}, []error{kerr.UnknownTopicOrPartition, kerr.UnknownTopicID}},
}

func deleteRaw(t *testing.T, _ *kafkatest.Cluster, adm *kadm.Client) {
	t.Helper()
	if _, err := adm.DeleteTopic(t.Context(), topics.Raw); err != nil {
		t.Fatal(err)
	}
}

// testLogLoss checks that the worker is told, and reads no record that is not the
// next one of the log it was reading.
func testLogLoss(t *testing.T, c *kafkatest.Cluster, l logLoss) {
	t.Helper()
	produce(t, c.Client(t), 0, 0, 10)
	started, told := make(chan struct{}), make(chan error, 1)
	begin := make(chan struct{})
	runGroup(t, c, options(func(ctx context.Context, p *kafka.Partition) error {
		if p.ID() != 0 {
			p.Start(0)
			_, err := p.Poll(ctx, time.Hour)
			return err
		}
		if l.reading { // what happens, happens to a reader at work
			p.Start(l.offset - 1)
			if _, err := p.Poll(ctx, time.Hour); err != nil {
				return err
			}
			close(started)
		} else {
			close(started)
			<-begin
			p.Start(l.offset)
		}
		recs, err := p.Poll(ctx, time.Hour)
		if err == nil {
			err = errors.New("read " + string(recs[0].Value))
		}
		told <- err
		return kafka.Fatal(err)
	}))
	<-started
	l.happen(t, c, kadm.NewClient(c.Client(t)))
	close(begin)
	began := time.Now()
	select {
	case err := <-told:
		t.Logf("after %s: %v", time.Since(began), err)
		for _, want := range l.want {
			if errors.Is(err, want) {
				return
			}
		}
		t.Errorf("the reader is told %v, want one of %v", err, l.want)
	case <-time.After(30 * time.Second):
		t.Error("the reader waits for ever")
	}
}

func TestPoll_saysThatTheLogIsLost(t *testing.T) {
	for _, l := range logLosses {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			testLogLoss(t, kafkatest.Start(t), l)
		})
	}
}
