package collector

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafka"
)

const (
	// kafkaCheck is how often a reachable Kafka is looked at, kafkaRetry how
	// often one that is not.
	kafkaCheck = 5 * time.Second
	kafkaRetry = 500 * time.Millisecond
	// kafkaTimeout bounds one look.
	kafkaTimeout = 3 * time.Second
)

var errNotReached = errors.New("not reached yet")

// watchKafka keeps the gauge and, where there is no spool, the readiness check
// "kafka": whether the brokers answer and the raw topic exists. With a spool the
// collector takes events all the same. It logs changes, and tells the spool how
// many partitions there are.
//
// A producer goes on writing to the topic that it knew first, by its id. When the
// topic was deleted and created again it is told to forget the old one: nothing
// here depends on what a log held before.
func (c *Collector) watchKafka(ctx context.Context) {
	check := func(err error) {
		c.reachable.Set(0)
		if err == nil {
			c.reachable.Set(1)
		}
		if c.spool != nil {
			return
		}
		if err != nil {
			c.deps.Health.Set("kafka", false, err.Error())
		} else {
			c.deps.Health.Set("kafka", true, "")
		}
	}
	check(errNotReached)
	known, reachable := false, false
	var topic kafka.TopicID
	for {
		look, cancel := context.WithTimeout(ctx, kafkaTimeout)
		id, err := kafka.FetchTopicID(look, c.producer, topics.Raw)
		if err == nil && c.spool != nil && (id != topic || !reachable) {
			var partitions int32
			if partitions, err = kafka.Partitions(look, c.producer, topics.Raw); err == nil {
				c.spool.Partitions(int(partitions))
			}
		}
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err == nil && id != topic {
			if topic != (kafka.TopicID{}) {
				c.deps.Log.Warn("the raw topic was created anew")
				c.producer.PurgeTopicsFromProducing(topics.Raw)
			}
			topic = id
		}
		check(err)
		if ok := err == nil; !known || ok != reachable {
			known, reachable = true, ok
			if ok {
				c.deps.Log.Info("kafka is reachable")
			} else {
				c.deps.Log.Warn("kafka is not reachable", zap.Error(err))
			}
		}
		wait := kafkaRetry
		if reachable {
			wait = kafkaCheck
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}
