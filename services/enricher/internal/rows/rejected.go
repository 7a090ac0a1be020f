package rows

import (
	"github.com/ClickHouse/ch-go/proto"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/clickhouse"
)

// rejected builds the block of table rejected.
type rejected struct {
	clickhouse.Columns
	topic         string
	partition     int32
	names, values []string

	project, stage, reason, protocol, endpoint, source   *proto.ColLowCardinality[string]
	srcTopic                                             *proto.ColLowCardinality[string]
	receivedAt                                           *proto.ColDateTime64
	message, field, sentAt, clientIP, userAgent, context *proto.ColStr
	payload                                              *proto.ColStr
	receiptID                                            *proto.ColUUID
	batchIndex                                           *proto.ColUInt32
	headerNames, headerValues                            *proto.ColArr[string]
	originalBytes, srcOffset                             *proto.ColUInt64
	srcPartition                                         *proto.ColUInt16
}

func newRejected(topic string, partition int32) *rejected {
	b := &rejected{Columns: clickhouse.NewColumns(schema.Rejected()), topic: topic, partition: partition}
	c := &b.Columns
	b.project = c.Low("project")
	b.receivedAt = c.Time("received_at")
	b.stage = c.Low("stage")
	b.reason = c.Low("reason")
	b.message = c.Str("message")
	b.field = c.Str("field")
	b.receiptID = clickhouse.AddColumn(c, "receipt_id", new(proto.ColUUID))
	b.protocol = c.Low("protocol")
	b.endpoint = c.Low("endpoint")
	b.source = c.Low("source")
	b.batchIndex = clickhouse.AddColumn(c, "batch_index", new(proto.ColUInt32))
	b.sentAt = c.Str("sent_at")
	b.clientIP = c.Str("client_ip")
	b.userAgent = c.Str("user_agent")
	b.headerNames = c.Lows("header_names")
	b.headerValues = clickhouse.AddColumn(c, "header_values", new(proto.ColStr).Array())
	b.context = c.Str("context")
	b.payload = c.Str("payload")
	b.originalBytes = c.UInt64("original_bytes")
	b.srcTopic = c.Low("src_topic")
	b.srcPartition = clickhouse.AddColumn(c, "src_partition", new(proto.ColUInt16))
	b.srcOffset = c.UInt64("src_offset")
	c.Complete()
	return b
}

// add appends the row of a rejected event: its bytes and the whole envelope, so
// that it can be sent again.
func (b *rejected) add(e *event.Enriched, src int64) {
	r := &e.Rejection
	b.names, b.values = b.names[:0], b.values[:0]
	for _, h := range r.Raw.Headers {
		b.names = append(b.names, h.Name)
		b.values = append(b.values, h.Value)
	}

	b.project.Append(e.Project)
	b.receivedAt.AppendRaw(clickhouse.Millis(e.ReceivedAt))
	b.stage.Append(r.Stage)
	b.reason.Append(string(e.Reason))
	b.message.Append(r.Message)
	b.field.Append(r.Field)
	b.receiptID.Append(r.ReceiptID)
	b.protocol.Append(r.Raw.Protocol)
	b.endpoint.Append(r.Raw.Endpoint)
	b.source.Append(r.Raw.Source)
	b.batchIndex.Append(r.Raw.Index)
	b.sentAt.Append(r.Raw.SentAt)
	b.clientIP.Append(r.Raw.ClientIP)
	b.userAgent.Append(r.Raw.UserAgent)
	b.headerNames.Append(b.names)
	b.headerValues.Append(b.values)
	b.context.AppendBytes(r.Raw.Context)
	b.payload.AppendBytes(r.Raw.Event)
	b.originalBytes.Append(r.Raw.OriginalBytes)
	b.srcTopic.Append(b.topic)
	b.srcPartition.Append(uint16(b.partition))
	b.srcOffset.Append(uint64(src))
}
