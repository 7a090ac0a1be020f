package clickhouse

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	clickhousego "github.com/ClickHouse/clickhouse-go/v2"
)

// Error is an answer to an insert that is not a success.
type Error struct {
	// Table is where the rows were to go.
	Table string
	// Code is ClickHouse's error number, 0 when the answer gave none.
	Code int
	// Status is the HTTP status.
	Status int
	// Message is what the server said. It may quote values of rows, which clients
	// have sent.
	Message string
}

// Error returns the numbers and the beginning of the message, on one line.
func (e *Error) Error() string {
	const most = 500
	message := e.Message
	if len(message) > most {
		message = message[:most] + "..."
	}
	message = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.TrimSpace(message))
	return fmt.Sprintf("clickhouse error %d (HTTP %d): %s", e.Code, e.Status, message)
}

// Class is what kind of trouble an error is: a closed list, fit for a metric's
// label.
type Class string

// The classes. The first four do not pass by waiting alone: somebody has to change
// the rows, the view, the schema or the rights. After all others the same block
// under the same token goes in when the trouble is over.
const (
	// ClassRows: a constraint or a type refuses values of the block. Nothing of
	// the block is stored, and never will be with these rows in it.
	ClassRows Class = "rows"
	// ClassView: a materialized view throws. The rows may be in the table already,
	// so none may be taken out of the block.
	ClassView Class = "view"
	// ClassSchema: the table, a column or a setting is not as this program expects.
	ClassSchema Class = "schema"
	// ClassAccess: user, password or rights are wrong.
	ClassAccess Class = "access"

	// ClassMemory: out of memory.
	ClassMemory Class = "memory"
	// ClassDisk: out of disk space.
	ClassDisk Class = "disk"
	// ClassReadOnly: the user, the table or the disk cannot be written to.
	ClassReadOnly Class = "read_only"
	// ClassBusy: too many parts, queries or connections, or a used-up quota.
	ClassBusy Class = "busy"
	// ClassSlow: no answer in time.
	ClassSlow Class = "slow"
	// ClassStopped: the server shuts down, or somebody cancelled the query.
	ClassStopped Class = "stopped"
	// ClassReplicas: Keeper or other replicas cannot be reached.
	ClassReplicas Class = "replicas"
	// ClassAway: nobody answers, or a proxy says that nobody does.
	ClassAway Class = "away"
	// ClassStranger: what answers is not ClickHouse.
	ClassStranger Class = "stranger"
	// ClassOther: everything else.
	ClassOther Class = "other"
)

// explanations follow the word "ClickHouse".
var explanations = map[Class]string{
	ClassRows:     "refuses rows",
	ClassView:     "has a view that throws",
	ClassSchema:   "has another schema than this version needs",
	ClassAccess:   "denies access",
	ClassMemory:   "is out of memory",
	ClassDisk:     "has a full disk",
	ClassReadOnly: "is read-only",
	ClassBusy:     "is overloaded",
	ClassSlow:     "does not answer in time",
	ClassStopped:  "stopped the query",
	ClassReplicas: "cannot reach its replicas",
	ClassAway:     "is unreachable",
	ClassStranger: "is not what answers at its address",
	ClassOther:    "reports an error",
}

// Explain says in a few plain words what is the matter, for health pages: "ClickHouse
// is out of memory". It quotes nothing of the server or of rows, except the error's
// number where the words say little. It is empty when err is nil.
func Explain(err error) string {
	if err == nil {
		return ""
	}
	class := ClassOf(err)
	text := "ClickHouse " + explanations[class]
	if e, ok := errors.AsType[*Error](err); ok && e.Table != "" {
		text += ", inserting into " + e.Table
	}
	if code := answerOf(err).code; code != 0 && class == ClassOther {
		text += fmt.Sprintf(" (code %d)", code)
	}
	return text
}

// Refused reports whether err says that the server will never take these rows: they
// have to be found and left out. Nothing of the block was stored.
func Refused(err error) bool { return ClassOf(err) == ClassRows }

// answer is what a server or a proxy said.
type answer struct {
	given   bool
	code    int
	status  int
	message string
}

// answerOf finds the answer in an error of an Inserter or of a connection of Open.
func answerOf(err error) answer {
	if insert, ok := errors.AsType[*Error](err); ok {
		return answer{true, insert.Code, insert.Status, insert.Message}
	}
	var a answer
	if http, ok := errors.AsType[*clickhousego.HTTPError](err); ok {
		a = answer{given: true, status: http.StatusCode}
	}
	if query, ok := errors.AsType[*clickhousego.Exception](err); ok {
		a.given, a.code, a.message = true, int(query.Code), query.Message
	}
	return a
}
