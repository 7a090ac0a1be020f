package reset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/kafka"
)

// Deps is what Look and Apply work with.
type Deps struct {
	Kafka *kafkago.Client
	// Admin asks for the ids of topics, which kafka-go cannot, and makes topics.
	Admin *kgo.Client
	Conn  driver.Conn
}

// Look gathers the facts. What moves forward is asked first, and last the logs that
// it cannot overtake; so it also tells the truth of a pipeline that is running.
func Look(ctx context.Context, d Deps) (Facts, error) {
	f := Facts{Groups: map[string]Group{}, Now: time.Now().UnixMilli()}
	var err error
	if f.Topics, err = d.topics(ctx); err != nil {
		return f, err
	}
	for _, m := range members() {
		if _, ok := f.Topics[m.topic]; !ok {
			continue
		}
		if f.Groups[m.group], err = d.group(ctx, m, len(f.Topics[m.topic].Partitions)); err != nil {
			return f, err
		}
	}
	if f.Tables, err = d.tables(ctx, f.Topics[topics.Raw].ID); err != nil {
		return f, err
	}
	before := f.Topics
	if f.Topics, err = d.topics(ctx); err != nil {
		return f, err
	}
	for name, t := range f.Topics {
		if t.ID != before[name].ID {
			return f, fmt.Errorf("describe topic %s: it was made again just now", name)
		}
	}
	for i, b := range f.Topics[topics.Enriched].Partitions {
		last, err := d.answered(ctx, i, b)
		if err != nil {
			return f, err
		}
		f.Answered = append(f.Answered, last)
	}
	return f, nil
}

// topics describes the topics that exist.
func (d Deps) topics(ctx context.Context) (map[string]Topic, error) {
	all := map[string]Topic{}
	for _, t := range topics.All() {
		topic, err := d.topic(ctx, t.Name)
		if errors.Is(err, kafka.ErrNoTopic) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all[t.Name] = topic
	}
	return all, nil
}

func (d Deps) topic(ctx context.Context, name string) (Topic, error) {
	id, err := kafka.FetchTopicID(ctx, d.Admin, name)
	if err != nil {
		return Topic{}, err
	}
	t := Topic{ID: uuid.UUID(id).String()}
	meta, err := d.Kafka.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{name}})
	if err != nil {
		return t, fmt.Errorf("describe topic %s: %w", name, err)
	}
	if len(meta.Topics) != 1 || meta.Topics[0].Error != nil {
		return t, fmt.Errorf("describe topic %s: %w", name, kafka.ErrNoTopic)
	}
	var want []kafkago.OffsetRequest
	for _, p := range meta.Topics[0].Partitions {
		want = append(want, kafkago.FirstOffsetOf(p.ID), kafkago.LastOffsetOf(p.ID))
		t.Replicas = len(p.Replicas)
	}
	bounds, err := d.Kafka.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{name: want}})
	if err != nil {
		return t, fmt.Errorf("list offsets of %s: %w", name, err)
	}
	t.Partitions = make([]Bounds, len(meta.Topics[0].Partitions))
	for _, b := range bounds.Topics[name] {
		if b.Error != nil {
			return t, fmt.Errorf("list offsets of %s partition %d: %w", name, b.Partition, b.Error)
		}
		if b.Partition < 0 || b.Partition >= len(t.Partitions) {
			return t, fmt.Errorf("list offsets of %s: there is no partition %d of %d", name, b.Partition, len(t.Partitions))
		}
		t.Partitions[b.Partition] = Bounds{b.FirstOffset, b.LastOffset}
	}
	return t, nil
}

// answered returns the raw offset that the last record of the dense log answers.
func (d Deps) answered(ctx context.Context, partition int, b Bounds) (int64, error) {
	if b.End == b.Start {
		return None, nil
	}
	resp, err := d.Kafka.Fetch(ctx, &kafkago.FetchRequest{
		Topic: topics.Enriched, Partition: partition, Offset: b.End - 1, MinBytes: 1, MaxBytes: topics.MaxRecordBytes, MaxWait: time.Second,
	})
	if err == nil {
		err = resp.Error
	}
	if err != nil {
		return None, fmt.Errorf("fetch %s partition %d offset %d: %w", topics.Enriched, partition, b.End-1, err)
	}
	last := int64(None)
	for {
		r, err := resp.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return last, nil
		}
		if err != nil {
			return None, fmt.Errorf("read %s partition %d offset %d: %w", topics.Enriched, partition, b.End-1, err)
		}
		for _, h := range r.Headers {
			if h.Key != topics.Src {
				continue
			}
			if last, err = strconv.ParseInt(string(h.Value), 10, 64); err != nil {
				return None, fmt.Errorf("read header %s of %s partition %d offset %d: %w", h.Key, topics.Enriched, partition, r.Offset, err)
			}
		}
	}
}

