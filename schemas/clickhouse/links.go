package clickhouse

// IdentityLinks returns the table that says why persons were unified: one row for
// each event that linked a device to a user, or an id given up to the new one.
func IdentityLinks() Table {
	return Table{database, "identity_links", []Column{
		{"project", typeLowString},
		{"device_person", typeUInt64},
		{"user_person", typeUInt64},
		{"device_id", typeString},
		{"user_id", typeString},
		{"type", typeLowString},
		{"version", typeUInt64},
		{"event_id", typeUUID},
		{"event_time", typeTime},
		{"received_at", typeTime},
		{"src_topic", typeLowString},
		{"src_partition", typeUInt16},
		{"src_offset", typeUInt64},
	}}
}
