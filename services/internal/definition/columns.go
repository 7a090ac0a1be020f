package definition

import (
	"slices"

	"touchline.dev/services/internal/clickhouse"
)

// columns are the columns of touchline.events that a definition may name: those that
// hold a text, "" = not set.
func columns() []string {
	return []string{
		"event", "kind", "type", "name",
		"channel", "acquisition_channel", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term",
		"source", "protocol", "device_type", "os", "browser", "country", "region", "city", "locale", "app_version", "library",
		"url_host", "url_path", "page", "page_title", "referrer_host",
		"group_id", "user_id", "anonymous_id", "currency", "order_id",
	}
}

// revenue is the one column that holds a number.
const revenue = "revenue"

func isColumn(name string) bool { return slices.Contains(columns(), name) }

// propertyText is the SQL of a property of the event as text: a JSON string without its
// quotes, anything else as it is written; "" when it is missing or null.
func propertyText(name string) string {
	p := clickhouse.Literal(name)
	return "multiIf(JSONType(e.properties, " + p + ") = 'String', JSONExtractString(e.properties, " + p +
		"), JSONType(e.properties, " + p + ") = 'Null', '', JSONExtractRaw(e.properties, " + p + "))"
}

// Value names a value of an event: a column, or a property.
type Value struct {
	Column   string `yaml:"column" doc:"A column of touchline.events."`
	Property string `yaml:"property" doc:"A property of the event, by its name at the top level."`
}

// text is the SQL of the value as text.
func (v Value) text() string {
	if v.Property != "" {
		return propertyText(v.Property)
	}
	return "toString(e." + v.Column + ")"
}

// label is the name that people know the value by.
func (v Value) label() string {
	if v.Property != "" {
		return v.Property
	}
	return v.Column
}

// maxName bounds names and texts of a definition, in bytes.
const maxName = 1000

// check reports what is wrong with the value, at the path of its keys.
func (v Value) check(path string, add func(path, format string, args ...any)) {
	switch {
	case v.Column != "" && v.Property != "":
		add(path, "want a column or a property, not both")
	case v.Column == "" && v.Property == "":
		add(path, "want a column or a property")
	case len(v.Property) > maxName:
		add(path+".property", "want at most %d bytes", maxName)
	case v.Column != "" && !isColumn(v.Column):
		add(path+".column", "there is no column %.60q to use here; want one of %v", v.Column, columns())
	}
}
