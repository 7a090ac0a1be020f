package oracle

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	clickhousego "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"touchline.dev/services/internal/analytics"
)

// blocks is over how many inserts rows are strewn, so that each stream lies in
// several parts that are not merged yet.
const blocks = 12

// Arrival is how the events of projects come in. No answer may depend on it.
type Arrival struct {
	// Order sorts the events of all projects together; nil is a random order.
	Order func(a, b analytics.Event) int
	// Blocks is over how many inserts they are strewn.
	Blocks int
	// Again sends every second block twice under its deduplication token, as a service
	// does that does not know whether its insert went through.
	Again bool
	// PersonsFirst makes persons known before their first event.
	PersonsFirst bool
	// Merged merges all parts of each table to one for each partition.
	Merged bool
}

// Load inserts the events of projects, in random order over several blocks, some of
// them twice, and their overrides. It may be called again for further projects.
func (w *World) Load(t testing.TB, r *rand.Rand, projects []Project) {
	t.Helper()
	w.LoadAs(t, r, projects, Arrival{Blocks: blocks, Again: true})
}

// LoadAs inserts the events of projects and their overrides as they arrive.
func (w *World) LoadAs(t testing.TB, r *rand.Rand, projects []Project, a Arrival) {
	t.Helper()
	w.insertZones(t, projects)
	if a.PersonsFirst {
		w.Override(t, projects)
	}
	var rows []row
	for _, p := range projects {
		for _, e := range p.Events {
			rows = append(rows, row{p.Name, e})
		}
	}
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	if a.Order != nil {
		slices.SortStableFunc(rows, func(x, y row) int { return a.Order(x.Event, y.Event) })
	}
	token, n := r.Uint64(), 0
	for block := range slices.Chunk(rows, len(rows)/a.Blocks+1) {
		ctx := clickhousego.Context(t.Context(), clickhousego.WithSettings(clickhousego.Settings{
			"insert_deduplication_token": fmt.Sprintf("%x/%d", token, n),
		}))
		w.insertEvents(ctx, t, block)
		if a.Again && n%2 == 0 {
			w.insertEvents(ctx, t, block)
		}
		n++
	}
	if !a.PersonsFirst {
		w.Override(t, projects)
	}
	if a.Merged {
		for _, name := range w.tables(t) {
			w.exec(t, "OPTIMIZE TABLE touchline."+name+" FINAL")
		}
	}
}

type row struct {
	project string
	analytics.Event
}

func (w *World) insertEvents(ctx context.Context, t testing.TB, rows []row) {
	t.Helper()
	insert(ctx, t, w.Writer, `touchline.touchpoints (project, event, person_id, event_time, day, received_at, is_bot,
		src_topic, src_partition, src_offset, event_id, kind, type, url_path, name, session_id, channel, acquisition_channel,
		utm_source, utm_medium, utm_campaign, device_type, country, referrer_origin, user_id, anonymous_id,
		revenue, currency, order_id, properties)`, rows, func(batch driver.Batch, r row) error {
		referrer := ""
		if r.Referrer != "" {
			referrer = "https://" + r.Referrer
		}
		return batch.Append(r.project, r.Name, r.Person, time.UnixMilli(r.Time), Date(r.Day), ReceivedAt(r.Event), r.Bot,
			Topic, r.Partition, r.Offset, rowID(r), r.Kind, r.Type, r.Path, r.Title, r.Session, r.Channel, r.Acquisition,
			r.Source, r.Medium, r.Campaign, r.Device, r.Country, referrer, r.User, r.Anonymous,
			decimal.New(r.Revenue, -4), r.Currency, r.Order, propertiesText(r.Properties))
	})
}

// Insert inserts rows as one block; into is the table with its columns.
func Insert[R any](t testing.TB, conn driver.Conn, into string, rows []R, appendRow func(driver.Batch, R) error) {
	t.Helper()
	insert(t.Context(), t, conn, into, rows, appendRow)
}

func insert[R any](ctx context.Context, t testing.TB, conn driver.Conn, into string, rows []R, appendRow func(driver.Batch, R) error) {
	t.Helper()
	if len(rows) == 0 {
		return
	}
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+into)
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Close() //nolint:errcheck // it has been sent, or the test has failed
	for _, r := range rows {
		if err := appendRow(batch, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}
