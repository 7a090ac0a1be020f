package query

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/definition"
)

// value returns the SQL of what was given for a parameter. Only a list may be given
// more than once.
func value(p schema.Param, texts []string) (string, error) {
	if element, ok := strings.CutPrefix(p.Type, "Array("); ok {
		return list(schema.Param{Name: p.Name, Type: strings.TrimSuffix(element, ")")}, texts)
	}
	if len(texts) > 1 {
		return "", errors.New("is given twice")
	}
	return scalar(p, texts[0])
}

// list reads a,b,c; a comma of a name is written as \, and a backslash as \\.
func list(element schema.Param, texts []string) (string, error) {
	elements := []string{}
	for _, text := range texts {
		for _, part := range splitList(text) {
			sql, err := scalar(element, part)
			if err != nil {
				return "", err
			}
			elements = append(elements, sql)
		}
	}
	return "[" + strings.Join(elements, ", ") + "]", nil
}

func splitList(text string) []string {
	if text == "" {
		return nil
	}
	parts := []string{""}
	escaped := false
	for _, r := range text {
		last := len(parts) - 1
		switch {
		case !escaped && r == '\\':
			escaped = true
			continue
		case !escaped && r == ',':
			parts = append(parts, "")
		default:
			parts[last] += string(r)
		}
		escaped = false
	}
	return parts
}

// Names is names in one text, as a list of a flag is written.
type Names []string

// UnmarshalText reads a,b,c; a comma of a name is written as \, and a backslash as \\.
func (n *Names) UnmarshalText(text []byte) error {
	*n = splitList(string(text))
	return nil
}

// MarshalText returns what UnmarshalText reads.
func (n Names) MarshalText() ([]byte, error) {
	escaped := make([]string, len(n))
	for i, name := range n {
		escaped[i] = strings.NewReplacer(`\`, `\\`, ",", `\,`).Replace(name)
	}
	return []byte(strings.Join(escaped, ",")), nil
}

var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

func scalar(p schema.Param, text string) (string, error) {
	switch {
	case strings.HasSuffix(p.Name, secondsSuffix):
		return seconds(text)
	case p.Type == "Identifier", p.Name == "by":
		if !identifier.MatchString(text) {
			return "", fmt.Errorf("want the name of a column, such as country, got %q", text)
		}
		return clickhouse.Literal(text), nil
	case p.Type == "String":
		return clickhouse.Literal(text), nil
	case p.Type == "Bool":
		b, err := strconv.ParseBool(text)
		if err != nil {
			return "", fmt.Errorf("want true or false, got %q", text)
		}
		return strconv.FormatBool(b), nil
	case p.Type == "Date", strings.HasPrefix(p.Type, "DateTime"):
		return definition.Moment(text, p.Type == "Date")
	case strings.HasPrefix(p.Type, "UInt"):
		if _, err := strconv.ParseUint(text, 10, 64); err != nil {
			return "", fmt.Errorf("want a number from 0, got %q", text)
		}
		return text, nil
	case strings.HasPrefix(p.Type, "Int"):
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return "", fmt.Errorf("want a whole number, got %q", text)
		}
		return strconv.FormatInt(n, 10), nil
	case strings.HasPrefix(p.Type, "Float"):
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n-n != 0 { // also infinite and not a number
			return "", fmt.Errorf("want a number, got %q", text)
		}
		return strconv.FormatFloat(n, 'g', -1, 64), nil
	}
	return "", fmt.Errorf("is of type %s, which the command line does not know", p.Type)
}

// seconds reads a time with a unit, or a bare number of seconds.
func seconds(text string) (string, error) {
	if n, err := strconv.ParseUint(text, 10, 63); err == nil {
		return strconv.FormatUint(n, 10), nil
	}
	n, ok := definition.Seconds(text)
	if !ok {
		return "", fmt.Errorf("want a time such as 30m, 14d or 3600 (seconds), got %q", text)
	}
	return strconv.FormatInt(n, 10), nil
}
