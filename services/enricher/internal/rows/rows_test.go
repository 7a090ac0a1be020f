package rows_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/rows"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/denselog"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

// insert builds the rows of the events and lands them in a migrated server.
func insert(t *testing.T, topic string, events []event.Enriched) *clickhousetest.Server {
	t.Helper()
	server := clickhousetest.Start(t)
	conn := server.Open(t, server.Writer)
	account := clickhouse.Account{User: server.Writer.User, Password: server.Writer.Password}
	if _, err := clickhouse.Migrate(t.Context(), conn, account); err != nil {
		t.Fatal(err)
	}
	b := rows.New(topic, 3)
	for i := range events {
		if err := b.Add(&kgo.Record{Value: events[i].Append(nil)}, denselog.Position{Src: int64(1000 + i), Prev: int64(999 + i)}); err != nil {
			t.Fatal(err)
		}
	}
	inserter := clickhouse.NewInserter(clickhouse.Config{
		URL: server.URL, User: server.Writer.User, Password: config.NewSecret(server.Writer.Password),
	})
	for _, block := range b.Blocks(denselog.None, int64(999+len(events))) {
		if block.Rows() == 0 {
			continue
		}
		if err := inserter.Insert(t.Context(), topic, block); err != nil {
			t.Fatal(err)
		}
	}
	return server
}

func TestBuilder_aTouchpointReadsBackAsItWas(t *testing.T) {
	topic := uuid.NewString()
	at := time.Date(2026, 1, 31, 23, 59, 59, 123e6, time.UTC)
	want := event.Touchpoint{
		EventID: uuid.New(), MessageID: "m-1", ReceiptID: uuid.New(), Type: "track", Event: "Order Completed", Name: "Täna 🎉", Kind: "purchase",
		Channel: "web", Source: "site", Protocol: "segment", AnonymousID: "a", UserID: "u", PreviousID: "p", GroupID: "g", GroupType: "company",
		PersonID: math.MaxUint64, SessionID: 0xAB, EventTime: at.UnixMilli(), Day: int32(at.Unix() / 86400),
		OriginalTimestamp: at.UnixMilli() - 5000, HasOriginalTimestamp: true, SentAt: at.UnixMilli() + 1, HasSentAt: true, TimeSource: event.TimeCorrected,
		URL: "https://shop.example:8443/a/b?x=1#y", PageTitle: "سلام", Referrer: "https://www.google.com/search?q=1", UTMSource: "google", UTMMedium: "cpc",
		UTMCampaign: "spring", UTMContent: "c", UTMTerm: "t", ClickIDName: "gclid", ClickID: "1", DeviceType: "mobile", OS: "iOS", OSVersion: "17",
		Browser: "Safari", BrowserVersion: "17", AppVersion: "1.2", Locale: "et-EE", Timezone: "Europe/Tallinn", IP: "203.0.113.7",
		Library: "l", LibraryVersion: "1", IsBot: true, BotReasons: []string{"user_agent", "x"}, Country: "EE", Region: "Harju", City: "Tallinn",
		RevenueE4: -1299001, Currency: "EUR", OrderID: "o-1", Consent: "Analytics", Properties: []byte(`{"a":[1,null,"x"],"b":1.0}`),
		Traits: []byte(`{}`), Context: []byte("{\"c\":\"\x00\"}"), SchemaStatus: "none",
	}
	received := at.UnixMilli() + 60_000
	server := insert(t, topic, []event.Enriched{{Outcome: event.Stored, Project: "roundtrip", ReceivedAt: received, EnrichmentVersion: 7, Touchpoint: want}})
	columns := map[string]string{
		"event_id": uuid.UUID(want.EventID).String(), "message_id": "m-1", "receipt_id": uuid.UUID(want.ReceiptID).String(),
		"type": "track", "event": "Order Completed", "name": "Täna 🎉", "kind": "purchase", "channel": "web", "source": "site", "protocol": "segment",
		"anonymous_id": "a", "user_id": "u", "previous_id": "p", "group_id": "g", "group_type": "company",
		"person_id": "FFFFFFFFFFFFFFFF", "session_id": "00000000000000AB", "event_time": "2026-01-31 23:59:59.123", "day": "2026-01-31",
		"original_timestamp": "2026-01-31 23:59:54.123", "sent_at": "2026-01-31 23:59:59.124", "received_at": "2026-02-01 00:00:59.123",
		"skew_ms": "59999", "time_source": "corrected", "url": want.URL, "url_host": "shop.example", "url_path": "/a/b", "page_title": "سلام",
		"referrer": want.Referrer, "referrer_host": "www.google.com", "utm_source": "google", "utm_medium": "cpc", "utm_campaign": "spring",
		"utm_content": "c", "utm_term": "t", "click_id_name": "gclid", "click_id": "1", "device_type": "mobile", "os": "iOS", "os_version": "17",
		"browser": "Safari", "browser_version": "17", "app_version": "1.2", "locale": "et-EE", "timezone": "Europe/Tallinn", "ip": "203.0.113.7",
		"library": "l", "library_version": "1", "is_bot": "true", "bot_reasons": "user_agent,x", "country": "EE", "region": "Harju", "city": "Tallinn",
		"revenue": "-129.9001", "currency": "EUR", "order_id": "o-1", "consent": "Analytics", "properties": `{"a":[1,null,"x"],"b":1.0}`,
		"traits": "{}", "context": "{\"c\":\"\x00\"}", "schema_status": "none", "enrichment_version": "7",
	}
	conn := server.Open(t, server.BI)
	for name, value := range columns {
		var s string
		// Column names are those of the table above.
		if err := conn.QueryRow(t.Context(), "SELECT toString("+name+") FROM analytics.touchpoints WHERE project = 'roundtrip'").Scan(&s); err != nil {
			t.Fatalf("read %s: %v", name, err)
		}
		if s != value {
			t.Errorf("%s reads back as %q, want %q", name, s, value)
		}
	}
}

