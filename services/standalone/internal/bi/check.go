package bi

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	clickhousego "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/clickhouse"
)

// Result is what became of one check.
type Result struct {
	// Name says what must hold.
	Name string
	// Detail is what was found, one line or nothing.
	Detail string
	// Err is why it does not hold, nil when it does.
	Err error
	// Hint says what to mend when it does not.
	Hint string
}

// Checker asks a server what a user of a BI tool can do there.
type Checker struct {
	// User is a connection as that user.
	User driver.Conn
	// Others are projects that the user must not see, as far as they are known.
	Others []string
}

// check is one thing that must hold.
type check struct {
	name, hint string
	run        func(ctx context.Context) (detail string, err error)
}

// Run tries everything, in an order in which the first failure is the one to mend
// first, and gives each result when it is known. Nothing is changed, also not by a
// user who could. It ends early when the user cannot log in.
func (c Checker) Run(ctx context.Context) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		for i, k := range c.checks() {
			detail, err := k.run(ctx)
			r := Result{k.name, detail, err, k.hint}
			noLogin := i == 0 && err != nil
			if noLogin {
				r.Hint = loginHint(err)
			}
			if !yield(r) || noLogin {
				return
			}
		}
	}
}

// loginHint says what to mend when the first question got no answer.
func loginHint(err error) string {
	switch clickhouse.ClassOf(err) {
	case clickhouse.ClassAccess:
		return "check name and password; touchline bi user list shows the names, and a login made a second ago may not be known yet"
	case clickhouse.ClassAway, clickhouse.ClassSlow:
		return "no ClickHouse answers there: check the address, and whether touchline up or the server runs"
	case clickhouse.ClassStranger:
		return "something else than ClickHouse answers there: it wants the port of ClickHouse's HTTP interface"
	}
	return "check address, name and password"
}

const (
	hintProfile = "give the user the profile of bi in deploy/clickhouse/users.xml; touchline bi user sql NAME --all prints it as SQL"
	hintGrants  = "give the user the grants of bi in deploy/clickhouse/users.xml and no others"
	hintMigrate = "run touchline migrate"
)

func (c Checker) checks() []check {
	return []check{
		{"logs in", "", c.logsIn},
		{"sees projects", "touchline bi user allow NAME --project ID", c.projects},
		{"finds every view and column with a comment", hintMigrate, c.comments},
		{"gets types that every tool reads", hintMigrate, c.types},
		{"reads every plain view", hintGrants, c.plainViews},
		{"calls a view with parameters", hintGrants, c.funnel},
		{"compares with an empty text", hintProfile, c.emptyText},
		{"may set a time limit up to 300 s", hintProfile, c.timeLimit},
		{"may send the settings that drivers send", hintProfile, c.driverSettings},
		{"cannot write", hintGrants, c.writes},
		{"cannot read the tables behind the views", hintGrants, c.tables},
		{"cannot filter hidden tables", hintProfile + "; never allow additional_table_filters", c.hiddenFilters},
		{"has conditions run behind those of the views", hintProfile, c.order},
		{"cannot reach files and other servers", hintGrants, c.outside},
		{"sees nothing of other projects", "touchline bi user allow NAME --project ID", c.otherProjects},
	}
}

func (c Checker) logsIn(ctx context.Context) (string, error) {
	return c.text(ctx, "SELECT concat(currentUser(), ' on ClickHouse ', version())")
}

func (c Checker) projects(ctx context.Context) (string, error) {
	list, err := c.text(ctx, "SELECT arrayStringConcat(arraySort(groupUniqArray(project)), ', ') FROM analytics.touchpoints")
	if err == nil && list == "" {
		return "none with events", nil
	}
	return list, err
}

