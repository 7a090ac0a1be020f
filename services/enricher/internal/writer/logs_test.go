package writer_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/enricher/internal/dedup"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
)

// state is the metadata that `touchline reset` would write now.
func (f *fixture) state(epoch int64) string {
	f.t.Helper()
	s := checkpoint.State{Version: checkpoint.Version, Topics: make(map[string]string), Mark: -1, Epoch: uint64(epoch)}
	for _, topic := range []string{topics.Raw, topics.Enriched} {
		id, err := kafka.FetchTopicID(f.t.Context(), f.client, topic)
		if err != nil {
			f.t.Fatal(err)
		}
		s.Topics[topic] = uuid.UUID(id).String()
	}
	return s.Text()
}

// recreate deletes a topic and makes it again.
func (f *fixture) recreate(topic string) {
	f.t.Helper()
	if _, err := kadm.NewClient(f.client).DeleteTopic(f.t.Context(), topic); err != nil {
		f.t.Fatal(err)
	}
	if _, err := kafka.Apply(f.t.Context(), f.client, topics.EmbeddedPartitions, 1); err != nil {
		f.t.Fatal(err)
	}
	f.client.PurgeTopicsFromClient(topic)
}

func (f *fixture) end(topic string) int64 {
	f.t.Helper()
	_, end, err := kafka.Bounds(f.t.Context(), f.client, topic, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	return end
}

// ran writes events and stops when the dense log has the outcomes.
func (f *fixture) ran(events []string, outcomes ...string) {
	f.t.Helper()
	stop := f.run()
	f.raw(events...)
	f.expect(outcomes...)
	if err := stop(); err != nil {
		f.t.Fatal(err)
	}
}

// With a commit that names the new raw topic the old index is dropped, and what
// came by the old topic is still recognised: by the dense log, which has both.
func TestWriter_aResetGoesOnInANewRawTopic(t *testing.T) {
	f := newFixture(t)
	f.ran([]string{"a", "b", "bad1"}, stored, stored, rejected)
	f.recreate(topics.Raw)
	f.raw("b", "c")
	epoch := f.end(topics.Enriched)
	if err := f.runToTheEnd(); !errors.Is(err, checkpoint.ErrOffsetLost) && !errors.Is(err, checkpoint.ErrTopicRecreated) {
		t.Fatalf("running on a new raw topic: %v", err)
	}
	f.commit(0, f.state(epoch))
	f.from = epoch
	f.ran([]string{"a", "d", "bad1 replay"}, duplicate, stored, duplicate, stored, stored)
	// The same from an index that is lost, and with the commits lost as well.
	for range 2 {
		remove(t, f.dir)
		stop := f.run()
		f.raw("a")
		kafkatest.Eventually(t, "the record", func() bool { return f.committed() == f.end(topics.Raw) })
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		f.commit(0, f.state(epoch))
	}
	f.ran([]string{"c"}, duplicate, stored, duplicate, stored, stored, duplicate, duplicate, duplicate)
	f.copiesAgree()
}

func TestWriter_aResetGoesOnInANewDenseLog(t *testing.T) {
	for _, lost := range []bool{false, true} {
		f := newFixture(t)
		f.ran([]string{"a", "bad1", "a"}, stored, rejected, duplicate)
		f.recreate(topics.Enriched)
		if err := f.runToTheEnd(); !errors.Is(err, checkpoint.ErrTopicRecreated) {
			t.Fatalf("running on a new dense log: %v", err)
		}
		if lost {
			remove(t, f.dir)
		}
		f.commit(0, f.state(0))
		f.ran([]string{"a", "b"}, stored, rejected, duplicate, duplicate, stored)
	}
}

func TestWriter_refusesToGoOnWithoutItsOffset(t *testing.T) {
	f := newFixture(t)
	f.ran([]string{"a"}, stored)
	if err := f.deleteOffset(); err != nil {
		t.Fatal(err)
	}
	if err := f.runToTheEnd(); !errors.Is(err, checkpoint.ErrOffsetLost) {
		t.Errorf("running without an offset: %v", err)
	}
	f.commit(1, f.state(0))
	f.ran([]string{"a", "b"}, stored, duplicate, stored)
}

func TestWriter_refusesAnIndexOfAnotherLogWithoutACommit(t *testing.T) {
	f := newFixture(t)
	f.ran([]string{"a"}, stored)
	f.recreate(topics.Raw)
	f.recreate(topics.Enriched)
	if err := f.deleteOffset(); err != nil {
		t.Fatal(err)
	}
	if err := f.runToTheEnd(); !errors.Is(err, dedup.ErrOtherLog) {
		t.Errorf("running with the index of another log: %v", err)
	}
	f.commit(0, f.state(0))
	f.ran([]string{"a"}, stored)
}

func (f *fixture) deleteOffset() error {
	set := make(kadm.TopicsSet)
	set.Add(topics.Raw, 0)
	var err error
	kafkatest.Eventually(f.t, "the offset to be deleted", func() bool {
		var answer kadm.DeleteOffsetsResponses
		answer, err = kadm.NewClient(f.client).DeleteOffsets(f.t.Context(), topics.GroupEnricher, set)
		return err == nil && answer.Error() == nil
	})
	return err
}

func TestWriter_refusesOffsetsThatTheLogsDoNotReach(t *testing.T) {
	f := newFixture(t)
	f.ran([]string{"a", "b", "c"}, stored, stored, stored)
	f.commit(4, f.state(0))
	if err := f.runToTheEnd(); !errors.Is(err, checkpoint.ErrTruncated) {
		t.Errorf("running behind the end of the raw log: %v", err)
	}
	f.raw("d")
	if err := f.runToTheEnd(); !errors.Is(err, checkpoint.ErrTruncated) {
		t.Errorf("running behind the end of the dense log: %v", err)
	}
	f.commit(3, f.state(0))
	f.ran([]string{"a"}, stored, stored, stored, stored, duplicate)
}

func TestWriter_refusesMetadataOfAnotherRelease(t *testing.T) {
	f := newFixture(t)
	f.raw("a")
	f.commit(1, `{"v":1,"raw":"x","enriched":"y"}`)
	if err := f.runToTheEnd(); !errors.Is(err, checkpoint.ErrUnreadable) {
		t.Errorf("running with metadata of version 1: %v", err)
	}
}

// What readers took of an event counts, also when a newer version of the rules
// decides otherwise while the event is processed again.
func TestWriter_theFirstCopyIsTheTruth(t *testing.T) {
	for _, lost := range []bool{false, true} {
		f := newFixture(t)
		f.ran([]string{"good1", "bad1", "c"}, stored, rejected, stored)
		f.goBack(3)
		if lost {
			remove(t, f.dir)
		}
		f.refused = "good"
		f.ran([]string{"good1 replay", "bad1 replay", "c"}, stored, rejected, stored, duplicate, stored, duplicate)
	}
}

// What is appended again is no event.
func TestWriter_countsAnEventOnce(t *testing.T) {
	f := newFixture(t)
	f.ran([]string{"a", "b", "a", "bad1"}, stored, stored, duplicate, rejected)
	if got := f.metric("touchline_enricher_events_total"); got != 4 {
		t.Errorf("%v events counted, want 4", got)
	}
	f.goBack(3)
	f.ran([]string{"c"}, stored, stored, duplicate, rejected, stored)
	if got := f.metric("touchline_enricher_events_total"); got != 1 {
		t.Errorf("%v events counted after going back, want 1", got)
	}
	if got := f.metric("touchline_enricher_repeated_total"); got != 3 {
		t.Errorf("%v repeats counted, want 3", got)
	}
}
