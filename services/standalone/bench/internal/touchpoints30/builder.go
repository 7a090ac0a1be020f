package touchpoints30

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/denselog"
)

// Builder builds the block of one chunk. It is a landing.Builder and not safe for
// concurrent use.
type Builder struct {
	clickhouse.Columns
	enriched event.Enriched
	records  int

	project, event, kind, source, utmSource, utmCampaign, deviceType, os *clickhouse.LowColumn
	browser, locale, library, country                                    *clickhouse.LowColumn
	messageID, anonymousID, userID, url, pageTitle, referrer, ip         *clickhouse.StringColumn
	browserVersion, properties, context                                  *clickhouse.StringColumn
	personID, sessionID, srcOffset                                       *clickhouse.UInt64Column
	eventTime, receivedAt                                                *clickhouse.TimeColumn
	eventID, receiptID                                                   *clickhouse.UUIDColumn
	revenue                                                              *clickhouse.MoneyColumn
}

// New returns an empty builder.
func New() *Builder {
	b := &Builder{Columns: clickhouse.NewColumns(Table())}
	c := &b.Columns
	b.project = c.Low("project")
	b.event = c.Low("event")
	b.personID = c.UInt64("person_id")
	b.eventTime = c.Time("event_time")
	b.eventID = c.UUID("event_id")
	b.receiptID = c.UUID("receipt_id")
	b.messageID = c.Str("message_id")
	b.kind = c.Low("type")
	b.source = c.Low("source")
	b.anonymousID = c.Str("anonymous_id")
	b.userID = c.Str("user_id")
	b.sessionID = c.UInt64("session_id")
	b.receivedAt = c.Time("received_at")
	b.url = c.Str("url")
	b.pageTitle = c.Str("page_title")
	b.referrer = c.Str("referrer")
	b.utmSource = c.Low("utm_source")
	b.utmCampaign = c.Low("utm_campaign")
	b.deviceType = c.Low("device_type")
	b.os = c.Low("os")
	b.browser = c.Low("browser")
	b.browserVersion = c.Str("browser_version")
	b.locale = c.Low("locale")
	b.library = c.Low("library")
	b.ip = c.Str("ip")
	b.country = c.Low("country")
	b.revenue = c.Money("revenue")
	b.properties = c.Str("properties")
	b.context = c.Str("context")
	b.srcOffset = c.UInt64("src_offset")
	c.Complete()
	return b
}

// Begin implements landing.Builder. The table does not have the source.
func (b *Builder) Begin(string, int32) { b.Reset() }

// Add implements landing.Builder.
func (b *Builder) Add(r *kgo.Record, at denselog.Position) error {
	if err := b.enriched.Decode(r.Value); err != nil {
		return fmt.Errorf("decode enriched record: %w", err)
	}
	b.records++
	if b.enriched.Outcome == event.Stored {
		b.add(&b.enriched, at.Src)
	}
	return nil
}

func (b *Builder) add(e *event.Enriched, src int64) {
	t := &e.Touchpoint
	b.project.Append(e.Project)
	b.event.Append(t.Event)
	b.personID.Append(t.PersonID)
	b.eventTime.Append(t.EventTime)
	b.eventID.Append(t.EventID)
	b.receiptID.Append(t.ReceiptID)
	b.messageID.Append(t.MessageID)
	b.kind.Append(t.Type)
	b.source.Append(t.Source)
	b.anonymousID.Append(t.AnonymousID)
	b.userID.Append(t.UserID)
	b.sessionID.Append(t.SessionID)
	b.receivedAt.Append(e.ReceivedAt)
	b.url.Append(t.URL)
	b.pageTitle.Append(t.PageTitle)
	b.referrer.Append(t.Referrer)
	b.utmSource.Append(t.UTMSource)
	b.utmCampaign.Append(t.UTMCampaign)
	b.deviceType.Append(t.DeviceType)
	b.os.Append(t.OS)
	b.browser.Append(t.Browser)
	b.browserVersion.Append(t.BrowserVersion)
	b.locale.Append(t.Locale)
	b.library.Append(t.Library)
	b.ip.Append(t.IP)
	b.country.Append(t.Country)
	b.revenue.Append(t.RevenueE4)
	b.properties.AppendBytes(t.Properties)
	b.context.AppendBytes(t.Context)
	b.srcOffset.Append(uint64(src))
}

// Rows implements landing.Builder. It returns the number of records, as the
// enricher's builder does.
func (b *Builder) Rows() int { return b.records }

// Blocks implements landing.Builder.
func (b *Builder) Blocks(_, _ int64) []clickhouse.Block { return []clickhouse.Block{b.Block()} }

// keep is the memory that Reset keeps, in bytes, as the enricher's builder does.
const keep = 8 << 20

// Reset implements landing.Builder.
func (b *Builder) Reset() {
	b.Columns.Reset(keep)
	b.records = 0
}
