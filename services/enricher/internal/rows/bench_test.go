package rows_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/rows"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/denselog"
)

// visits returns n records of the dense log: events of the visitors of a shop, as they
// are interleaved in a partition, with the fields that a browser SDK fills. It is the same
// list each time.
func visits(n int) []*kgo.Record {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	type visitor struct {
		id, os, browser, version, locale, country, city, campaign, ip string
		session                                                       uint64
	}
	visitors := make([]visitor, 400)
	for i := range visitors {
		visitors[i] = visitor{
			id: uuid.NewSHA1(uuid.NameSpaceOID, binary.AppendVarint(nil, int64(i))).String(), os: pick("Windows", "macOS", "iOS", "Android", "Linux"),
			browser: pick("Chrome", "Safari", "Firefox", "Edge"), version: fmt.Sprint(118 + r.IntN(14)), locale: pick("de-DE", "en-US", "et-EE", "fr-FR"),
			country: pick("DE", "US", "EE", "FR", "GB"), city: pick("Berlin", "Boston", "Tallinn", "Paris", "Leeds", "Austin"),
			campaign: pick("", "", "", "spring", "brand"), ip: fmt.Sprintf("203.0.113.%d", r.IntN(256)), session: r.Uint64(),
		}
	}
	records := make([]*kgo.Record, n)
	for i := range records {
		v := visitors[r.IntN(len(visitors))]
		product, at := r.IntN(500), 1_795_290_315_405+int64(i)*3
		url := fmt.Sprintf("https://shop.example/products/item-%d?color=%s&ref=home", product, pick("red", "blue", "green"))
		e := event.Enriched{
			Outcome: event.Stored, Project: "shop", ReceivedAt: at, EnrichmentVersion: 3,
			Touchpoint: event.Touchpoint{
				EventID: uuid.UUID{0: byte(i), 1: byte(i >> 8), 2: byte(i >> 16), 15: 1}, ReceiptID: uuid.UUID{0: byte(i), 1: byte(i >> 8), 2: byte(i >> 16), 15: 2},
				MessageID: fmt.Sprintf("ajs-next-%d-%08x", at, r.Uint32()), Type: pick("track", "track", "page"),
				Event: pick("page_view", "page_view", "Product Viewed", "Product Added", "Checkout Started", "Order Completed"), Channel: "web", Source: "web", Protocol: "segment",
				AnonymousID: v.id, PersonID: v.session * 31, SessionID: v.session, EventTime: at - 120, Day: 20779,
				OriginalTimestamp: at - 150, HasOriginalTimestamp: true, SentAt: at - 30, HasSentAt: true, TimeSource: event.TimeCorrected,
				URL: url, PageTitle: fmt.Sprintf("Item %d - Shop", product), Referrer: "https://shop.example/", UTMSource: v.campaign, UTMCampaign: v.campaign,
				DeviceType: "desktop", OS: v.os, Browser: v.browser, BrowserVersion: v.version, Locale: v.locale, Timezone: "Europe/Berlin", IP: v.ip,
				Library: "analytics.js", LibraryVersion: "npm:next-1.81.1", Country: v.country, City: v.city, RevenueE4: int64(product) * 10_000, Currency: "EUR",
				Properties:   fmt.Appendf(nil, `{"product_id":"item-%d","sku":"G-%d","category":"Games","name":"Item %d","brand":"Hasbro","price":%d.99,"quantity":1,"position":%d}`, product, product, product, product, r.IntN(40)),
				Context:      fmt.Appendf(nil, `{"page":{"path":"/products/item-%d","referrer":"https://shop.example/","search":"?color=red&ref=home","title":"Item %d - Shop","url":%q},"userAgentData":{"brands":[{"brand":"Chromium","version":%q},{"brand":"Not=A?Brand","version":"24"}],"mobile":false,"platform":%q},"locale":%q,"timezone":"Europe/Berlin"}`, product, product, url, v.version, v.os, v.locale),
				SchemaStatus: "none",
			},
		}
		records[i] = &kgo.Record{Value: e.Append(nil)}
	}
	return records
}

// build adds the records to the builder.
func build(tb testing.TB, b *rows.Builder, records []*kgo.Record) {
	for i, r := range records {
		if err := b.Add(r, denselog.Position{Src: int64(i), Prev: int64(i - 1)}); err != nil {
			tb.Fatal(err)
		}
		if b.Bytes() <= 0 { // asked after each record, as the landing does
			tb.Fatal("no bytes")
		}
	}
}

// perRow reports the CPU time of the process, which ClickHouse is no part of, and the
// memory that is allocated, by row.
func perRow(b *testing.B, rows int, run func()) {
	b.ReportAllocs()
	run() // grows the memory
	b.ResetTimer()
	before := cpu(b)
	for range b.N {
		run()
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N*rows), "cpu-ns/row")
}

func cpu(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// chunk is the size of a chunk under load, in one partition of twelve.
const chunk = 8000

func BenchmarkBuild(b *testing.B) {
	records, builder := visits(chunk), rows.New("t", 0)
	perRow(b, chunk, func() {
		builder.Begin("t", 0)
		build(b, builder, records)
	})
	b.ReportMetric(float64(builder.Bytes())/chunk, "bytes/row")
}

// BenchmarkLand builds the chunk of a partition and sends it, as BenchmarkInsert does.
func BenchmarkLand(b *testing.B) {
	inserter := newInserter(b)
	records, builder := visits(chunk), rows.New("t", 0)
	perRow(b, chunk, func() {
		builder.Begin("t", 0)
		build(b, builder, records)
		block := builder.Blocks(denselog.None, chunk-1)[0]
		block.Table = clickhouse.TouchpointsProbe
		if err := inserter.Insert(b.Context(), uuid.NewString(), block); err != nil {
			b.Fatal(err)
		}
	})
}

// newInserter returns an inserter into a migrated server.
func newInserter(b *testing.B) *clickhouse.Inserter {
	server := clickhousetest.Start(b)
	account := clickhouse.Account{User: server.Writer.User, Password: server.Writer.Password}
	if _, err := clickhouse.Migrate(b.Context(), server.Open(b, server.Writer), account); err != nil {
		b.Fatal(err)
	}
	inserter := clickhouse.NewInserter(server.Config())
	b.Cleanup(inserter.Close)
	return inserter
}

func BenchmarkEncode(b *testing.B) {
	builder := rows.New("t", 0)
	build(b, builder, visits(chunk))
	var small proto.Buffer
	w := proto.NewWriter(io.Discard, &small)
	perRow(b, chunk, func() {
		for _, block := range builder.Blocks(denselog.None, chunk-1) {
			head := proto.Block{Columns: len(block.Input), Rows: block.Rows()}
			if err := head.WriteBlock(w, 0, block.Input); err != nil {
				b.Fatal(err)
			}
			if _, err := w.Flush(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkInsert sends the rows of one and of twelve partitions to the twin of the
// table, which checks them and keeps none.
func BenchmarkInsert(b *testing.B) {
	for _, partitions := range []int{1, 12} {
		b.Run(fmt.Sprintf("partitions=%d", partitions), func(b *testing.B) {
			inserter := newInserter(b)
			records := visits(chunk)
			blocks := make([]clickhouse.Block, partitions)
			for p := range blocks {
				builder := rows.New("t", int32(p))
				build(b, builder, records)
				blocks[p] = builder.Blocks(denselog.None, chunk-1)[0]
				blocks[p].Table = clickhouse.TouchpointsProbe
			}
			perRow(b, chunk*partitions, func() {
				if err := inserter.Insert(b.Context(), uuid.NewString(), blocks...); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
