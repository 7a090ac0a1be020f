package main

import (
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	server "touchline.dev/services/internal/embedded/clickhouse"
)

func TestMain(m *testing.M) {
	server.RunChildIfRequested()
	m.Run()
}

// small is a data set that is made in a second or two.
var small = dataSet{events: 20_000, seed: 7}

func open(t *testing.T, d dataSet, dir string) *host {
	t.Helper()
	h, err := d.open(t.Context(), dir, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func ask(t *testing.T, c *client, sql string) string {
	t.Helper()
	a, err := c.ask(t.Context(), sql, nil)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return strings.TrimSpace(a.text)
}

func number(t *testing.T, c *client, sql string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(ask(t, c, sql), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestDataSet has the tests that change nothing on one server.
func TestDataSet(t *testing.T) {
	h := open(t, small, t.TempDir())
	for name, test := range map[string]func(*testing.T, *host){
		"the year is as it should be":              yearIsAsItShouldBe,
		"questions have answers":                   questionsHaveAnswers,
		"query that fails is reported":             queryThatFailsIsReported,
		"costs are those of the query":             costsAreThoseOfTheQuery,
		"limits of the BI user say which they are": limitsSayWhichTheyAre,
	} {
		t.Run(name, func(t *testing.T) { test(t, h) })
	}
}

func yearIsAsItShouldBe(t *testing.T, h *host) {
	for sql, within := range map[string][2]float64{
		"SELECT count() FROM touchline.touchpoints":                                                    {0.97 * 20_000, 1.03 * 20_000},
		"SELECT uniqExact(event_id) = count() FROM touchline.touchpoints":                              {1, 1},
		"SELECT uniqExact(src_offset) = count() FROM touchline.touchpoints":                            {1, 1},
		"SELECT uniqExact(toYYYYMM(event_time)) FROM touchline.touchpoints":                            {12, 12},
		"SELECT toUnixTimestamp(min(event_time)) FROM touchline.touchpoints":                           {1761955200, 1761955200 + 86400},
		"SELECT toUnixTimestamp(max(event_time)) FROM touchline.touchpoints":                           {1793491200 - 86400, 1793491200 + 7200},
		"SELECT uniqExact(project) FROM touchline.touchpoints":                                         {3, 3},
		"SELECT uniqExact(person_id) FROM touchline.touchpoints WHERE project = 'shop'":                {200, 400},
		"SELECT avg(is_bot) FROM touchline.touchpoints":                                                {0.01, 0.03},
		"SELECT countIf(event = 'cart_add') / countIf(event = 'product_view') FROM touchline.events":   {0.3, 0.5},
		"SELECT countIf(event = 'order') / countIf(event = 'checkout_start') FROM touchline.events":    {0.4, 0.6},
		"SELECT uniqExact(event) FROM touchline.events":                                                {30, 60},
		"SELECT sum(revenue) / countIf(event = 'order') FROM touchline.events":                         {20, 40},
		"SELECT max(c) / avg(c) FROM (SELECT count() AS c FROM touchline.events GROUP BY person_id)":   {5, 100},
		"SELECT count() FROM touchline.person_overrides":                                               {4, 4},
		"SELECT sum(events) / 2 = (SELECT count() FROM touchline.events) FROM touchline.person_days":   {1, 1},
		"SELECT countIf(acquisition_channel != '') / uniqExact(session_id) FROM touchline.touchpoints": {1, 1},
	} {
		if got := number(t, h.writer, sql); got < within[0] || got > within[1] {
			t.Errorf("%s: %g is not in %v", sql, got, within)
		}
	}
}

// The same seed must make the same rows, in whatever slices they are written.
func TestSameSeedSameRows(t *testing.T) {
	h := open(t, small, t.TempDir())
	const sum = "SELECT count(), sum(cityHash64(* EXCEPT traits)) FROM touchline.touchpoints"
	want := ask(t, h.writer, sum)
	fill := func(d dataSet, slices int) {
		ask(t, h.writer, "TRUNCATE TABLE touchline.touchpoints")
		n := d.sessions()
		for i := range slices {
			if err := d.write(t.Context(), h, n*i/slices, n*(i+1)/slices-n*i/slices); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill(small, 3)
	if got := ask(t, h.writer, sum); got != want {
		t.Errorf("written in three slices: %s instead of %s", got, want)
	}
	fill(dataSet{small.events, small.seed + 1}, 1)
	if got := ask(t, h.writer, sum); got == want {
		t.Errorf("another seed made the same rows")
	}
}

// A data set that is whole is used again, and one of other parameters is made anew.
func TestDataSetIsKept(t *testing.T) {
	dir := t.TempDir()
	// Without a server in between: a folder has one at a time.
	mark := func(d dataSet, before string) {
		t.Helper()
		h, err := d.open(t.Context(), dir, t.Logf)
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, h.writer, "EXISTS default.mark"); got != before {
			t.Errorf("seed %d: the mark is there: %s, want %s", d.seed, got, before)
		}
		ask(t, h.writer, "CREATE TABLE IF NOT EXISTS default.mark (n UInt8) ENGINE = MergeTree ORDER BY n")
		if err := h.close(); err != nil {
			t.Fatal(err)
		}
	}
	mark(small, "0")
	mark(small, "1")
	mark(dataSet{small.events, small.seed + 1}, "0")
}

// Every question of the list has an answer of at least one row.
func questionsHaveAnswers(t *testing.T, h *host) {
	list, err := h.questions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range list {
		a, err := h.bi.ask(t.Context(), q.sql, nil)
		if err != nil || a.text == "" || a.rows == 0 {
			t.Errorf("%s: %q, %d rows read, %v", q.name, a.text, a.rows, err)
		}
	}
	var table strings.Builder
	if err := measureQueries(t.Context(), h, regexp.MustCompile("funnel of 5 steps, counts, 30 days"), 2, &table, t.Logf); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(table.String(), "\n"); got != 5 {
		t.Errorf("%d lines instead of description, head and one query:\n%s", got, &table)
	}
}

func queryThatFailsIsReported(t *testing.T, h *host) {
	if _, err := measure(t.Context(), h, "SELECT * FROM analytics.no_such_view", 1); err == nil || !strings.Contains(err.Error(), "no_such_view") {
		t.Errorf("error %v does not name the view", err)
	}
}

func costsAreThoseOfTheQuery(t *testing.T, h *host) {
	c, err := measure(t.Context(), h, "SELECT sum(cityHash64(properties)) FROM analytics.touchpoints", 3)
	if err != nil {
		t.Fatal(err)
	}
	if n := int64(number(t, h.writer, "SELECT count() FROM touchline.touchpoints")); c.rows < n || c.bytes < 20*n || c.cpu <= 0 || c.took <= 0 || c.memory <= 0 {
		t.Errorf("%+v of a scan over %d rows", c, n)
	}
}

func TestInserts(t *testing.T) {
	h, err := startHost(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	})
	f := &feed{host: h}
	if err := f.takeViewsOff(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []insertCase{{"days", 1000, 2, 2_000_000}, {"year", 1000, 2, 0}} {
		blocks, err := f.blocks(t.Context(), c, 1)
		if err != nil {
			t.Fatal(err)
		}
		table := insertTable{name: c.name, variants: f.variants()}
		if n := len(table.variants); n < 5 || table.variants[0].views != nil || len(table.variants[n-1].views) != n-4 || !table.variants[n-1].links {
			t.Fatalf("variants: %+v", table.variants)
		}
		for i := range table.variants {
			v := &table.variants[i]
			if err := f.measure(t.Context(), v, blocks); err != nil {
				t.Fatal(err)
			}
			if v.cpu[0] <= 0 || (v.rows > 0) != (len(v.views) > 0 || v.links) {
				t.Errorf("%s, %s: %+v", c.name, v.name, v)
			}
		}
		if err := table.write(io.Discard); err != nil {
			t.Fatal(err)
		}
	}
}

// Who hits a limit of the BI user's profile is told which one it was.
func limitsSayWhichTheyAre(t *testing.T, h *host) {
	const endless = "SELECT count() FROM analytics.touchpoints AS a, analytics.touchpoints AS b, analytics.touchpoints AS c WHERE cityHash64(a.event_id, b.event_id, c.event_id) = 1"
	for _, c := range []struct {
		name, sql string
		settings  url.Values
		want      []string
	}{
		{"time", endless, url.Values{"max_execution_time": {"1"}}, []string{"Code: 159", "Timeout exceeded", "maximum: 1000 ms"}},
		{"memory", "SELECT groupArray(a.context) FROM analytics.touchpoints AS a, analytics.touchpoints AS b", nil, []string{"Code: 241", "memory limit exceeded", "maximum: 1.00 GiB"}},
		{"rows", "SELECT a.event_id FROM analytics.touchpoints AS a, analytics.touchpoints AS b", nil, []string{"Code: 396", "Limit for result exceeded", "max rows: 1.00 million"}},
		{"rows of a caller who wants fewer", "SELECT event_id FROM analytics.touchpoints", url.Values{"max_result_rows": {"100"}}, []string{"Code: 396", "max rows: 100.00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			begin := time.Now()
			_, err := h.bi.ask(t.Context(), c.sql, c.settings)
			if err == nil {
				t.Fatal("no error")
			}
			t.Logf("after %v: %v", time.Since(begin), err)
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %v", want, err)
				}
			}
		})
	}
}

func TestParseQueries(t *testing.T) {
	list, err := parseQueries("-- Words.\n\n-- query | a, b | 300\nSELECT 1\nFROM t\n\n-- query | c | -\n-- beside | a, b | 1.5\nSELECT 2\n")
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	if a := list[0]; a.name != "a, b" || a.limit != 300*time.Millisecond || a.beside != "" || a.sql != "SELECT 1\nFROM t\n" {
		t.Errorf("%+v", a)
	}
	if c := list[1]; c.name != "c" || c.limit != 0 || c.beside != "a, b" || c.times != 1.5 {
		t.Errorf("%+v", c)
	}
	for _, bad := range []string{
		"SELECT 1", "-- query | a\nSELECT 1", "-- query | a | x\nSELECT 1", "-- query | a | 0\nSELECT 1", "-- query | a | -\n",
		"-- query | a | -\n-- beside | b | 2\nSELECT 1", "-- query | a | -\nSELECT 1\n-- query | a | -\nSELECT 2",
		"-- query | a | -\n-- other | b | 2\nSELECT 1",
	} {
		if list, err := parseQueries(bad); err == nil {
			t.Errorf("%q: %+v", bad, list)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, bad := range [][]string{{"-events", "9"}, {"-repeat", "0"}, {"-only", "("}, {"-dir", ""}, {"x"}, {"-nothing"}} {
		if s, err := parse(bad, io.Discard); err == nil {
			t.Errorf("%q: %+v", bad, s)
		}
	}
	s, err := parse([]string{"-events", "1000000", "-only", "retention"}, io.Discard)
	if err != nil || s.events != 1_000_000 || !s.only.MatchString("retention, first time") || s.repeat != 5 {
		t.Errorf("%+v, %v", s, err)
	}
}
