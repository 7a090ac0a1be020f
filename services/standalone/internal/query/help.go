package query

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Help writes the views of the family with their flags.
func (f Family) Help(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, o := range f.objects {
		_, _ = fmt.Fprintf(w, "%s: %s\n", o.FullName(), o.Summary) // Flush reports the errors
		for _, p := range o.Params {
			preset := "default " + fallback(p)
			if required(p) {
				preset = "needed, for instance " + p.Example
			}
			_, _ = fmt.Fprintf(w, "  --%s\t%s (%s)\n", flagOf(p.Name), p.Description, preset)
		}
		_, _ = fmt.Fprintln(w)
	}
	if len(f.objects) > 0 {
		_, _ = fmt.Fprintln(w, `Times: 30d (ago), 2026-10-01, 2026-10-01T08:30 (UTC), now. Spans: 30m, 14d, 3600 (seconds). Lists: a,b; a comma in a name is \,`)
		_, _ = fmt.Fprintln(w)
	}
	return w.Flush()
}

// CheckName refuses what cannot be the name of a view.
func CheckName(name string) error {
	if !identifier.MatchString(name) {
		return fmt.Errorf("want the name of a view: a lower-case letter, then letters, digits and _, at most 64, got %q", name)
	}
	return nil
}
