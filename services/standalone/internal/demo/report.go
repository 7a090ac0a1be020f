package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/standalone/internal/terminal"
)

// The questions that a report asks.
const (
	reportDays    = 30
	reportCohorts = 4
	reportWindow  = 7 * 24 * time.Hour
	reportHorizon = 24 * time.Hour
	// maxNext is how many different next events are shown one by one.
	maxNext = 8
)

func funnelSteps() []string {
	return []string{"page_view", "Product Added", "Checkout Started", "Order Completed"}
}

// Report asks the views for a funnel, for what those did next who fell out of it
// after the second step, and for a retention table, and writes each query, as
// anybody may repeat it, with its result. The funnel is of the 30 days before
// now, the table of the last four weeks. Lines are at most 100 characters long.
//
// Nothing is written when a query fails.
func Report(ctx context.Context, conn driver.Conn, out io.Writer, project string, now time.Time) error {
	var b strings.Builder
	for _, section := range []func(context.Context, driver.Conn, *strings.Builder, string, time.Time) error{
		reportFunnel, reportDropOff, reportRetention,
	} {
		if err := section(ctx, conn, &b, project, now.UTC()); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// funnelRow and the like are the rows of the views, by the names of their columns.
type funnelRow struct {
	Step            int64   `ch:"step"`
	Event           string  `ch:"event"`
	Persons         int64   `ch:"persons"`
	Pending         int64   `ch:"pending"`
	Dropped         int64   `ch:"dropped"`
	ConversionTotal float64 `ch:"conversion_total"`
	ConversionStep  float64 `ch:"conversion_step"`
	MedianSeconds   float64 `ch:"median_seconds"`
	P90Seconds      float64 `ch:"p90_seconds"`
}

type nextRow struct {
	NextEvent     string  `ch:"next_event"`
	Persons       int64   `ch:"persons"`
	MedianSeconds float64 `ch:"median_seconds"`
}

type retentionRow struct {
	CohortDate time.Time `ch:"cohort_date"`
	Cohort     int64     `ch:"cohort"`
	Period     int64     `ch:"period"`
	Persons    int64     `ch:"persons"`
	CohortSize int64     `ch:"cohort_size"`
	Complete   bool      `ch:"complete"`
}

func reportFunnel(ctx context.Context, conn driver.Conn, b *strings.Builder, project string, now time.Time) error {
	query := "SELECT step, event, persons, conversion_total, conversion_step,\n    median_seconds, p90_seconds, pending, dropped\nFROM analytics.funnel(" + funnelParameters(project, now) + ")\nORDER BY step"
	rows, err := read[funnelRow](ctx, conn, query)
	if err != nil {
		return fmt.Errorf("ask for the funnel: %w", err)
	}
	heading(b, "Funnel", "how far visitors come within a week", query)
	funnelTable(b, rows)
	return nil
}

func reportDropOff(ctx context.Context, conn driver.Conn, b *strings.Builder, project string, now time.Time) error {
	query := "SELECT next_event, persons, median_seconds\nFROM analytics.drop_off_next(" + funnelParameters(project, now) +
		fmt.Sprintf(",\n    after_step = 2, horizon_seconds = %d)\nORDER BY persons DESC, next_event", reportHorizon/time.Second)
	rows, err := read[nextRow](ctx, conn, query)
	if err != nil {
		return fmt.Errorf("ask for the drop-off: %w", err)
	}
	heading(b, "Drop-off", "what those did next who filled a cart and never went to the checkout", query)
	nextTable(b, rows)
	return nil
}

func reportRetention(ctx context.Context, conn driver.Conn, b *strings.Builder, project string, now time.Time) error {
	from := now.AddDate(0, 0, -7*(reportCohorts-1)).Truncate(24 * time.Hour)
	query := fmt.Sprintf(`SELECT cohort_date, cohort, period, persons, cohort_size, complete
FROM analytics.retention(
    project = %s,
    start_event = 'page_view', return_event = 'page_view',
    granularity = 'week', mode = 'first_time', cumulative = false,
    from = %s, cohorts = %d, periods = %d, as_of = %s)
ORDER BY cohort, period`, clickhouse.Literal(project), clickhouse.Literal(from.Format(sqlTime)), reportCohorts, reportCohorts, clickhouse.Literal(now.Format(sqlTime)))
	rows, err := read[retentionRow](ctx, conn, query)
	if err != nil {
		return fmt.Errorf("ask for retention: %w", err)
	}
	heading(b, "Retention", "who comes back, by the week of the first visit", query)
	retentionTable(b, rows, now)
	return nil
}

// funnelParameters are those that the funnel and its drop-off share.
func funnelParameters(project string, now time.Time) string {
	steps := funnelSteps()
	for i, step := range steps {
		steps[i] = clickhouse.Literal(step)
	}
	return fmt.Sprintf("\n    project = %s,\n    steps = [%s],\n    window_seconds = %d,\n    from = %s, to = %s, as_of = %s",
		clickhouse.Literal(project), strings.Join(steps, ", "), reportWindow/time.Second,
		clickhouse.Literal(now.AddDate(0, 0, -reportDays).Format(sqlTime)), clickhouse.Literal(now.Format(sqlTime)), clickhouse.Literal(now.Format(sqlTime)))
}

// read returns all rows of a query.
func read[T any](ctx context.Context, conn driver.Conn, query string) (all []T, err error) {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var row T
		if err := rows.ScanStruct(&row); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// heading writes the title of a section and its query.
func heading(b *strings.Builder, title, question, query string) {
	line := "── " + title + ": " + question + " "
	b.WriteString("\n" + line + strings.Repeat("─", max(0, width-len([]rune(line)))) + "\n\n")
	for l := range strings.Lines(query) {
		b.WriteString("  " + l)
	}
	b.WriteString(";\n\n")
}

func funnelTable(b *strings.Builder, rows []funnelRow) {
	var cells [][]string
	for _, r := range rows {
		previous, median, p90 := terminal.Percent(r.ConversionStep), terminal.Duration(r.MedianSeconds), terminal.Duration(r.P90Seconds)
		if r.Step == 1 {
			previous = ""
		}
		if r.Step == 1 || r.Persons == 0 {
			median, p90 = "", ""
		}
		cells = append(cells, []string{
			terminal.Number(r.Step), label(r.Event), terminal.Number(r.Persons), terminal.Percent(r.ConversionTotal), previous, median, p90,
			terminal.Number(r.Pending), terminal.Number(r.Dropped), terminal.Bar(r.ConversionTotal, 8),
		})
	}
	table(b, []terminal.Column{
		{Title: "step", Right: true}, {Title: "event"}, {Title: "persons", Right: true}, {Title: "of all", Right: true}, {Title: "of prev.", Right: true},
		{Title: "median", Right: true}, {Title: "p90", Right: true}, {Title: "pending", Right: true}, {Title: "dropped", Right: true}, {},
	}, cells)
}

func nextTable(b *strings.Builder, rows []nextRow) {
	var all, further int64
	for _, r := range rows {
		all += r.Persons
	}
	var cells [][]string
	for i, r := range rows {
		if i >= maxNext {
			further += r.Persons
			continue
		}
		median := terminal.Duration(r.MedianSeconds)
		if r.NextEvent == "(nothing)" {
			median = ""
		}
		cells = append(cells, []string{label(r.NextEvent), terminal.Number(r.Persons), terminal.Percent(share(r.Persons, all)), median, terminal.Bar(share(r.Persons, all), 24)})
	}
	if further > 0 {
		cells = append(cells, []string{fmt.Sprintf("(%d further events)", len(rows)-maxNext), terminal.Number(further), terminal.Percent(share(further, all)), "", terminal.Bar(share(further, all), 24)})
	}
	table(b, []terminal.Column{{Title: "next event"}, {Title: "persons", Right: true}, {Title: "share", Right: true}, {Title: "median", Right: true}, {}}, cells)
}

// retentionTable writes one line for each cohort: its week, its size, and which
// part of it was there in each week since. Weeks that have not begun stay empty.
func retentionTable(b *strings.Builder, rows []retentionRow, now time.Time) {
	columns := []terminal.Column{{Title: "first visit"}, {Title: "persons", Right: true}}
	var cells [][]string
	open := false
	for _, r := range rows {
		if r.Period == 0 {
			cells = append(cells, []string{"week of " + r.CohortDate.Format(time.DateOnly), terminal.Number(r.CohortSize)})
		}
		if r.Cohort == 0 {
			columns = append(columns, terminal.Column{Title: fmt.Sprintf("week %d ", r.Period), Right: true})
		}
		cell := ""
		if !r.CohortDate.AddDate(0, 0, 7*int(r.Period)).After(now) {
			mark := " "
			if !r.Complete {
				mark, open = "*", true
			}
			cell = terminal.Percent(share(r.Persons, r.CohortSize)) + mark
		}
		last := len(cells) - 1
		cells[last] = append(cells[last], cell)
	}
	table(b, columns, cells)
	if open {
		b.WriteString("\n  * the week is not over: these may still grow\n")
	}
}
