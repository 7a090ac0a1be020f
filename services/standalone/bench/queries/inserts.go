package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// insertRounds is how often each combination of views is measured; the median
// counts. Within a round they come one after the other, so that what else the
// machine does meanwhile meets all of them.
const insertRounds = 3

// insertCase is a kind of blocks as landing posts them.
type insertCase struct {
	name string
	// rows of a block, and how many blocks.
	rows, blocks int
	// sessions of the year from which the blocks are taken: of a long year they
	// are of one day or two, of a short one they are all there is.
	year int
}

var insertCases = []insertCase{
	{"100,000 rows of some days", 100_000, 2, 2_000_000},
	{"10,000 rows of one day", 10_000, 10, 2_000_000},
	{"100,000 rows of twelve months", 100_000, 2, 0},
}

// insertPersons are those of the year.
const insertPersons = 200_000

// block is what landing posts of a chunk, as the server reads it.
type block struct {
	// rows are those of touchpoints, links those that identity_links has of them.
	rows, links []byte
}

// feed is an empty server with its materialized views of touchpoints taken off, and
// blocks to insert.
type feed struct {
	*host
	views  []string
	tokens int
}

// measureInserts posts the same blocks to touchpoints without materialized views,
// with each of them, with the links of its events, and with all, and prints a table
// for each kind of blocks.
func measureInserts(ctx context.Context, seed uint64, out io.Writer, say func(string, ...any)) (err error) {
	dir, err := os.MkdirTemp("", "touchline-bench-inserts-")
	if err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	h, err := startHost(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	f := &feed{host: h}
	if err := f.takeViewsOff(ctx); err != nil {
		return err
	}
	for _, c := range insertCases {
		blocks, err := f.blocks(ctx, c, seed)
		if err != nil {
			return err
		}
		t := insertTable{name: c.name, variants: f.variants()}
		for round := range insertRounds {
			say("%s, round %d of %d", c.name, round+1, insertRounds)
			for i := range t.variants {
				if err := f.measure(ctx, &t.variants[i], blocks); err != nil {
					return err
				}
			}
		}
		if err := t.write(out); err != nil {
			return err
		}
	}
	return nil
}

// takeViewsOff finds the views that touchpoints feeds and detaches them.
func (f *feed) takeViewsOff(ctx context.Context) error {
	a, err := f.writer.ask(ctx, "SELECT arrayJoin(arraySort(dependencies_table)) FROM system.tables WHERE database = 'touchline' AND name = 'touchpoints'", nil)
	if err != nil {
		return fmt.Errorf("look for views: %w", err)
	}
	f.views = strings.Fields(a.text)
	for _, v := range f.views {
		if err := f.run(ctx, "DETACH TABLE touchline."+v); err != nil {
			return err
		}
	}
	// Merges would be counted with the inserts beside which they happen to run.
	return f.run(ctx, "SYSTEM STOP MERGES")
}

func (f *feed) run(ctx context.Context, sql string) error {
	if _, err := f.writer.ask(ctx, sql, nil); err != nil {
		return fmt.Errorf("run %q: %w", sql, err)
	}
	return nil
}

// blocks makes rows and reads them back in the form in which they are posted. What
// lands together was received within a minute.
func (f *feed) blocks(ctx context.Context, c insertCase, seed uint64) ([]block, error) {
	want := c.rows * c.blocks
	// A tenth more than wanted, because sessions differ.
	count := want * 1100 / sessionMilliEvents
	first := 0
	if c.year == 0 {
		c.year = count
	} else {
		first = c.year - 30*c.year/365
	}
	params := dataSet{seed: seed}.params()
	params.Set("param_sessions", strconv.Itoa(c.year))
	params.Set("param_persons", strconv.Itoa(insertPersons))
	params.Set("param_first", strconv.Itoa(first))
	params.Set("param_count", strconv.Itoa(count))
	if _, err := f.writer.ask(ctx, generateSQL, params); err != nil {
		return nil, fmt.Errorf("make rows: %w", err)
	}
	// Short years are taken in another order than by time, or a block would have
	// half a year only.
	order := "src_offset"
	if first == 0 {
		order = "cityHash64(src_offset)"
	}
	var blocks []block
	for i := range c.blocks {
		part := fmt.Sprintf(`(SELECT * REPLACE (toDateTime64('2026-11-01 00:00:00', 3, 'UTC') + toIntervalMillisecond(src_offset %% 60000) AS received_at)
			FROM touchline.touchpoints ORDER BY %s LIMIT %d OFFSET %d)`, order, c.rows, i*c.rows)
		whole := url.Values{"max_block_size": {strconv.Itoa(c.rows)}}
		rows, err := f.writer.ask(ctx, "SELECT * FROM "+part+" FORMAT Native", whole)
		if err != nil {
			return nil, fmt.Errorf("read rows: %w", err)
		}
		links, err := f.writer.ask(ctx, `SELECT project, person_id AS device_person, cityHash64(project, user_id) AS user_person, anonymous_id AS device_id, user_id, type,
				bitNot(toUInt64(toUnixTimestamp64Milli(event_time))) AS version, event_id, event_time, received_at, src_topic, src_partition, src_offset
			FROM `+part+" WHERE event = 'identify' FORMAT Native", whole)
		if err != nil {
			return nil, fmt.Errorf("read links: %w", err)
		}
		blocks = append(blocks, block{[]byte(rows.text), []byte(links.text)})
	}
	n, err := f.writer.number(ctx, "SELECT count() FROM touchline.touchpoints")
	if err == nil && n < int64(want) {
		err = fmt.Errorf("make rows: %d are less than %d", n, want)
	}
	return blocks, errors.Join(err, f.empty(ctx))
}

// empty removes the rows of all tables that inserts have filled.
func (f *feed) empty(ctx context.Context) error {
	a, err := f.writer.ask(ctx, `SELECT name FROM system.tables WHERE database = 'touchline' AND engine LIKE '%MergeTree' AND total_rows > 0
		AND name NOT IN ('schema_migrations', 'bi_access')`, nil)
	if err != nil {
		return fmt.Errorf("look for rows: %w", err)
	}
	for table := range strings.FieldsSeq(a.text) {
		if err := f.run(ctx, "TRUNCATE TABLE touchline."+table); err != nil {
			return err
		}
	}
	return nil
}

// variants are the combinations of views to measure.
func (f *feed) variants() []variant {
	all := []variant{{name: "table alone"}}
	for _, v := range f.views {
		all = append(all, variant{name: "with " + strings.TrimSuffix(v, "_mv"), views: []string{v}})
	}
	return append(all,
		variant{name: "with all", views: f.views},
		variant{name: "with identity_links and person_links", links: true},
		variant{name: "with all of these", views: f.views, links: true})
}

// measure posts the blocks with the variant's views on, and notes what they cost.
func (f *feed) measure(ctx context.Context, v *variant, blocks []block) error {
	for _, view := range v.views {
		if err := f.run(ctx, "ATTACH TABLE touchline."+view); err != nil {
			return err
		}
	}
	before, err := f.writer.used(ctx, f.writer.user.User)
	if err != nil {
		return err
	}
	for _, b := range blocks {
		err := f.post(ctx, "touchpoints", b.rows)
		if err == nil && v.links {
			err = f.post(ctx, "identity_links", b.links)
		}
		if err != nil {
			return fmt.Errorf("insert %s: %w", v.name, err)
		}
	}
	after, err := f.writer.used(ctx, f.writer.user.User)
	if err != nil {
		return err
	}
	rows, err := f.writer.number(ctx, "SELECT count() FROM touchline.touchpoints")
	if err != nil {
		return err
	}
	others, err := f.writer.number(ctx, `SELECT sum(total_rows) FROM system.tables WHERE database = 'touchline' AND engine LIKE '%MergeTree'
		AND name NOT IN ('schema_migrations', 'bi_access', 'touchpoints')`)
	if err != nil {
		return err
	}
	v.cpu = append(v.cpu, (after-before).Seconds()*1e6/float64(rows))
	v.rows = float64(others) / float64(rows)
	for _, view := range slices.Backward(v.views) {
		if err := f.run(ctx, "DETACH TABLE touchline."+view); err != nil {
			return err
		}
	}
	return f.empty(ctx)
}

// post inserts rows as landing does.
func (f *feed) post(ctx context.Context, table string, rows []byte) error {
	f.tokens++
	return f.writer.insert(ctx, "INSERT INTO touchline."+table+" FORMAT Native", rows, url.Values{
		"async_insert": {"0"}, "insert_deduplication_token": {fmt.Sprint("bench ", f.tokens)}, "max_partitions_per_insert_block": {"0"},
	})
}

// variant is touchpoints with some of its views, and with links or without.
type variant struct {
	name  string
	views []string
	links bool
	// cpu is seconds for a million rows, of each round.
	cpu []float64
	// rows are those of the views' targets for one of touchpoints.
	rows float64
}

// insertTable is what one kind of blocks costs.
type insertTable struct {
	name     string
	variants []variant
}

func (t insertTable) write(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "| inserts of %s | CPU-s per million rows, median of %d | range | times the table alone | rows of targets for one |\n|---|--:|--:|--:|--:|\n", t.name, insertRounds)
	value := func(x float64) float64 { return x }
	alone := median(t.variants[0].cpu, value)
	for _, v := range t.variants {
		m := median(v.cpu, value)
		fmt.Fprintf(&b, "| %s | %.2f | %.2f–%.2f | %.2f | %.2f |\n", v.name, m, slices.Min(v.cpu), slices.Max(v.cpu), m/alone, v.rows)
	}
	b.WriteString("\n")
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}
