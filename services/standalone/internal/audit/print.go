package audit

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
)

// PrintJSON writes v as one indented JSON document.
func PrintJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

const sumsHeader = "ACCEPTED\tSTORED\tDUPLICATE\tREJECTED\tDROPPED\tLOST\tIN FLIGHT\tRESIDUAL\tUNCOUNTED\t"

func (s Sums) cells() string {
	var b strings.Builder
	for _, n := range []int64{s.Accepted, s.Stored, s.Duplicate, s.Rejected, s.Dropped, s.LostRetention, s.InFlight, s.Residual, s.Uncounted} {
		b.WriteString(strconv.FormatInt(n, 10))
		b.WriteByte('\t')
	}
	return b.String()
}

// projectName is how a project is shown: it came with an event.
func projectName(id string) string {
	if id == "" {
		return "(not told)"
	}
	if strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsGraphic(r) || r == ' ' }) {
		return strconv.Quote(id)
	}
	return id
}

// Print writes the report for a person: a table of the projects, and one of the
// minutes in which something is off.
func (r Report) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "PROJECT\t"+sumsHeader) // Flush reports the error
	var all Sums
	open := int64(0)
	for _, p := range r.Projects {
		_, _ = fmt.Fprintf(t, "%s\t%s\n", projectName(p.Project), p.cells())
		all.add(p.Sums)
		open += p.Open
	}
	_, _ = fmt.Fprintf(t, "all\t%s\n", all.cells())
	if len(r.Open) > 0 {
		_, _ = fmt.Fprintf(t, "\t\nPARTITION\tPROJECT\tMINUTE\tOFFSETS\t%s\n", sumsHeader)
		for _, l := range r.Open {
			_, _ = fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\n", l.Partition, projectName(l.Project), l.minute(), l.offsets(), l.cells())
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return r.verdict(w, open)
}

func (l Line) minute() string { return l.Minute.UTC().Format("2006-01-02T15:04Z") }

func (l Line) offsets() string {
	if l.MinOffset < 0 {
		return "-"
	}
	return fmt.Sprintf("%d-%d", l.MinOffset, l.MaxOffset)
}

func (r Report) verdict(w io.Writer, open int64) error {
	var b strings.Builder
	b.WriteByte('\n')
	if r.Closed {
		b.WriteString("The ledger closes: every accepted event has one outcome.\n")
	}
	if r.Pending > 0 {
		fmt.Fprintf(&b, "%d events that were accepted before this command have not landed yet.\n", r.Pending)
	}
	if open > 0 {
		fmt.Fprintf(&b, "The ledger does not close: something is missing or doubled in %d minutes of partitions", open)
		if int64(len(r.Open)) < open {
			fmt.Fprintf(&b, ", of which %d are shown", len(r.Open))
		}
		b.WriteString(".\n")
		for _, l := range r.Open {
			if l.MinOffset >= 0 {
				fmt.Fprintf(&b, "Which events, tells: touchline audit --deep %d %d --partition %d\n", l.MinOffset, l.MaxOffset, l.Partition)
				break
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Print writes the comparison for a person.
func (c Compared) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(c.Differences) > 0 {
		_, _ = fmt.Fprintln(t, "PARTITION\tOFFSET\tDIFFERENCE\tDETAIL") // Flush reports the error
	}
	for _, d := range c.Differences {
		_, _ = fmt.Fprintf(t, "%d\t%d\t%s\t%s\n", d.Partition, d.Offset, d.Kind, d.Detail)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if more := c.Differing - int64(len(c.Differences)); more > 0 {
		if _, err := fmt.Fprintf(w, "... and %d more\n", more); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d records compared, %d differ; %d have expired in the log, %d have not landed yet; the dense log repeats %d\n",
		c.Records, c.Differing, c.Expired, c.InFlight, c.Repeats)
	return err
}