func (c Checker) comments(ctx context.Context) (string, error) {
	views, err := c.text(ctx, "SELECT toString(count()) FROM system.tables WHERE database = 'analytics'")
	if err != nil {
		return "", err
	}
	if views == "0" {
		return "", errors.New("the database analytics has no views, or they cannot be seen")
	}
	return views + " views", c.none(ctx, "no comment on", `SELECT name FROM system.tables WHERE database = 'analytics' AND comment = ''
		UNION ALL SELECT concat(table, '.', name) FROM system.columns WHERE database = 'analytics' AND comment = ''`)
}

func (c Checker) types(ctx context.Context) (string, error) {
	return "", c.none(ctx, "other types", `SELECT concat(table, '.', name, ' ', type) FROM system.columns WHERE database = 'analytics'
		AND replaceRegexpOne(type, '^Nullable\\((.*)\\)$', '\\1') NOT IN ('Int64', 'Float64', 'Decimal(18, 4)', 'String', 'Bool', 'Date', 'DateTime64(3, \'UTC\')', 'UUID')`)
}

func (c Checker) plainViews(ctx context.Context) (string, error) {
	names, err := c.list(ctx, "SELECT name FROM system.tables WHERE database = 'analytics' AND empty(parameterized_view_parameters) ORDER BY name")
	if err != nil {
		return "", err
	}
	for _, name := range names {
		if err := c.read(ctx, nil, "SELECT * FROM analytics."+name+" LIMIT 0"); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
	}
	return "", nil
}

// funnelOf is a call that reads almost nothing.
func funnelOf(project string) string {
	return "SELECT * FROM analytics.funnel(project = " + clickhouse.Literal(project) + `, steps = ['page_view', 'order'], window_seconds = 3600,
		from = now64(3, 'UTC') - INTERVAL 1 HOUR, to = now64(3, 'UTC'), as_of = now64(3, 'UTC'))`
}

func (c Checker) funnel(ctx context.Context) (string, error) {
	return "", c.read(ctx, nil, funnelOf(Everything))
}

func (c Checker) emptyText(ctx context.Context) (string, error) {
	return "", c.read(ctx, nil, "SELECT count() FROM analytics.touchpoints WHERE country != '' AND event_time > now() + INTERVAL 1 DAY")
}

func (c Checker) timeLimit(ctx context.Context) (string, error) {
	for _, seconds := range []int{14, 64, 300} {
		if err := c.read(ctx, clickhousego.Settings{"max_execution_time": seconds}, "SELECT 1"); err != nil {
			return "", err
		}
	}
	if c.read(ctx, clickhousego.Settings{"max_execution_time": 100_000}, "SELECT 1") == nil {
		return "", errors.New("any limit is taken")
	}
	return "", nil
}

func (c Checker) driverSettings(ctx context.Context) (string, error) {
	for _, settings := range []clickhousego.Settings{
		{"async_insert": 0}, // JDBC up to 0.9.8
		{"max_result_rows": 1000, "result_overflow_mode": "break"},                                               // setMaxRows
		{"mutations_sync": 3, "lightweight_deletes_sync": 3, "alter_sync": 3, "insert_distributed_sync": 1},      // dbt
		{"join_use_nulls": 1, "date_time_output_format": "simple", "output_format_json_quote_64bit_integers": 1}, // Cube
	} {
		if err := c.read(ctx, settings, "SELECT 1"); err != nil {
			return "", err
		}
	}
	return "", nil
}

// writes tries statements that would change nothing if they were allowed.
func (c Checker) writes(ctx context.Context) (string, error) {
	return "", c.refused(ctx,
		"INSERT INTO touchline.bi_access SELECT * FROM touchline.bi_access WHERE 0",
		"CREATE TABLE IF NOT EXISTS analytics.touchpoints (n UInt8) ENGINE = Null",
		"ALTER TABLE touchline.bi_access DELETE WHERE 0",
		"SET readonly = 0",
	)
}

func (c Checker) tables(ctx context.Context) (string, error) {
	if err := c.none(ctx, "these tables show", "SELECT name FROM system.tables WHERE database = 'touchline'"); err != nil {
		return "", err
	}
	return "", c.refused(ctx, "SELECT * FROM touchline.touchpoints LIMIT 0", "SELECT * FROM touchline.bi_access LIMIT 0")
}