func (d Deps) group(ctx context.Context, m member, partitions int) (g Group, err error) {
	if g.State, err = d.state(ctx, m.group); err != nil {
		return g, err
	}
	g.Commits, err = d.commits(ctx, m, partitions)
	return g, err
}

// state returns what the broker calls the state of a group.
func (d Deps) state(ctx context.Context, group string) (string, error) {
	described, err := d.Kafka.DescribeGroups(ctx, &kafkago.DescribeGroupsRequest{GroupIDs: []string{group}})
	if err != nil {
		return "", fmt.Errorf("describe group %s: %w", group, err)
	}
	if len(described.Groups) != 1 {
		return "", fmt.Errorf("describe group %s: %d answers", group, len(described.Groups))
	}
	// An error here is that kafka-go cannot read what members say of themselves;
	// the state is known all the same.
	return described.Groups[0].GroupState, nil
}

func (d Deps) commits(ctx context.Context, m member, partitions int) ([]Commit, error) {
	commits := make([]Commit, partitions)
	ids := make([]int, partitions)
	for i := range commits {
		commits[i].Offset, ids[i] = None, i
	}
	resp, err := d.Kafka.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: m.group, Topics: map[string][]int{m.topic: ids}})
	if err == nil {
		err = resp.Error
	}
	if errors.Is(err, kafkago.GroupIdNotFound) {
		return commits, nil
	}
	if err != nil {
		return nil, fmt.Errorf("fetch offsets of %s: %w", m.group, err)
	}
	for _, p := range resp.Topics[m.topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("fetch offset of %s partition %d: %w", m.group, p.Partition, p.Error)
		}
		if p.Partition < 0 || p.Partition >= partitions || p.CommittedOffset < 0 {
			continue
		}
		c := Commit{Offset: p.CommittedOffset}
		if c.State, err = checkpoint.Parse(p.Metadata); err != nil {
			c.Unreadable = err.Error()
		}
		commits[p.Partition] = c
	}
	return commits, nil
}

// queryTime bounds each question to ClickHouse: the largest reads three columns of
// every row.
const queryTime = 10 * time.Minute

func (d Deps) tables(ctx context.Context, raw string) (Tables, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	t := Tables{Known: map[string]string{}, Landed: map[Place]Landed{}, Last: map[int32]string{}}
	for _, name := range []string{topics.Enriched, topics.Scores} {
		id, err := d.known(ctx, name)
		if err != nil {
			return t, err
		}
		t.Known[name] = id
	}
	if err := d.Conn.QueryRow(ctx, "SELECT count() FROM touchline.touchpoints").Scan(&t.Events); err != nil {
		return t, fmt.Errorf("count touchpoints: %w", err)
	}
	// Whoever has no row in outcomes has no whole chunk.
	rows, err := d.Conn.Query(ctx, `
		SELECT src_topic, src_partition, max(cut), max(highest), max(at) FROM
		(
			SELECT src_topic, src_partition, cut, toInt64(-1) AS highest, landed_at AS at FROM touchline.outcomes
			UNION ALL SELECT src_topic, src_partition, -1, toInt64(src_offset), ingested_at FROM touchline.touchpoints
			UNION ALL SELECT src_topic, src_partition, -1, toInt64(src_offset), rejected_at FROM touchline.rejected
		)
		GROUP BY src_topic, src_partition ORDER BY max(at)`)
	if err != nil {
		return t, fmt.Errorf("ask how far rows have landed: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var source string
		var partition uint16
		var l Landed
		var at time.Time
		if err := rows.Scan(&source, &partition, &l.Cut, &l.Highest, &at); err != nil {
			return t, fmt.Errorf("ask how far rows have landed: %w", err)
		}
		t.Landed[Place{source, int32(partition)}] = l
		if source != raw {
			t.Last[int32(partition)] = source
		}
	}
	if err := rows.Err(); err != nil {
		return t, fmt.Errorf("ask how far rows have landed: %w", err)
	}
	return t, nil
}

// known returns the id of the topic that rows have landed from last, or "".
func (d Deps) known(ctx context.Context, name string) (id string, err error) {
	err = d.Conn.QueryRow(ctx, "SELECT argMax(topic_id, seen) FROM (SELECT topic_id, min(first_seen) AS seen FROM touchline.topics WHERE name = ? GROUP BY topic_id)", name).Scan(&id)
	if err != nil {
		return "", fmt.Errorf("ask which topic %s has landed: %w", name, err)
	}
	return id, nil
}
