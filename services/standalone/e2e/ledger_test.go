package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// ledger is what `touchline audit --once --json` prints.
type ledger struct {
	Closed   bool            `json:"closed"`
	Pending  int             `json:"pending"`
	Projects []account       `json:"projects"`
	Open     json.RawMessage `json:"open"`
}

// account is the ledger of one project.
type account struct {
	Project       string `json:"project"`
	Accepted      int    `json:"accepted"`
	Stored        int    `json:"stored"`
	Duplicate     int    `json:"duplicate"`
	Rejected      int    `json:"rejected"`
	Dropped       int    `json:"dropped"`
	LostRetention int    `json:"lost_retention"`
	InFlight      int    `json:"in_flight"`
	Residual      int    `json:"residual"`
	Uncounted     int    `json:"uncounted"`
}

// readLedger runs the audit; its exit code has to say what its output says.
func readLedger(t *testing.T, d deployment) ledger {
	t.Helper()
	args, env := d.auditor()
	r := execute(t, env, "touchline", append([]string{"audit", "--once", "--json", "--wait", "30s"}, args...)...)
	var l ledger
	if err := json.Unmarshal([]byte(r.stdout), &l); err != nil || l.Closed != (r.code == 0) || r.code > 1 {
		t.Fatalf("touchline audit: exit code %d, %v\n%s%s", r.code, err, r.stdout, r.stderr)
	}
	return l
}

// auditLedger compares the ledger with what the clients know, with the tables and
// with the logs.
func auditLedger(t *testing.T, d deployment, j *journal, found dense) {
	t.Helper()
	l := readLedger(t, d)
	if !l.Closed || l.Pending > 0 {
		finding(t, "the ledger is not closed: %+v\n%s", l.Projects, l.Open)
	}
	accepted := 0
	for _, project := range trafficProjects() {
		i := slices.IndexFunc(l.Projects, func(a account) bool { return a.Project == project })
		if i < 0 {
			t.Errorf("the ledger does not have %s", project)
			continue
		}
		a := l.Projects[i]
		accepted += a.Accepted
		params := map[string]string{"project": project}
		rows := mustCountOf(t, d.bi(), "SELECT count() FROM analytics.touchpoints WHERE project = {project:String}", params)
		rejections := mustCountOf(t, d.bi(), "SELECT count() FROM analytics.rejected WHERE project = {project:String}", params)
		if a.Stored != rows || a.Rejected != rejections || a.Accepted != a.Stored+a.Duplicate+a.Rejected || a.Residual != 0 || a.InFlight != 0 {
			finding(t, "the ledger of %s is %+v, with %d rows and %d rejections", project, a, rows, rejections)
		}
		if posts, acks := j.sums(project); a.Accepted < acks || a.Accepted > posts+found.again {
			finding(t, "the ledger of %s has %d events accepted, clients posted %d and read a success for %d, %d records repeat a receipt", project, a.Accepted, posts, acks, found.again)
		}
	}
	if accepted != found.raw {
		finding(t, "the ledger has %d events accepted, there are %d raw records", accepted, found.raw)
	}
	t.Logf("the ledger is closed: %+v", l.Projects)
}

// checkLedgerView wants the auditor that ran all the time to have come to the same.
func checkLedgerView(t *testing.T, d deployment) {
	t.Helper()
	l := readLedger(t, d)
	await(t, landTime, "analytics.ledger shows what the audit says", func() error {
		rows, err := selectRows[account](d.bi(), `SELECT project, sum(accepted) AS accepted, sum(stored) AS stored, sum(duplicate) AS duplicate,
			sum(rejected) AS rejected, sum(dropped) AS dropped, sum(lost_retention) AS lost_retention, sum(in_flight) AS in_flight,
			sum(residual) AS residual, sum(uncounted) AS uncounted
			FROM analytics.ledger GROUP BY project ORDER BY project SETTINGS output_format_json_quote_64bit_integers = 0`, nil)
		if err == nil && !slices.Equal(rows, l.Projects) {
			err = fmt.Errorf("%+v instead of %+v", rows, l.Projects)
		}
		return err
	})
}

// mustCountOf is mustCount with parameters.
func mustCountOf(t *testing.T, d database, sql string, params map[string]string) int {
	t.Helper()
	body, err := d.query(sql, params)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if _, err := fmt.Sscan(string(body), &n); err != nil {
		t.Fatalf("%s: %q is no number", sql, body)
	}
	return n
}

// auditTampered takes one row away and puts one in twice, by hand: the ledger has
// to show it. Views see none of it, and everything is as before afterwards.
func auditTampered(t *testing.T, d deployment) {
	t.Helper()
	w := d.writer()
	must := func(sql string) {
		t.Helper()
		if _, err := w.query(sql, nil); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	for table, month := range map[string]string{"touchpoints": "event_time", "rejected": "received_at"} {
		row := mustSelect[struct {
			Partition int `json:"src_partition"`
			Offset    int `json:"src_offset"`
			Month     int `json:"month"`
		}](t, w, fmt.Sprintf("SELECT src_partition, toInt64(src_offset) AS src_offset, toYYYYMM(%s) AS month FROM touchline.%s ORDER BY rand() LIMIT 1 SETTINGS output_format_json_quote_64bit_integers = 0", month, table), nil)[0]
		where := fmt.Sprintf("src_partition = %d AND src_offset = %d", row.Partition, row.Offset)
		must(fmt.Sprintf("CREATE TABLE touchline.saved AS touchline.%s", table))
		must(fmt.Sprintf("CREATE TABLE touchline.single AS touchline.%s", table))
		must(fmt.Sprintf("ALTER TABLE touchline.saved ATTACH PARTITION %d FROM touchline.%s", row.Month, table))
		must(fmt.Sprintf("INSERT INTO touchline.single SELECT * FROM touchline.%s WHERE %s", table, where))
		for _, tamper := range []string{
			fmt.Sprintf("ALTER TABLE touchline.%s DELETE WHERE %s SETTINGS mutations_sync = 2", table, where),
			fmt.Sprintf("ALTER TABLE touchline.%s ATTACH PARTITION %d FROM touchline.single", table, row.Month),
		} {
			must(tamper)
			if l := readLedger(t, d); l.Closed {
				t.Errorf("after %s the ledger is still closed", tamper)
			}
			must(fmt.Sprintf("ALTER TABLE touchline.%s REPLACE PARTITION %d FROM touchline.saved", table, row.Month))
		}
		must("DROP TABLE touchline.saved SYNC")
		must("DROP TABLE touchline.single SYNC")
	}
	if l := readLedger(t, d); !l.Closed {
		t.Errorf("the ledger is not closed after everything was put right: %+v\n%s", l.Projects, l.Open)
	}
}
