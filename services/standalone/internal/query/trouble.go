package query

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	clickhousego "github.com/ClickHouse/clickhouse-go/v2"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/standalone/internal/terminal"
)

// Error numbers of ClickHouse.
const (
	unknownColumn   = 47
	unknownTable    = 60
	timeout         = 159
	tooMuchMemory   = 241
	guard           = 395
	tooManyRows     = 396
	quotaExceeded   = 201
	accessDenied    = 497
	wrongPassword   = 516
	tooManyRead     = 158
	unknownFunction = 46
)

// Problem is an error of the server in plain words. It wraps the error.
type Problem struct {
	// Text says what is the matter and, where somebody can do something about it, what.
	Text string
	err  error
}

// Error returns the text.
func (p *Problem) Error() string { return p.Text }

// Unwrap returns what the server or the network said.
func (p *Problem) Unwrap() error { return p.err }

// said is where ClickHouse's messages go on after the sentence that matters.
var said = regexp.MustCompile(`(?s)^(?:Code: \d+\. )?(?:DB::Exception: )?(.*?)(?:: while executing|: While executing|: In scope|\. \(|: while converting|, while|\(version |: Error while|: (?:while|While) processing|$)`)

var quoted = regexp.MustCompile("[`']([^`']{1,100})[`']")

// Trouble says in plain words what an error of a query means.
func Trouble(err error) error {
	e, ok := errors.AsType[*clickhousego.Exception](err)
	if !ok {
		return &Problem{clickhouse.Explain(err), err}
	}
	text := terminal.Printable(said.FindStringSubmatch(e.Message)[1])
	text = terminal.Fit(text, 400)
	name := ""
	if m := quoted.FindStringSubmatch(e.Message); m != nil {
		name = " " + terminal.Printable(m[1])
	}
	switch e.Code {
	case guard:
		// Ours: "steps: want 1 to 10 events".
	case unknownColumn:
		if column, ok := strings.CutPrefix(name, " by."); ok { // how the views ask for it
			text = "by: there is no column " + column + " to break down by"
			break
		}
		text = "there is no column" + strings.Replace(name, " e.", " ", 1) + " to read or to break down by"
	case unknownTable, unknownFunction:
		text = "there is no such view in this database" + suffix(name) + "; touchline query lists them, touchline migrate brings what is missing"
	case timeout:
		text = "stopped at the limit of time (max_execution_time): " + text + "; ask for a shorter range"
	case tooMuchMemory:
		text = "stopped at the limit of memory (max_memory_usage): ask for a shorter range"
	case tooManyRows, tooManyRead:
		text = "stopped at the limit of rows (max_result_rows): ask for a shorter range, or for fewer rows with --limit"
	case quotaExceeded:
		text = "the quota of this user is used up: " + text
	case wrongPassword:
		text = "user or password is wrong"
	case accessDenied:
		text = "this user may not ask that: " + text
	default:
		text = fmt.Sprintf("ClickHouse refuses the question (code %d): %s", e.Code, text)
	}
	return &Problem{strings.TrimSpace(text), err}
}

func suffix(name string) string {
	if name == "" {
		return ""
	}
	return ":" + name
}
