package clickhouse_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/proto"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
)

// Messages as the server wrote them.
func TestClassOf_anAnswer(t *testing.T) {
	for _, c := range []struct {
		code, status int
		message      string
		want         clickhouse.Class
	}{
		{469, 500, "Code: 469. DB::Exception: Constraint `has_project` for table touchline.touchpoints is violated at row 1.", clickhouse.ClassRows},
		{6, 400, "Code: 6. DB::Exception: Cannot parse string 'x' as UInt64", clickhouse.ClassRows},
		{691, 500, "Code: 691. DB::Exception: Unknown element 'x' for enum", clickhouse.ClassRows},
		{395, 500, "Code: 395. DB::Exception: Value passed to 'throwIf' function is non-zero: while pushing to view default.v.", clickhouse.ClassView},
		{469, 500, "Code: 469. DB::Exception: Constraint `c` for table t is violated at row 1: while pushing to view default.v.", clickhouse.ClassView},
		{60, 404, "Code: 60. DB::Exception: Table default.t does not exist: while pushing to view default.v.", clickhouse.ClassView},
		{49, 500, "Code: 49. DB::Exception: Logical error: while pushing to view default.v.", clickhouse.ClassView},
		{241, 500, "Code: 241. DB::Exception: Query memory limit exceeded: while pushing to view default.v.", clickhouse.ClassMemory},
		{243, 500, "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space: while pushing to view touchline.person_days_mv.", clickhouse.ClassDisk},
		{497, 403, "Code: 497. DB::Exception: Not enough privileges: while pushing to view default.v.", clickhouse.ClassAccess},
		{75, 500, "Code: 75. DB::ErrnoException: Cannot write to file: , errno: 28, strerror: No space left on device.", clickhouse.ClassDisk},
		{1001, 500, "Code: 1001. DB::Exception: std::__1::__fs::filesystem::filesystem_error: filesystem error: in create_directories: Read-only file system", clickhouse.ClassReadOnly},
		{252, 500, "Code: 252. DB::Exception: Too many parts (3000 with average size of 324.00 B) in table 'default.t'. Merges are processing significantly slower than inserts.", clickhouse.ClassBusy},
		{252, 500, "Code: 252. DB::Exception: Too many partitions for single INSERT block (more than 100).", clickhouse.ClassOther},
		{164, 500, "Code: 164. DB::Exception: writer: Cannot execute query in readonly mode.", clickhouse.ClassReadOnly},
		{242, 500, "Code: 242. DB::Exception: Table is in readonly mode", clickhouse.ClassReadOnly},
		{159, 408, "Code: 159. DB::Exception: Timeout exceeded", clickhouse.ClassSlow},
		{160, 408, "Code: 160. DB::Exception: Estimated query execution time is too long", clickhouse.ClassSlow},
		{202, 500, "Code: 202. DB::Exception: Too many simultaneous queries.", clickhouse.ClassBusy},
		{201, 500, "Code: 201. DB::Exception: Quota for user has been exceeded", clickhouse.ClassBusy},
		{236, 500, "Code: 236. DB::Exception: Server is shutting down", clickhouse.ClassStopped},
		{999, 500, "Code: 999. Coordination::Exception: Session expired", clickhouse.ClassReplicas},
		{60, 404, "Code: 60. DB::Exception: Table default.t does not exist.", clickhouse.ClassSchema},
		{516, 403, "Code: 516. DB::Exception: writer: Authentication failed", clickhouse.ClassAccess},
		// What a client has sent does not choose the class.
		{469, 500, `Code: 469. DB::Exception: Constraint c is violated at row 1. Column values: user_id = 'a\': while pushing to view b. No space left on device'.`, clickhouse.ClassRows},
		{469, 500, `Code: 469. DB::Exception: Constraint c is violated at row 1. Column values: user_id = 'x': while pushing to view b.`, clickhouse.ClassView},
		{469, 500, "Code: 469. DB::Exception: " + strings.Repeat("x", 100_000) + ": while pushing to view b.", clickhouse.ClassView},
		// A body that was cut on its way is no fault of its rows.
		{33, 500, "Code: 33. DB::Exception: Cannot read all data", clickhouse.ClassOther},
		{32, 500, "Code: 32. DB::Exception: Attempt to read after eof", clickhouse.ClassOther},
		{32, 500, "Code: 32. DB::Exception: Attempt to read after eof: Cannot parse UInt16 from String, because value is too short: while converting column \"v\" from type String to type UInt16: While executing Native.", clickhouse.ClassRows},
		{49, 500, "Code: 49. DB::Exception: Logical error", clickhouse.ClassOther},
		{123456, 500, "Code: 123456. DB::Exception: Something new", clickhouse.ClassOther},
		{0, 500, "", clickhouse.ClassAway},
		{0, 502, "<html>Bad Gateway</html>", clickhouse.ClassAway},
		{0, 503, "upstream connect error", clickhouse.ClassAway},
		{0, 504, "", clickhouse.ClassSlow},
		{0, 429, "", clickhouse.ClassBusy},
		{0, 413, "Request Entity Too Large", clickhouse.ClassStranger},
		{0, 200, "hello", clickhouse.ClassStranger},
	} {
		err := fmt.Errorf("insert: %w", &clickhouse.Error{Table: "t", Code: c.code, Status: c.status, Message: c.message})
		if got := clickhouse.ClassOf(err); got != c.want {
			t.Errorf("code %d %q is %q, want %q", c.code, c.message, got, c.want)
		}
		if refused := clickhouse.Refused(err); refused != (c.want == clickhouse.ClassRows) {
			t.Errorf("code %d %q: refused %v", c.code, c.message, refused)
		}
	}
}