func (c Checker) hiddenFilters(ctx context.Context) (string, error) {
	return "", c.refused(ctx, "SELECT 1 SETTINGS additional_table_filters = {'touchline.touchpoints': '0'}", "SELECT 1 SETTINGS readonly = 2")
}

func (c Checker) order(ctx context.Context) (string, error) {
	for name, want := range map[string]string{"allow_reorder_prewhere_conditions": "false", "short_circuit_function_evaluation": "force_enable"} {
		have, err := c.text(ctx, "SELECT toString(getSetting('"+name+"'))")
		if err != nil {
			return "", err
		}
		if have != want {
			return "", fmt.Errorf("%s is %s, want %s: a condition that fails tells what other projects hold", name, have, want)
		}
	}
	return "", c.refused(ctx, "SELECT 1 SETTINGS allow_reorder_prewhere_conditions = 1", "SELECT 1 SETTINGS short_circuit_function_evaluation = 'disable'")
}

func (c Checker) outside(ctx context.Context) (string, error) {
	return "", c.refused(ctx,
		"SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString', 'line String') LIMIT 0",
		"SELECT * FROM file('touchline_check', 'LineAsString', 'line String') LIMIT 0",
		// Of the server's user: a function, which needs no grant.
		"SELECT length(file('/etc/passwd'))",
		"SELECT * FROM remote('127.0.0.1', system.one) LIMIT 0",
	)
}

// otherProjects also asks for a project that nobody has: only who may read every
// project gets an answer about it.
func (c Checker) otherProjects(ctx context.Context) (string, error) {
	for _, project := range c.Others {
		rows, err := c.text(ctx, "SELECT toString(count()) FROM analytics.touchpoints WHERE project = "+clickhouse.Literal(project))
		if err != nil {
			return "", err
		}
		if rows != "0" {
			return "", fmt.Errorf("sees %s rows of %s", rows, project)
		}
		if err := c.refused(ctx, funnelOf(project)); err != nil {
			return "", err
		}
	}
	if c.read(ctx, nil, funnelOf("touchline check")) == nil {
		if len(c.Others) > 0 {
			return "", errors.New("may ask about every project")
		}
		return "may read every project", nil
	}
	return "", nil
}

// refused returns an error if one of the statements is not.
func (c Checker) refused(ctx context.Context, statements ...string) error {
	for _, sql := range statements {
		err := c.read(ctx, nil, sql)
		if err == nil {
			return fmt.Errorf("allowed: %s", sql)
		}
		var exception *clickhousego.Exception
		if !errors.As(err, &exception) && !strings.Contains(err.Error(), "code: ") {
			return err // no answer of the server
		}
	}
	return nil
}

// none returns an error that names what a query finds.
func (c Checker) none(ctx context.Context, what, sql string) error {
	found, err := c.list(ctx, sql)
	if err != nil || len(found) == 0 {
		return err
	}
	const most = 5
	rest := ""
	if len(found) > most {
		rest = fmt.Sprintf(" and %d more", len(found)-most)
		found = found[:most]
	}
	return fmt.Errorf("%s: %s%s", what, strings.Join(found, ", "), rest)
}

func (c Checker) text(ctx context.Context, sql string) (text string, err error) {
	err = c.User.QueryRow(ctx, sql).Scan(&text)
	return text, err
}

func (c Checker) list(ctx context.Context, sql string) ([]string, error) {
	rows, err := c.User.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	var list []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		list = append(list, text)
	}
	return list, errors.Join(rows.Err(), rows.Close())
}

// read runs a query with settings to its end.
func (c Checker) read(ctx context.Context, settings clickhousego.Settings, sql string) error {
	rows, err := c.User.Query(clickhousego.Context(ctx, clickhousego.WithSettings(settings)), sql)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}
