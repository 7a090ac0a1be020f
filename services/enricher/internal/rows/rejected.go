package rows

import (
	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/clickhouse"
)

// rejected builds the block of table rejected.
type rejected struct {
	clickhouse.Columns
	topic     string
	partition int32

	project, stage, reason, protocol, endpoint, source   *clickhouse.LowColumn
	srcTopic                                             *clickhouse.LowColumn
	receivedAt                                           *clickhouse.TimeColumn
	message, field, sentAt, clientIP, userAgent, context *clickhouse.StringColumn
	payload                                              *clickhouse.StringColumn
	receiptID                                            *clickhouse.UUIDColumn
	batchIndex                                           *clickhouse.UInt32Column
	headerNames                                          *clickhouse.ArrayColumn[*clickhouse.LowColumn]
	headerValues                                         *clickhouse.ArrayColumn[*clickhouse.StringColumn]
	originalBytes, srcOffset                             *clickhouse.UInt64Column
	srcPartition                                         *clickhouse.UInt16Column
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
	b.receiptID = c.UUID("receipt_id")
	b.protocol = c.Low("protocol")
	b.endpoint = c.Low("endpoint")
	b.source = c.Low("source")
	b.batchIndex = c.UInt32("batch_index")
	b.sentAt = c.Str("sent_at")
	b.clientIP = c.Str("client_ip")
	b.userAgent = c.Str("user_agent")
	b.headerNames = c.Lows("header_names")
	b.headerValues = c.Strs("header_values")
	b.context = c.Str("context")
	b.payload = c.Str("payload")
	b.originalBytes = c.UInt64("original_bytes")
	b.srcTopic = c.Low("src_topic")
	b.srcPartition = c.UInt16("src_partition")
	b.srcOffset = c.UInt64("src_offset")
	c.Complete()
	return b
}

// add appends the row of a rejected event: its bytes and the whole envelope, so
// that it can be sent again.
func (b *rejected) add(e *event.Enriched, src int64) {
	r := &e.Rejection
	b.project.Append(e.Project)
	b.receivedAt.Append(e.ReceivedAt)
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
	for _, h := range r.Raw.Headers {
		b.headerNames.Values.Append(h.Name)
		b.headerValues.Values.Append(h.Value)
	}
	b.headerNames.EndRow()
	b.headerValues.EndRow()
	b.context.AppendBytes(r.Raw.Context)
	b.payload.AppendBytes(r.Raw.Event)
	b.originalBytes.Append(r.Raw.OriginalBytes)
	b.srcTopic.Append(b.topic)
	b.srcPartition.Append(uint16(b.partition))
	b.srcOffset.Append(uint64(src))
}
