package query

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"touchline.dev/services/standalone/internal/terminal"
)

// Format is how rows are written.
type Format string

// The formats.
const (
	// Table is aligned columns for people.
	Table Format = "table"
	// CSV has a line of names first; times are ISO 8601 in UTC.
	CSV Format = "csv"
	// JSON is one object a line, its keys in the order of the columns. Decimals and
	// 64-bit integers are numbers.
	JSON Format = "json"
	// Markdown is a table as GitHub shows it.
	Markdown Format = "md"
)

// Formats returns all formats.
func Formats() []Format { return []Format{Table, CSV, JSON, Markdown} }

// UnmarshalText reads the name of a format.
func (f *Format) UnmarshalText(text []byte) error {
	if !slices.Contains(Formats(), Format(text)) {
		return errors.New("want table, csv, json or md")
	}
	*f = Format(text)
	return nil
}

// MarshalText returns the name of the format.
func (f Format) MarshalText() ([]byte, error) { return []byte(f), nil }

// Output says how and where to write.
type Output struct {
	Format Format
	// Colour colours tables.
	Colour bool
	// Width is the columns of a line of the terminal; 0 = as many as a table takes.
	Width int
	// Terminal is set where a person reads what is written, so that control characters
	// are not passed on in any format.
	Terminal bool
}

// Write writes the rows.
func (r Result) Write(w io.Writer, o Output) error {
	var err error
	switch o.Format {
	case CSV:
		err = r.csv(w, o.Terminal)
	case JSON:
		err = r.json(w, o.Terminal)
	case Markdown:
		err = r.markdown(w)
	default:
		_, err = io.WriteString(w, r.table(o))
	}
	if err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	return nil
}

func (r Result) table(o Output) string {
	var b strings.Builder
	var left []string
	for i, t := range r.layout(o.Width) {
		if i > 0 {
			b.WriteString("\n")
		}
		for _, title := range t.Write(&b, terminal.Style{Colour: o.Colour, Width: o.Width}) {
			if !slices.Contains(left, title) {
				left = append(left, title)
			}
		}
	}
	const told = 6
	if n := len(left) - told; n > 1 {
		left = append(left[:told], fmt.Sprintf("%d more", n))
	}
	if len(left) > 0 {
		fmt.Fprintf(&b, "\n  left out to fit %d columns: %s; --columns a,b chooses, --format csv has all\n", o.Width, strings.Join(left, ", "))
	}
	return b.String()
}

func (r Result) csv(w io.Writer, seen bool) error {
	out := csv.NewWriter(w)
	line := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		line[i] = c.Name
	}
	err := out.Write(line)
	for _, row := range r.Rows {
		for i, v := range row {
			line[i] = r.Columns[i].raw(v)
			if seen {
				line[i] = terminal.Printable(line[i])
			}
		}
		err = errors.Join(err, out.Write(line))
	}
	out.Flush()
	return errors.Join(err, out.Error())
}

func (r Result) json(w io.Writer, seen bool) error {
	out := bufio.NewWriter(w)
	names := make([][]byte, len(r.Columns))
	for i, c := range r.Columns {
		name, err := json.Marshal(c.Name)
		if err != nil {
			return err
		}
		names[i] = name
	}
	for _, row := range r.Rows {
		separator := byte('{')
		for i, v := range row {
			value, err := r.Columns[i].json(v)
			if err != nil {
				return err
			}
			if seen {
				value = escapeJSON(value)
			}
			_ = out.WriteByte(separator) // Flush reports the errors
			_, _ = out.Write(names[i])
			_ = out.WriteByte(':')
			_, _ = out.Write(value)
			separator = ','
		}
		_, _ = out.WriteString("}\n")
	}
	return out.Flush()
}

func (c Column) json(v any) ([]byte, error) {
	switch x := v.(type) {
	case nil, bool, int64, string:
		return json.Marshal(x)
	case float64:
		if x-x != 0 {
			return []byte("null"), nil // JSON has no infinity and no NaN
		}
		return json.Marshal(x)
	case time.Time:
		return json.Marshal(c.raw(x))
	}
	if strings.Contains(c.Type, "Decimal") {
		return []byte(c.raw(v)), nil
	}
	if _, ok := v.(fmt.Stringer); ok {
		return json.Marshal(c.raw(v))
	}
	return json.Marshal(v)
}

// escapeJSON writes what a terminal must not get as escapes of JSON.
func escapeJSON(value []byte) []byte {
	var b []byte
	for _, r := range string(value) {
		if terminal.Printable(string(r)) == string(r) {
			b = utf8.AppendRune(b, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			b = fmt.Appendf(b, `\u%04x`, unit)
		}
	}
	return b
}

func (r Result) markdown(w io.Writer) error {
	var b strings.Builder
	var rule strings.Builder
	for _, c := range r.Columns {
		b.WriteString("| " + c.Name + " ")
		if c.right() {
			rule.WriteString("| ---: ")
		} else {
			rule.WriteString("| --- ")
		}
	}
	b.WriteString("|\n" + rule.String() + "|\n")
	for _, row := range r.Rows {
		for i, v := range row {
			b.WriteString("| " + escapeMarkdown(r.Columns[i].pretty(v)) + " ")
		}
		b.WriteString("|\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// escapeMarkdown keeps a text from ending its cell or being taken for markup.
func escapeMarkdown(s string) string {
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", "&", "&amp;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`).Replace(s)
}
