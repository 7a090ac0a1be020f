package bi_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sqlBlock is a query in a document.
var sqlBlock = regexp.MustCompile("(?ms)^```sql\n(.*?)^```$")

// macros are those of Grafana, as its plugin writes them out.
var macros = []struct {
	name *regexp.Regexp
	text string
}{
	{regexp.MustCompile(`\$__timeFilter\((\w+)\)`), "$1 >= toDateTime(1700000000) AND $1 <= now()"},
	{regexp.MustCompile(`\$__timeInterval\((\w+)\)`), "toStartOfInterval(toDateTime($1), INTERVAL 3600 second)"},
}

// Every query in the documents works for the user bi, and finds something in a
// project in which what the documents ask about has happened.
func TestDocumentedQueriesWork(t *testing.T) {
	s := newSite(t)
	s.loadDemo(t)
	conn := open(t, s.server, s.server.BI())
	const root = "../../../.."
	files, err := filepath.Glob(root + "/docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, file := range append(files, root+"/README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range sqlBlock.FindAllStringSubmatch(string(text), -1) {
			sql := strings.TrimSuffix(strings.TrimSpace(m[1]), ";")
			for _, macro := range macros {
				sql = macro.name.ReplaceAllString(sql, macro.text)
			}
			total++
			rows, err := conn.Query(t.Context(), sql)
			if err != nil {
				t.Errorf("%s: %v\n%s", filepath.Base(file), err, sql)
				continue
			}
			n := 0
			for rows.Next() {
				n++
			}
			if err := rows.Err(); err != nil {
				t.Errorf("%s: %v\n%s", filepath.Base(file), err, sql)
			}
			if err := rows.Close(); err != nil {
				t.Error(err)
			}
			if n == 0 && filepath.Base(file) != "analytics.md" {
				t.Errorf("%s: finds nothing\n%s", filepath.Base(file), sql)
			}
		}
	}
	if total < 12 {
		t.Errorf("found only %d queries", total)
	}
}

// loadDemo gives the project demo 20 visitors a day of the last 60 days, of whom each
// fifth goes all the way.
func (s site) loadDemo(t *testing.T) {
	t.Helper()
	for nth, step := range []struct{ event, kind string }{
		{"page_view", "page_view"}, {"sign_up", "sign_up"}, {"Product Added", "cart_add"}, {"Checkout Started", "checkout_start"}, {"Order Completed", "order"},
	} {
		sql := fmt.Sprintf(`INSERT INTO touchline.touchpoints (project, event, kind, type, person_id, event_time, day, received_at, channel, country, session_id, url_path)
			SELECT 'demo', '%s', '%s', if('%[1]s' = 'page_view', 'page', 'track'), number %% 100 + 1, now64(3, 'UTC') - INTERVAL 1 HOUR - toIntervalDay(number %% 60) + toIntervalMinute(%[3]d) AS at, toDate(at), at,
				'web', 'DE', number + 1, '/start'
			FROM numbers(1200) WHERE number %% 5 >= %[3]d`, step.event, step.kind, nth)
		if err := s.writer.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
}
