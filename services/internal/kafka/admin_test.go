package kafka_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
)

// groupMembers returns the members of the test group that own partitions.
func groupMembers(t *testing.T, c *kafkatest.Cluster) []string {
	t.Helper()
	groups, err := kadm.NewClient(c.Client(t)).DescribeGroups(t.Context(), topics.GroupEnricher)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range groups[topics.GroupEnricher].Members {
		if a, ok := m.Assigned.AsConsumer(); ok && len(a.Topics) > 0 {
			ids = append(ids, m.MemberID)
		}
	}
	return ids
}

// committed returns what the broker holds for a partition of the test group.
func committed(t *testing.T, c *kafkatest.Cluster, partition int32) kafka.Commit {
	t.Helper()
	offsets, err := kadm.NewClient(c.Client(t)).FetchOffsets(t.Context(), topics.GroupEnricher)
	if err != nil {
		t.Fatal(err)
	}
	o, ok := offsets.Lookup(topics.Raw, partition)
	if !ok {
		return kafka.Commit{Offset: kafka.NoOffset}
	}
	return kafka.Commit{Offset: o.At, Metadata: o.Metadata}
}

func TestApply_createsThenComparesTopics(t *testing.T) {
	c := kafkatest.Start(t)
	cl := c.Client(t)
	applied, err := kafka.Apply(t.Context(), cl, topics.EmbeddedPartitions, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(applied) != len(topics.All()) {
		t.Fatalf("applied %d topics, want %d", len(applied), len(topics.All()))
	}
	for _, a := range applied {
		if a.Created || len(a.Differs) > 0 {
			t.Errorf("%s: created %v, differs %v; want an existing topic as declared", a.Topic, a.Created, a.Differs)
		}
	}
	short := "1000"
	adm := kadm.NewClient(cl)
	if _, err := adm.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &short}}, topics.Raw); err != nil {
		t.Fatal(err)
	}
	if err := kafka.Require(t.Context(), cl, topics.Raw); err == nil {
		t.Error("Require accepts a topic that keeps its records for a second")
	}
	if err := kafka.Require(t.Context(), cl, topics.Enriched); err != nil {
		t.Errorf("Require: %v", err)
	}
}

func TestFetchTopicID_changesWhenTheTopicIsRecreated(t *testing.T) {
	c := kafkatest.Start(t)
	cl := c.Client(t)
	before, err := kafka.FetchTopicID(t.Context(), cl, topics.Raw)
	if err != nil {
		t.Fatal(err)
	}
	adm := kadm.NewClient(cl)
	if _, err := adm.DeleteTopic(t.Context(), topics.Raw); err != nil {
		t.Fatal(err)
	}
	if _, err := kafka.FetchTopicID(t.Context(), c.Client(t), topics.Raw); err == nil {
		t.Error("a deleted topic has an id")
	}
	if _, err := kafka.Apply(t.Context(), cl, topics.EmbeddedPartitions, 1); err != nil {
		t.Fatal(err)
	}
	after, err := kafka.FetchTopicID(t.Context(), c.Client(t), topics.Raw)
	if err != nil || after == before {
		t.Errorf("recreated topic has id %v (%v), before %v", after, err, before)
	}
}
