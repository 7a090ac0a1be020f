package reset

import (
	"fmt"
	"io"
	"strings"
)

// Print says what the plan found, in plain words. With a group only what concerns
// that.
func (p Plan) Print(w io.Writer, group string) error {
	var b strings.Builder
	for _, f := range p.Findings {
		if group != "" && f.Group != group {
			continue
		}
		fmt.Fprintf(&b, "%s %s[%d]: %s", f.Group, f.Topic, f.Partition, f.Committed)
		if f.Write == nil && len(f.Wrong) == 0 {
			b.WriteString("; as it should be\n")
			continue
		}
		b.WriteByte('\n')
		for _, wrong := range f.Wrong {
			fmt.Fprintf(&b, "  wrong: %s\n", wrong)
		}
		if f.Write != nil {
			fmt.Fprintf(&b, "  write: %s\n", f.Write)
		}
		for _, cost := range f.Cost {
			fmt.Fprintf(&b, "  cost:  %s\n", cost)
		}
	}
	for _, name := range p.Remake {
		fmt.Fprintf(&b, "%s\n  write: delete it and make it again\n", name)
	}
	for name, id := range p.Note {
		fmt.Fprintf(&b, "%s\n  write: let ClickHouse know its id %s\n", name, id)
	}
	for _, cost := range p.Cost {
		fmt.Fprintf(&b, "cost: %s\n", cost)
	}
	for _, why := range p.Refused {
		fmt.Fprintf(&b, "refused: %s\n", why)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// String says what was committed.
func (c Commit) String() string {
	switch {
	case c.Offset == None:
		return "nothing is committed"
	case c.Unreadable != "":
		return fmt.Sprintf("offset %d is committed", c.Offset)
	}
	return fmt.Sprintf("offset %d is committed%s", c.Offset, marks(c.State.Mark, c.State.Pending != nil))
}

func marks(mark int64, pending bool) string {
	text := ""
	if mark != None {
		text = fmt.Sprintf(", raw offset %d was taken last", mark)
	}
	if pending {
		text += ", a chunk is about to be inserted"
	}
	return text
}

// String says from where a group would go on.
func (w Write) String() string {
	text := fmt.Sprintf("offset %d%s", w.Offset, marks(w.State.Mark, w.State.Pending != nil))
	if t := w.State.Turn; t != nil {
		text += fmt.Sprintf("; from offset %d on, records answer the raw log as it is now, behind raw offset %d", t.At, t.Mark)
	}
	if w.State.Rebuild {
		text += "; state is made again"
	}
	return text
}