// Whatever values a touchpoint holds, the server takes the row: text of any
// bytes, times and days far outside their types' ranges.
func TestBuilder_theServerTakesEveryValue(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 3))
	texts := []string{"", "a", "\x00", "\xff\xfe", "'; DROP TABLE x --", strings.Repeat("é", 5000), "😀", "\n\t\\"}
	numbers := []int64{0, -1, 1, math.MinInt64, math.MaxInt64, -1 << 40, 1 << 50, 1795290315405}
	text := func() string { return texts[rnd.IntN(len(texts))] }
	number := func() int64 { return numbers[rnd.IntN(len(numbers))] }
	var events []event.Enriched
	// An event time out of range never arrives here: the time step clamps it. An
	// old time of receipt would let the table drop the rejection as expired.
	const n = 300
	for i := range n {
		tp := event.Touchpoint{
			EventID: uuid.New(), MessageID: text(), Type: text(), Event: "e" + text(), Name: text(), Channel: text(), AnonymousID: text(), UserID: text(),
			PersonID: rnd.Uint64(), SessionID: rnd.Uint64(), EventTime: 1795290315405 + int64(i), Day: int32(number()),
			OriginalTimestamp: number(), HasOriginalTimestamp: rnd.IntN(2) == 0, SentAt: number(), HasSentAt: rnd.IntN(2) == 0,
			TimeSource: event.TimeSource(text()), URL: text(), Referrer: text(), UTMSource: text(), OS: text(), BotReasons: []string{text(), text()},
			RevenueE4: number() % 1e17, Currency: text(), Properties: []byte(text()), Traits: []byte(text()), Context: []byte(text()), SchemaStatus: text(),
		}
		events = append(events,
			event.Enriched{Outcome: event.Stored, Project: "extremes", ReceivedAt: 1795290315405, Touchpoint: tp},
			event.Enriched{Outcome: event.Rejected, Reason: event.MalformedJSON, Project: "extremes", ReceivedAt: time.Now().UnixMilli(), Rejection: event.Rejection{
				Stage: "adapt", Message: text(), Field: text(), ReceiptID: uuid.New(),
				Raw: event.Raw{Protocol: "segment", Event: []byte(text()), Context: []byte(text()), ClientIP: text(), Headers: []event.Header{{Name: "dnt", Value: text()}}},
			}}, event.Enriched{Outcome: event.Duplicate, Project: "extremes"})
	}
	server := insert(t, uuid.NewString(), events)
	conn := server.Open(t, server.Writer)
	for _, table := range []string{"touchpoints", "rejected"} {
		var rows uint64
		if err := conn.QueryRow(t.Context(), fmt.Sprintf("SELECT count() FROM touchline.%s WHERE project = 'extremes'", table)).Scan(&rows); err != nil || rows != n {
			t.Errorf("%s has %d rows (%v), want %d", table, rows, err, n)
		}
	}
}

func TestBuilder_refusesARecordThatIsNone(t *testing.T) {
	b := rows.New("t", 0)
	if err := b.Add(&kgo.Record{Value: []byte{0xff, 0xff}}, denselog.Position{Prev: -1}); err == nil {
		t.Error("an undecodable record was taken")
	}
	unknown := event.Enriched{Outcome: "exploded"}
	if err := b.Add(&kgo.Record{Value: unknown.Append(nil)}, denselog.Position{Prev: -1}); err == nil {
		t.Error("an unknown outcome was taken")
	}
	if b.Rows() != 0 {
		t.Errorf("%d rows were built", b.Rows())
	}
}
