package touchpoints30

import (
	"strings"

	schema "touchline.dev/schemas/clickhouse"
)

const (
	lowCardinality = "LowCardinality(String)"
	text           = "String"
	number         = "UInt64"
	id             = "UUID"
	milliseconds   = "DateTime64(3, 'UTC')"
	money          = "Decimal(18, 4)"
)

// Table returns the name and the columns.
func Table() schema.Table {
	return schema.Table{Database: "bench", Name: "touchpoints30", Columns: []schema.Column{
		{Name: "project", Type: lowCardinality},
		{Name: "event", Type: lowCardinality},
		{Name: "person_id", Type: number},
		{Name: "event_time", Type: milliseconds},
		{Name: "event_id", Type: id},
		{Name: "receipt_id", Type: id},
		{Name: "message_id", Type: text},
		{Name: "type", Type: lowCardinality},
		{Name: "source", Type: lowCardinality},
		{Name: "anonymous_id", Type: text},
		{Name: "user_id", Type: text},
		{Name: "session_id", Type: number},
		{Name: "received_at", Type: milliseconds},
		{Name: "url", Type: text},
		{Name: "page_title", Type: text},
		{Name: "referrer", Type: text},
		{Name: "utm_source", Type: lowCardinality},
		{Name: "utm_campaign", Type: lowCardinality},
		{Name: "device_type", Type: lowCardinality},
		{Name: "os", Type: lowCardinality},
		{Name: "browser", Type: lowCardinality},
		{Name: "browser_version", Type: text},
		{Name: "locale", Type: lowCardinality},
		{Name: "library", Type: lowCardinality},
		{Name: "ip", Type: text},
		{Name: "country", Type: lowCardinality},
		{Name: "revenue", Type: money},
		{Name: "properties", Type: text},
		{Name: "context", Type: text},
		{Name: "src_offset", Type: number},
	}}
}

// Create returns the statement that makes the table.
func Create() string {
	var s strings.Builder
	table := Table()
	s.WriteString("CREATE TABLE " + table.FullName() + " (")
	for i, c := range table.Columns {
		if i > 0 {
			s.WriteString(", ")
		}
		s.WriteString(c.Name + " " + c.Type)
	}
	s.WriteString(") ENGINE = MergeTree PARTITION BY toYYYYMM(event_time) ORDER BY (project, event, person_id, event_time)" +
		" SETTINGS non_replicated_deduplication_window = 100000")
	return s.String()
}
