package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/topics"
)

// TopicID is the id that a broker gives to a topic when it is created. A topic
// that is deleted and made again has another one under the same name.
type TopicID = kadm.TopicID

// ErrNoTopic says that a declared topic does not exist; `touchline topics apply`
// creates it.
var ErrNoTopic = errors.New("topic does not exist")

// FetchTopicID asks the broker for the id of a topic.
func FetchTopicID(ctx context.Context, cl *kgo.Client, topic string) (TopicID, error) {
	d, err := describe(ctx, cl, topic)
	if err != nil {
		return TopicID{}, err
	}
	return d.ID, nil
}

func describe(ctx context.Context, cl *kgo.Client, topic string) (kadm.TopicDetail, error) {
	details, err := kadm.NewClient(cl).ListTopics(ctx, topic)
	if err != nil {
		return kadm.TopicDetail{}, fmt.Errorf("describe topic %s: %w", topic, err)
	}
	d, ok := details[topic]
	if !ok || errors.Is(d.Err, kerr.UnknownTopicOrPartition) {
		return kadm.TopicDetail{}, fmt.Errorf("describe topic %s: %w", topic, ErrNoTopic)
	}
	if d.Err != nil {
		return kadm.TopicDetail{}, fmt.Errorf("describe topic %s: %w", topic, d.Err)
	}
	return d, nil
}

// Partitions returns the number of partitions of a topic.
func Partitions(ctx context.Context, cl *kgo.Client, topic string) (int32, error) {
	d, err := describe(ctx, cl, topic)
	if err != nil {
		return 0, err
	}
	return int32(len(d.Partitions)), nil
}

// Bounds returns the first offset that the partition's log still holds and the
// one after its last.
func Bounds(ctx context.Context, cl *kgo.Client, topic string, partition int32) (start, end int64, err error) {
	adm := kadm.NewClient(cl)
	starts, err := adm.ListStartOffsets(ctx, topic)
	if err != nil {
		return 0, 0, fmt.Errorf("list start offsets of %s: %w", topic, err)
	}
	ends, err := adm.ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, 0, fmt.Errorf("list end offsets of %s: %w", topic, err)
	}
	s, ok1 := starts.Lookup(topic, partition)
	e, ok2 := ends.Lookup(topic, partition)
	if !ok1 || !ok2 {
		return 0, 0, fmt.Errorf("list offsets of %s partition %d: %w", topic, partition, ErrNoTopic)
	}
	if err := errors.Join(s.Err, e.Err); err != nil {
		return 0, 0, fmt.Errorf("list offsets of %s partition %d: %w", topic, partition, err)
	}
	return s.Offset, e.Offset, nil
}

// Applied says what Apply found or did for one topic.
type Applied struct {
	Topic   string
	Created bool
	// Differs lists the settings of an existing topic that are not as declared.
	Differs []string
}

// Apply creates the declared topics that do not exist, with the given number of
// partitions and replicas, and compares those that do. It changes no existing
// topic: partitions are never added, and a retention that an operator chose is
// reported, not overwritten.
func Apply(ctx context.Context, cl *kgo.Client, partitions int32, replicas int16) ([]Applied, error) {
	adm := kadm.NewClient(cl)
	var all []Applied
	for _, t := range topics.All() {
		resp, err := adm.CreateTopic(ctx, partitions, replicas, settings(t, replicas), t.Name)
		if err == nil {
			err = resp.Err
		}
		switch {
		case err == nil:
			all = append(all, Applied{Topic: t.Name, Created: true})
		case errors.Is(err, kerr.TopicAlreadyExists):
			differs, err := compare(ctx, cl, t, partitions, replicas)
			if err != nil {
				return all, err
			}
			all = append(all, Applied{Topic: t.Name, Differs: differs})
		default:
			return all, fmt.Errorf("create topic %s: %w", t.Name, err)
		}
	}
	return all, nil
}

// settings returns the broker-side settings of a topic. Everything that matters
// is set explicitly: the embedded broker applies retention only where it is.
func settings(t topics.Topic, replicas int16) map[string]*string {
	s := map[string]*string{
		"message.timestamp.type": new(string(t.Timestamps)),
		"max.message.bytes":      new(strconv.Itoa(t.MaxRecordBytes)),
		"retention.bytes":        new("-1"),
	}
	if t.Compacted {
		s["cleanup.policy"] = new("compact")
		s["retention.ms"] = new("-1")
	} else {
		s["cleanup.policy"] = new("delete")
		s["retention.ms"] = new(strconv.FormatInt(t.Retention.Milliseconds(), 10))
	}
	if replicas > 1 {
		s["min.insync.replicas"] = new("2")
	}
	return s
}

func compare(ctx context.Context, cl *kgo.Client, t topics.Topic, partitions int32, replicas int16) ([]string, error) {
	d, err := describe(ctx, cl, t.Name)
	if err != nil {
		return nil, err
	}
	var differs []string
	if int32(len(d.Partitions)) != partitions {
		differs = append(differs, fmt.Sprintf("has %d partitions, want %d", len(d.Partitions), partitions))
	}
	configs, err := kadm.NewClient(cl).DescribeTopicConfigs(ctx, t.Name)
	if err != nil {
		return nil, fmt.Errorf("describe settings of %s: %w", t.Name, err)
	}
	rc, err := configs.On(t.Name, nil)
	if err == nil {
		err = rc.Err
	}
	if err != nil {
		return nil, fmt.Errorf("describe settings of %s: %w", t.Name, err)
	}
	has := make(map[string]string)
	for _, c := range rc.Configs {
		has[c.Key] = c.MaybeValue()
	}
	want := settings(t, replicas)
	for _, key := range []string{"cleanup.policy", "retention.ms", "message.timestamp.type", "max.message.bytes", "min.insync.replicas"} {
		w, ok := want[key]
		if !ok || has[key] == *w || enough(t, key, has[key], *w) {
			continue
		}
		differs = append(differs, fmt.Sprintf("has %s=%s, want %s", key, has[key], *w))
	}
	return differs, nil
}

// enough accepts values that promise at least what is declared.
func enough(t topics.Topic, key, has, want string) bool {
	if key != "retention.ms" && key != "max.message.bytes" && key != "min.insync.replicas" {
		return false
	}
	h, err1 := strconv.ParseInt(has, 10, 64)
	w, err2 := strconv.ParseInt(want, 10, 64)
	if err1 != nil || err2 != nil {
		return false
	}
	if key == "retention.ms" {
		return h == -1 || (w >= 0 && h >= min(w, topics.MinRetention.Milliseconds()) && !t.Compacted)
	}
	return h >= w
}

// Require checks that a topic exists and keeps its records for at least the time
// in which a retry is recognised, plus an outage; a shorter one would turn a
// consumer's outage into loss.
func Require(ctx context.Context, cl *kgo.Client, names ...string) error {
	for _, t := range topics.All() {
		for _, name := range names {
			if t.Name != name {
				continue
			}
			d, err := describe(ctx, cl, name)
			if err != nil {
				return fmt.Errorf("%w; create the topics with: touchline topics apply", err)
			}
			differs, err := compare(ctx, cl, t, int32(len(d.Partitions)), 1)
			if err != nil {
				return err
			}
			if len(differs) > 0 {
				return fmt.Errorf("check topic %s: %s; see: touchline topics list", name, differs[0])
			}
		}
	}
	return nil
}

// ParseTopicID reads the text form of a topic id, as Partition.TopicID gives it.
func ParseTopicID(text string) (TopicID, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return TopicID{}, fmt.Errorf("parse topic id: %w", err)
	}
	return TopicID(id), nil
}
