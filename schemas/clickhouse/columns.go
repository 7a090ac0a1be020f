package clickhouse

// Column is a column that a service writes: its name and its ClickHouse type, as
// system.columns shows them.
type Column struct{ Name, Type string }

// Table is a table that a service lands blocks in.
type Table struct {
	// Database and Name are the two halves of the table's name.
	Database, Name string
	// Columns are those of an insert, in order. Columns that the server fills
	// itself (DEFAULT, MATERIALIZED, ALIAS) are not among them.
	Columns []Column
}

// FullName returns the name as SQL writes it: database, dot, table.
func (t Table) FullName() string { return t.Database + "." + t.Name }

// Types of columns, in ClickHouse's spelling.
const (
	typeLowString   = "LowCardinality(String)"
	typeString      = "String"
	typeTime        = "DateTime64(3, 'UTC')"
	typeDate        = "Date"
	typeSeconds     = "DateTime('UTC')"
	typeUUID        = "UUID"
	typeBool        = "Bool"
	typeInt64       = "Int64"
	typeUInt16      = "UInt16"
	typeUInt32      = "UInt32"
	typeUInt64      = "UInt64"
	typeFloat64     = "Float64"
	typeMoney       = "Decimal(18, 4)"
	typeLowStrings  = "Array(LowCardinality(String))"
	typeStrings     = "Array(String)"
	typeFloats      = "Array(Float64)"
	typeTimeSource  = "Enum8('client' = 1, 'corrected' = 2, 'receipt' = 3, 'clamped' = 4)"
	typeSchemaState = "Enum8('none' = 0, 'valid' = 1, 'invalid' = 2, 'unknown' = 3)"
)

// database holds the tables that services write and analytics views read.
const database = "touchline"

// Touchpoints returns the table that holds one row per stored event. Meaning and
// units of each column are its COMMENT in the migration.
func Touchpoints() Table {
	return Table{database, "touchpoints", []Column{
		{"project", typeLowString},
		{"event", typeLowString},
		{"person_id", typeUInt64},
		{"event_time", typeTime},
		{"event_id", typeUUID},
		{"message_id", typeString},
		{"receipt_id", typeUUID},
		{"type", typeLowString},
		{"name", typeString},
		{"kind", typeLowString},
		{"channel", typeLowString},
		{"source", typeLowString},
		{"protocol", typeLowString},
		{"anonymous_id", typeString},
		{"user_id", typeString},
		{"previous_id", typeString},
		{"group_id", typeString},
		{"group_type", typeLowString},
		{"session_id", typeUInt64},
		{"day", typeDate},
		{"has_original_timestamp", typeBool},
		{"shift_ms", typeInt64},
		{"received_at", typeTime},
		{"has_sent_at", typeBool},
		{"skew_ms", typeInt64},
		{"time_source", typeTimeSource},
		{"url_origin", typeLowString},
		{"url_path", typeString},
		{"url_query", typeString},
		{"page_title", typeString},
		{"referrer_origin", typeLowString},
		{"referrer_path", typeString},
		{"acquisition_channel", typeLowString},
		{"utm_source", typeLowString},
		{"utm_medium", typeLowString},
		{"utm_campaign", typeLowString},
		{"utm_content", typeLowString},
		{"utm_term", typeLowString},
		{"click_id_name", typeLowString},
		{"click_id", typeString},
		{"device_type", typeLowString},
		{"os", typeLowString},
		{"os_version", typeLowString},
		{"browser", typeLowString},
		{"browser_version", typeLowString},
		{"app_version", typeLowString},
		{"locale", typeLowString},
		{"timezone", typeLowString},
		{"ip", typeString},
		{"library", typeLowString},
		{"library_version", typeLowString},
		{"is_bot", typeBool},
		{"bot_reasons", typeLowStrings},
		{"country", typeLowString},
		{"region", typeLowString},
		{"city", typeLowString},
		{"revenue", typeMoney},
		{"currency", typeLowString},
		{"order_id", typeString},
		{"consent", typeLowString},
		{"properties", typeString},
		{"traits", typeString},
		{"context", typeString},
		{"schema_status", typeSchemaState},
		{"enrichment_version", typeUInt32},
		{"src_topic", typeLowString},
		{"src_partition", typeUInt16},
		{"src_offset", typeUInt64},
	}}
}

// Rejected returns the table that keeps unusable events as they came: the bytes
// and the whole envelope, enough to send one again.
func Rejected() Table {
	return Table{database, "rejected", []Column{
		{"project", typeLowString},
		{"received_at", typeTime},
		{"stage", typeLowString},
		{"reason", typeLowString},
		{"message", typeString},
		{"field", typeString},
		{"receipt_id", typeUUID},
		{"protocol", typeLowString},
		{"endpoint", typeLowString},
		{"source", typeLowString},
		{"batch_index", typeUInt32},
		{"sent_at", typeString},
		{"client_ip", typeString},
		{"user_agent", typeString},
		{"header_names", typeLowStrings},
		{"header_values", typeStrings},
		{"context", typeString},
		{"payload", typeString},
		{"original_bytes", typeUInt64},
		{"src_topic", typeLowString},
		{"src_partition", typeUInt16},
		{"src_offset", typeUInt64},
	}}
}

// Outcomes returns the table that says what became of the raw records of each
// chunk. A chunk's rows are inserted after all its other blocks.
func Outcomes() Table {
	return Table{database, "outcomes", []Column{
		{"src_topic", typeLowString},
		{"src_partition", typeUInt16},
		{"project", typeLowString},
		{"minute", typeSeconds},
		{"outcome", typeLowString},
		{"reason", typeLowString},
		{"events", typeUInt64},
		{"min_offset", typeUInt64},
		{"max_offset", typeUInt64},
		{"mark", typeInt64},
		{"cut", typeInt64},
	}}
}

// Profiles returns the table that holds each person's state; of several versions
// of a person the highest counts.
func Profiles() Table {
	return Table{database, "profiles", []Column{
		{"project", typeLowString},
		{"person_id", typeUInt64},
		{"version", typeUInt64},
		{"as_of", typeTime},
		{"user_id", typeString},
		{"email", typeString},
		{"name", typeString},
		{"company", typeString},
		{"role", typeString},
		{"country", typeLowString},
		{"stage", typeLowString},
		{"stage_since", typeTime},
		{"first_channel", typeLowString},
		{"first_campaign", typeString},
		{"first_seen", typeTime},
		{"last_seen", typeTime},
		{"events", typeUInt64},
		{"orders", typeUInt64},
		{"revenue", typeMoney},
		{"currency", typeLowString},
	}}
}

// Scores returns the table that holds each person's score by model; of several
// versions the highest counts.
func Scores() Table {
	return Table{database, "scores", []Column{
		{"project", typeLowString},
		{"model", typeLowString},
		{"person_id", typeUInt64},
		{"version", typeUInt64},
		{"as_of", typeTime},
		{"model_version", typeUInt32},
		{"score", typeFloat64},
		{"grade", typeLowString},
		{"reason_features", typeLowStrings},
		{"reason_contributions", typeFloats},
	}}
}

// Landed returns every table that a service lands blocks in.
func Landed() []Table {
	return []Table{Touchpoints(), Rejected(), IdentityLinks(), Outcomes(), Profiles(), Scores()}
}
