package report

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// The markers stand on lines of their own. What is between them is replaced.
const (
	begin = "<!-- bench: begin -->"
	end   = "<!-- bench: end -->"
)

// ErrMarkers says that a document does not have the two markers once each, in
// their order.
var ErrMarkers = errors.New("want the lines " + begin + " and " + end + ", once each")

// Insert replaces what is between the markers of a document.
func Insert(file, section string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read document: %w", err)
	}
	before, rest, ok1 := strings.Cut(string(text), begin+"\n")
	_, after, ok2 := strings.Cut(rest, end+"\n")
	if !ok1 || !ok2 || strings.Contains(after, begin) || strings.Contains(after, end) {
		return fmt.Errorf("insert into %s: %w", file, ErrMarkers)
	}
	document := before + begin + "\n" + strings.TrimRight(section, "\n") + "\n" + end + "\n" + after
	if err := os.WriteFile(file, []byte(document), 0o644); err != nil {
		return fmt.Errorf("write document: %w", err)
	}
	return nil
}
