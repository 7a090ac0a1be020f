package conformance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	ours "touchline.dev/services/internal/kafka"
)

// secondClient returns a client of the other library.
func (s *site) secondClient(t *testing.T) *kafka.Client {
	t.Helper()
	// It goes by what it knows of topics for this long, and knows no new ones.
	transport := &kafka.Transport{Dial: new(net.Dialer).DialContext, MetadataTTL: 50 * time.Millisecond}
	t.Cleanup(transport.CloseIdleConnections)
	return &kafka.Client{Addr: kafka.TCP(s.Config().Brokers...), Timeout: 30 * time.Second, Transport: transport}
}

func partitionChoice(t *testing.T, s *site) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 3))
	keys := make(map[string]bool)
	for len(keys) < 500 {
		key := make([]byte, 1+rnd.IntN(40))
		for i := range key {
			key[i] = byte(rnd.Uint32())
		}
		keys[string(key)] = true
	}
	for _, partitions := range []int32{4, 12} {
		topic := s.topic(t, fmt.Sprint("-", partitions), partitions)
		second := s.secondClient(t) // made after the topic, it has never known that it was not there
		producer, err := ours.NewProducer(s.reach.Kafka, s.reach.Deps, "keys",
			ours.Producing{MaxBufferedBytes: 1 << 20, MaxBufferedRecords: 1000})
		must(t, err)
		writer := &kafka.Writer{
			Addr: second.Addr, Transport: second.Transport, Topic: topic, Balancer: kafka.Murmur2Balancer{},
			BatchTimeout: 10 * time.Millisecond, RequiredAcks: kafka.RequireAll,
		}
		var records []*kgo.Record
		var messages []kafka.Message
		for key := range keys {
			records = append(records, &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte("franz-go")})
			messages = append(messages, kafka.Message{Key: []byte(key), Value: []byte("kafka-go")})
		}
		must(t, producer.ProduceSync(t.Context(), records...).FirstErr())
		producer.Close()
		must(t, writer.WriteMessages(t.Context(), messages...))
		must(t, writer.Close())

		found := map[string]map[string]int32{"franz-go": {}, "kafka-go": {}}
		used := make(map[int32]bool)
		for p := range partitions {
			for _, r := range s.reach.ReadAll(t, topic, p) {
				found[string(r.Value)][string(r.Key)] = p
				used[p] = true
			}
		}
		if len(used) != int(partitions) {
			t.Errorf("%d keys use %d of %d partitions", len(keys), len(used), partitions)
		}
		for key := range keys {
			first, ok1 := found["franz-go"][key]
			other, ok2 := found["kafka-go"][key]
			if !ok1 || !ok2 || first != other {
				t.Fatalf("key %x is in partition %d (%v) by franz-go and %d (%v) by kafka-go", key, first, ok1, other, ok2)
			}
		}
	}
}

func offsetsOfBothClients(t *testing.T, s *site) {
	const partitions = 2
	topic, group := s.topic(t, "", partitions), s.name
	second := s.secondClient(t)

	// What a worker of ours has committed, the second client reads.
	want := ours.Commit{Offset: 41, Metadata: `{"v":2,"topics":{"touchpoints.raw.v1":"a"},"mark":40}`}
	ctx, leave := context.WithCancel(t.Context())
	w, ended := s.workUntil(ctx, t, group, topic)
	w.await(t, s, partitions)
	must(t, w.current()[1].Commit(t.Context(), want))
	read := func() (c ours.Commit) {
		t.Helper()
		s.eventually(t, "an answer to the second client", func(ctx context.Context) bool {
			resp, err := second.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: {0, 1}}})
			if err != nil || resp.Error != nil {
				return false
			}
			for _, p := range resp.Topics[topic] {
				if p.Partition == 0 && p.CommittedOffset != ours.NoOffset {
					t.Errorf("partition 0 was never committed, the second client reads %d", p.CommittedOffset)
				}
				if p.Partition == 1 {
					c = ours.Commit{Offset: p.CommittedOffset, Metadata: p.Metadata}
				}
			}
			return true
		})
		return c
	}
	if got := read(); got != want {
		t.Errorf("the second client reads %+v, want %+v", got, want)
	}

	// From outside, nothing can be committed while the group has members.
	write := func(c ours.Commit) (answer error) {
		t.Helper()
		s.eventually(t, "an answer to the second client", func(ctx context.Context) bool {
			resp, err := second.OffsetCommit(ctx, &kafka.OffsetCommitRequest{GroupID: group, GenerationID: -1,
				Topics: map[string][]kafka.OffsetCommit{topic: {{Partition: 1, Offset: c.Offset, Metadata: c.Metadata}}}})
			if err != nil {
				return false
			}
			answer = resp.Topics[topic][0].Error
			var code kafka.Error
			return answer == nil || !errors.As(answer, &code) || !code.Temporary()
		})
		return answer
	}
	reset := ours.Commit{Offset: 7, Metadata: `{"v":2,"mark":6}`}
	if err := write(reset); !errors.Is(err, kafka.UnknownMemberId) {
		t.Errorf("a commit from outside into a group with members is answered with %v, want %v", err, kafka.UnknownMemberId)
	}
	if got := read(); got != want {
		t.Errorf("after a refused commit the broker holds %+v, want %+v", got, want)
	}

	// Once it is empty the commit is taken, and a worker of ours reads it.
	leave()
	must(t, <-ended)
	s.eventually(t, "the group to be empty", func(ctx context.Context) bool {
		groups, err := s.adm.DescribeGroups(ctx, group)
		return err == nil && groups[group].State == "Empty"
	})
	must(t, write(reset))
	w = s.work(t, group, topic)
	w.await(t, s, partitions)
	got, err := w.current()[1].Committed(t.Context())
	must(t, err)
	if got != reset {
		t.Errorf("our worker reads %+v, want %+v", got, reset)
	}
}