func TestError_isOneShortLine(t *testing.T) {
	err := &clickhouse.Error{Code: 469, Status: 500, Message: "Code: 469.\n\x1b[31m" + strings.Repeat("ü", 1000)}
	if text := err.Error(); len(text) > 600 || strings.ContainsAny(text, "\n\x1b") || !strings.HasPrefix(text, "clickhouse error 469 (HTTP 500): Code: 469.") {
		t.Errorf("%q", text)
	}
}

func TestClassOf_noAnswer(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for _, c := range []struct {
		err  error
		want clickhouse.Class
	}{
		{nil, ""},
		{fmt.Errorf("insert: %w", refused), clickhouse.ClassAway},
		{&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, clickhouse.ClassAway},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, clickhouse.ClassAway},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, clickhouse.ClassSlow},
		{fmt.Errorf("insert: %w", context.DeadlineExceeded), clickhouse.ClassSlow},
		{errors.New("EOF"), clickhouse.ClassAway},
	} {
		if got := clickhouse.ClassOf(c.err); got != c.want {
			t.Errorf("%v is %q, want %q", c.err, got, c.want)
		}
	}
	if clickhouse.Refused(nil) || clickhouse.Explain(nil) != "" {
		t.Error("no error is refused or explained")
	}
}

func TestExplain_quotesNothing(t *testing.T) {
	for code, want := range map[int]string{
		241:  "ClickHouse is out of memory, inserting into touchline.touchpoints",
		243:  "ClickHouse has a full disk, inserting into touchline.touchpoints",
		469:  "ClickHouse refuses rows, inserting into touchline.touchpoints",
		1002: "ClickHouse reports an error, inserting into touchline.touchpoints (code 1002)",
	} {
		err := &clickhouse.Error{Table: "touchline.touchpoints", Code: code, Status: 500, Message: "row 1: user_id = 'jane@example.org'"}
		if got := clickhouse.Explain(fmt.Errorf("insert: %w", err)); got != want {
			t.Errorf("explained %q, want %q", got, want)
		}
	}
	if got, want := clickhouse.Explain(&net.OpError{Op: "dial", Err: errors.New("refused")}), "ClickHouse is unreachable"; got != want {
		t.Errorf("explained %q, want %q", got, want)
	}
}

// The numbers stand for the names beside them, and every class is explained.
func TestClasses_areThoseOfTheServer(t *testing.T) {
	conn := clickhousetest.Conn(t)
	source, err := os.ReadFile("classify.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^\t(\d+): +Class\w+, +// (\w+)$`).FindAllStringSubmatch(string(source), -1)
	if len(lines) < 80 {
		t.Fatalf("found %d numbers in the source", len(lines))
	}
	for _, line := range lines {
		var name string
		if err := conn.QueryRow(t.Context(), "SELECT errorCodeToName(toInt32("+line[1]+"))").Scan(&name); err != nil {
			t.Fatal(err)
		}
		if name != line[2] {
			t.Errorf("%s is %s, not %s", line[1], name, line[2])
		}
		var code int
		if _, err := fmt.Sscan(line[1], &code); err != nil {
			t.Fatal(err)
		}
		if got := clickhouse.Explain(&clickhouse.Error{Code: code, Status: 500}); !strings.HasPrefix(got, "ClickHouse ") || got == "ClickHouse " {
			t.Errorf("%s is explained as %q", line[2], got)
		}
	}
}

// Whatever else answers at the address has not stored the rows.
func TestInsert_onlyClickHouseSucceeds(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   clickhouse.Class
	}{
		"empty page": {func(http.ResponseWriter, *http.Request) {}, clickhouse.ClassStranger},
		"greeting":   {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "It works!") }, clickhouse.ClassStranger},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/login", http.StatusTemporaryRedirect)
		}, clickhouse.ClassStranger},
		"gateway":         {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, clickhouse.ClassAway},
		"gateway timeout": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(504) }, clickhouse.ClassSlow},
		"error after the headers": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-ClickHouse-Query-Id", "1")
			fmt.Fprint(w, "Code: 241. DB::Exception: Memory limit (total) exceeded")
		}, clickhouse.ClassMemory},
		"cut off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, clickhouse.ClassAway},
	} {
		t.Run(name, func(t *testing.T) {
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				c.answer(w, r)
			}))
			defer server.Close()
			inserter := clickhouse.NewInserter(clickhouse.Config{URL: server.URL, User: "writer"})
			defer inserter.Close()
			err := inserter.Insert(t.Context(), "token", block("t", proto.InputColumn{Name: "n", Data: &proto.ColUInt64{1}}))
			if clickhouse.ClassOf(err) != c.want {
				t.Errorf("error %v, want class %q", err, c.want)
			}
			if requests != 1 {
				t.Errorf("%d requests", requests)
			}
		})
	}
}

func block(table string, columns ...proto.InputColumn) clickhouse.Block {
	return clickhouse.Block{Table: table, Input: columns}
}
