package query

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	schema "touchline.dev/schemas/clickhouse"
)

// Help writes what the views of the family answer, and each of their flags once, with
// those that only some of them take.
func (f Family) Help(out io.Writer) error {
	if f.Empty() {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, o := range f.objects {
		_, _ = fmt.Fprintf(w, "%s\t%s\n", o.Name, o.Summary) // Flush reports the errors
	}
	var known []string
	for _, o := range f.objects {
		for _, p := range o.Params {
			if slices.Contains(known, p.Name) {
				continue
			}
			if len(known) == 0 {
				_, _ = fmt.Fprintln(w)
			}
			known = append(known, p.Name)
			_, _ = fmt.Fprintf(w, "  --%s\t%s (%s)%s\n", flagOf(p.Name), p.Description, preset(p), f.only(p.Name))
		}
	}
	if len(known) > 0 {
		_, _ = fmt.Fprintln(w, "\n"+`Times: 30d (ago), 2026-10-01, 2026-10-01T08:30 (UTC), now. Spans: 30m, 14d, 3600 (seconds). Lists: a,b; a comma in a name is \,`)
	}
	_, _ = fmt.Fprintln(w)
	return w.Flush()
}

// only names the views that take a parameter, nothing where all do.
func (f Family) only(param string) string {
	var of []string
	for _, o := range f.objects {
		if takes(o, param) {
			of = append(of, o.Name)
		}
	}
	if len(of) == len(f.objects) {
		return ""
	}
	return " [" + strings.Join(of, ", ") + "]"
}

func preset(p schema.Param) string {
	if required(p) {
		return "needed, for instance " + written(p)
	}
	p.Example = fallback(p)
	if text := written(p); text != "''" {
		return "default " + text
	}
	return "default: any"
}

// written returns the example of a parameter as the flag takes it.
func written(p schema.Param) string {
	text := p.Example
	if list, ok := strings.CutPrefix(text, "["); ok {
		text = strings.ReplaceAll(strings.TrimSuffix(list, "]"), "', '", ",")
		text = strings.ReplaceAll(strings.Trim(text, "'"), ", ", ",")
		return quotedWord(text)
	}
	if ago, ok := strings.CutPrefix(text, "now64(3, 'UTC') - INTERVAL "); ok {
		return strings.TrimSuffix(ago, " DAY") + "d"
	}
	if ago, ok := strings.CutPrefix(text, "today() - "); ok {
		return ago + "d"
	}
	switch text {
	case "now64(3, 'UTC')":
		return "now"
	case "today()":
		return "today"
	case "today() + 1":
		return "tomorrow"
	}
	if seconds, err := strconv.Atoi(text); err == nil && strings.HasSuffix(p.Name, secondsSuffix) {
		return span(seconds)
	}
	return quotedWord(strings.Trim(text, "'"))
}

// quotedWord returns a text as one word of a shell.
func quotedWord(text string) string {
	if text != "" && strings.IndexFunc(text, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_.,:/-", r))
	}) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// span writes seconds in the largest unit that divides them.
func span(seconds int) string {
	for _, unit := range []struct {
		letter  string
		seconds int
	}{{"d", 86400}, {"h", 3600}, {"m", 60}} {
		if seconds > 0 && seconds%unit.seconds == 0 {
			return strconv.Itoa(seconds/unit.seconds) + unit.letter
		}
	}
	return strconv.Itoa(seconds)
}

// CheckName refuses what cannot be the name of a view.
func CheckName(name string) error {
	if !identifier.MatchString(name) {
		return fmt.Errorf("want the name of a view: a lower-case letter, then letters, digits and _, at most 64, got %.80q", name)
	}
	return nil
}
