package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// landTime is how long an accepted event may take to its table when nothing was
// killed; it is far above what is promised, because the machine has other work.
const landTime = 30 * time.Second

// client is for questions that are answered at once.
func client() *http.Client { return &http.Client{Timeout: 20 * time.Second} }

// database is a user of ClickHouse over HTTP.
type database struct{ url, user, password string }

// query runs a statement whose {name:Type} parameters are given, and returns what
// the server answers.
func (d database) query(sql string, params map[string]string) ([]byte, error) {
	values := url.Values{}
	for name, value := range params {
		values.Set("param_"+name, value)
	}
	r, err := http.NewRequest(http.MethodPost, d.url+"/?"+values.Encode(), strings.NewReader(sql))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-ClickHouse-User", d.user)
	r.Header.Set("X-ClickHouse-Key", d.password)
	answer, err := client().Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, bytes.TrimSpace(body))
	}
	return body, err
}

// selectRows returns the rows of a SELECT, decoded by their column names.
func selectRows[T any](d database, sql string, params map[string]string) ([]T, error) {
	body, err := d.query(sql+"\nFORMAT JSONEachRow", params)
	if err != nil {
		return nil, err
	}
	var rows []T
	for line := range bytes.Lines(body) {
		var row T
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.UseNumber()
		if err := decoder.Decode(&row); err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// mustSelect is selectRows of a server that works.
func mustSelect[T any](t *testing.T, d database, sql string, params map[string]string) []T {
	t.Helper()
	rows, err := selectRows[T](d, sql, params)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return rows
}

// count returns the number that a SELECT of one number gives.
func count(d database, sql string) (int, error) {
	body, err := d.query(sql, nil)
	if err != nil {
		return 0, err
	}
	var n int
	if _, err := fmt.Sscan(string(body), &n); err != nil {
		return 0, fmt.Errorf("%s: %q is no number", sql, body)
	}
	return n, nil
}

func mustCount(t *testing.T, d database, sql string) int {
	t.Helper()
	n, err := count(d, sql)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// lag is a line of `touchline lag --json`.
type lag struct {
	Group     string `json:"group"`
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Committed int64  `json:"committed"`
	End       int64  `json:"end"`
	Records   int64  `json:"records"`
}

func lags(t *testing.T, d deployment) ([]lag, error) {
	t.Helper()
	r := execute(t, nil, "touchline", "lag", "--json", "--brokers", d.kafka())
	if r.code != 0 {
		return nil, fmt.Errorf("touchline lag: %+v", r)
	}
	var all []lag
	for line := range strings.Lines(r.stdout) {
		var l lag
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			return nil, fmt.Errorf("touchline lag printed %q: %w", line, err)
		}
		all = append(all, l)
	}
	return all, nil
}

// drain waits until every service has committed everything there is: then every
// accepted event is where it belongs.
func drain(t *testing.T, d deployment, limit time.Duration) {
	t.Helper()
	await(t, limit, "everything is processed", func() error {
		if err := nothingSpooled(d); err != nil {
			return err
		}
		all, err := lags(t, d)
		if err != nil {
			return err
		}
		groups := map[string]bool{}
		for _, l := range all {
			groups[l.Group] = true
			if l.Records > 0 {
				return fmt.Errorf("%+v", l)
			}
		}
		if len(groups) != 5 {
			return fmt.Errorf("lag of %d groups: %v", len(groups), groups)
		}
		return nil
	})
}
