package standalone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"touchline.dev/schemas/topics"
)

type lagSettings struct {
	Dir     string   `yaml:"dir" doc:"Directory of a running touchline up, whose broker is used."`
	Brokers []string `yaml:"brokers" doc:"Kafka brokers to start from, host:port; instead of dir."`
	JSON    bool     `yaml:"json" doc:"Print one JSON object a line instead of a table."`
}

// Lag is how far a consumer group is behind on one partition.
type Lag struct {
	Group     string `json:"group"`
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	// Committed is the next offset to be read; -1 when nothing was committed.
	Committed int64 `json:"committed"`
	End       int64 `json:"end"`
	Records   int64 `json:"records"`
	// Seconds is the age of the first record that was not committed.
	Seconds float64 `json:"seconds"`
}

// lag prints the lag of every group. It is written on kafka-go, so that an
// independent client tells whether the data path's client keeps up.
func lag(c *call) error {
	var s lagSettings
	if done, err := c.load("touchline-lag", &s); done || err != nil {
		return err
	}
	cfg, err := where{s.Dir, s.Brokers}.kafka()
	if err != nil {
		return err
	}
	client := &kafkago.Client{Addr: kafkago.TCP(cfg.Brokers...), Timeout: 10 * time.Second}
	ctx, cancel := context.WithTimeout(c.ctx, 30*time.Second)
	defer cancel()
	var all []Lag
	for _, g := range []struct{ group, topic string }{
		{topics.GroupEnricher, topics.Raw}, {topics.GroupTouchpoints, topics.Enriched},
		{topics.GroupScorer, topics.Enriched}, {topics.GroupPersons, topics.Persons}, {topics.GroupScores, topics.Scores},
	} {
		lags, err := groupLag(ctx, client, g.group, g.topic)
		if err != nil {
			return err
		}
		all = append(all, lags...)
	}
	return printLag(c, all, s.JSON)
}

func groupLag(ctx context.Context, client *kafkago.Client, group, topic string) ([]Lag, error) {
	meta, err := client.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, fmt.Errorf("describe topic %s: %w", topic, err)
	}
	if len(meta.Topics) != 1 || meta.Topics[0].Error != nil {
		return nil, fmt.Errorf("describe topic %s: it does not exist; create the topics with: touchline topics apply", topic)
	}
	var ids []int
	var want []kafkago.OffsetRequest
	for _, p := range meta.Topics[0].Partitions {
		ids = append(ids, p.ID)
		want = append(want, kafkago.FirstOffsetOf(p.ID), kafkago.LastOffsetOf(p.ID))
	}
	bounds, err := client.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{topic: want}})
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", topic, err)
	}
	committed, err := client.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: ids}})
	if err == nil {
		err = committed.Error
	}
	at := make(map[int]int64)
	switch {
	case errors.Is(err, kafkago.GroupIdNotFound):
		// A group that never committed.
		for _, id := range ids {
			at[id] = -1
		}
	case err != nil:
		return nil, fmt.Errorf("fetch offsets of %s: %w", group, err)
	default:
		for _, p := range committed.Topics[topic] {
			at[p.Partition] = p.CommittedOffset
		}
	}
	var lags []Lag
	for _, b := range bounds.Topics[topic] {
		if b.Error != nil {
			return nil, fmt.Errorf("list offsets of %s partition %d: %w", topic, b.Partition, b.Error)
		}
		l := Lag{Group: group, Topic: topic, Partition: b.Partition, Committed: at[b.Partition], End: b.LastOffset}
		next := max(l.Committed, b.FirstOffset)
		l.Records = max(0, l.End-next)
		if l.Records > 0 {
			if l.Seconds, err = ageOf(ctx, client, topic, b.Partition, next); err != nil {
				return nil, err
			}
		}
		lags = append(lags, l)
	}
	slices.SortFunc(lags, func(a, b Lag) int { return a.Partition - b.Partition })
	return lags, nil
}

// ageOf returns how long ago the record at offset was appended, in seconds.
func ageOf(ctx context.Context, client *kafkago.Client, topic string, partition int, offset int64) (float64, error) {
	resp, err := client.Fetch(ctx, &kafkago.FetchRequest{
		Topic: topic, Partition: partition, Offset: offset, MinBytes: 1, MaxBytes: topics.MaxRecordBytes, MaxWait: time.Second,
	})
	if err == nil {
		err = resp.Error
	}
	if err != nil {
		return 0, fmt.Errorf("fetch %s partition %d offset %d: %w", topic, partition, offset, err)
	}
	for {
		r, err := resp.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return 0, nil // compacted or expired meanwhile
		}
		if err != nil {
			return 0, fmt.Errorf("read %s partition %d offset %d: %w", topic, partition, offset, err)
		}
		if r.Offset >= offset {
			return max(0, time.Since(r.Time).Seconds()), nil
		}
	}
}

func printLag(c *call, all []Lag, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(c.stdout)
		var err error
		for _, l := range all {
			err = errors.Join(err, enc.Encode(l))
		}
		return err
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "GROUP\tPARTITION\tCOMMITTED\tEND\tRECORDS\tSECONDS\t") // Flush reports the error
	for _, l := range all {
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%.1f\t\n", l.Group, l.Partition, l.Committed, l.End, l.Records, l.Seconds)
	}
	return w.Flush()
}
