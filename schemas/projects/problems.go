package projects

import (
	"fmt"
	"strings"
)

// Problem is one thing wrong with a projects file.
type Problem struct {
	// Line is the line of the file, from 1; 0 where no line is concerned.
	Line int
	// Path is the place in the file, such as "projects[1].limits.max_age"; empty
	// for the file as a whole.
	Path string
	// Message says what is wanted and what was found, never a write key.
	Message string
}

// String returns "line 3: path: message" without the parts that are missing.
func (p Problem) String() string {
	text := p.Message
	if p.Path != "" {
		text = p.Path + ": " + text
	}
	if p.Line > 0 {
		text = fmt.Sprintf("line %d: %s", p.Line, text)
	}
	return text
}

// Problems are all the problems of a file, in its order; never empty where it
// is returned as an error.
type Problems []Problem

// Error returns one problem a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}
