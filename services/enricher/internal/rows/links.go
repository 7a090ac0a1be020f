package rows

import (
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/clickhouse"
)

// links builds the block of table identity_links.
type links struct {
	clickhouse.Columns
	topic     string
	partition int32

	project, kindOfCall, srcTopic                *clickhouse.LowColumn
	devicePerson, userPerson, version, srcOffset *clickhouse.UInt64Column
	deviceID, userID                             *clickhouse.StringColumn
	eventID                                      *clickhouse.UUIDColumn
	eventTime, receivedAt                        *clickhouse.TimeColumn
	srcPartition                                 *clickhouse.UInt16Column
}

func newLinks(topic string, partition int32) *links {
	b := &links{Columns: clickhouse.NewColumns(schema.IdentityLinks()), topic: topic, partition: partition}
	c := &b.Columns
	b.project = c.Low("project")
	b.devicePerson = c.UInt64("device_person")
	b.userPerson = c.UInt64("user_person")
	b.deviceID = c.Str("device_id")
	b.userID = c.Str("user_id")
	b.kindOfCall = c.Low("type")
	b.version = c.UInt64("version")
	b.eventID = c.UUID("event_id")
	b.eventTime = c.Time("event_time")
	b.receivedAt = c.Time("received_at")
	b.srcTopic = c.Low("src_topic")
	b.srcPartition = c.UInt16("src_partition")
	b.srcOffset = c.UInt64("src_offset")
	c.Complete()
	return b
}

// add appends the rows of what a stored event links. r is its record.
func (b *links) add(e *event.Enriched, r *kgo.Record, src int64) error {
	t := &e.Touchpoint
	if t.LinkedPerson == 0 && t.LinkedPrevious == 0 {
		return nil
	}
	clock, err := clockOf(r)
	if err != nil {
		return err
	}
	if t.LinkedPerson != 0 {
		b.row(e, t.LinkedPerson, t.AnonymousID, linkVersion(clock, src), src)
	}
	if t.LinkedPrevious != 0 {
		b.row(e, t.LinkedPrevious, t.PreviousID, linkVersion(clock, src), src)
	}
	return nil
}

func (b *links) row(e *event.Enriched, person uint64, device string, version uint64, src int64) {
	t := &e.Touchpoint
	b.project.Append(e.Project)
	b.devicePerson.Append(person)
	b.userPerson.Append(t.PersonID)
	b.deviceID.Append(device)
	b.userID.Append(t.UserID)
	b.kindOfCall.Append(t.Type)
	b.version.Append(version)
	b.eventID.Append(t.EventID)
	b.eventTime.Append(t.EventTime)
	b.receivedAt.Append(e.ReceivedAt)
	b.srcTopic.Append(b.topic)
	b.srcPartition.Append(uint16(b.partition))
	b.srcOffset.Append(uint64(src))
}

// linkOffsetBits is how many bits of the offset stand in a version: records of the
// same millisecond follow each other. The 43 bits above them last until the year 2248.
const linkOffsetBits = 20

// linkVersion falls with the partition's time and the offset, so that the first link
// of a device counts.
func linkVersion(clock, src int64) uint64 {
	const most, low = uint64(1)<<63 - 1, uint64(1)<<linkOffsetBits - 1
	return most - min(uint64(max(0, clock)), most>>linkOffsetBits)<<linkOffsetBits - uint64(src)&low
}

// clockOf returns the partition's time at a record of the dense log.
func clockOf(r *kgo.Record) (int64, error) {
	for i := range r.Headers {
		if h := &r.Headers[i]; h.Key == topics.Clock {
			clock, err := strconv.ParseInt(string(h.Value), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read header %s: %w", h.Key, err)
			}
			return clock, nil
		}
	}
	return 0, fmt.Errorf("read headers: no %s", topics.Clock)
}
