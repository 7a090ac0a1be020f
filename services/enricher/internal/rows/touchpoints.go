package rows

import (
	"github.com/google/uuid"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/clickhouse"
)

// touchpoints builds the block of table touchpoints.
type touchpoints struct {
	clickhouse.Columns
	topic     string
	partition int32

	project, event, kindOfCall, kind, channel, source, protocol *clickhouse.LowColumn
	groupType, urlOrigin, referrerOrigin, acquisitionChannel    *clickhouse.LowColumn
	utmSource, utmMedium, utmCampaign, utmContent, utmTerm      *clickhouse.LowColumn
	clickIDName, deviceType, os, osVersion, browser             *clickhouse.LowColumn
	browserVersion, appVersion, locale, timezone, library       *clickhouse.LowColumn
	libraryVersion, country, region, city, currency, consent    *clickhouse.LowColumn
	srcTopic                                                    *clickhouse.LowColumn
	personID, sessionID, srcOffset                              *clickhouse.UInt64Column
	eventTime, receivedAt                                       *clickhouse.TimeColumn
	eventID, receiptID                                          *clickhouse.UUIDColumn
	messageID, name, anonymousID, userID, previousID, groupID   *clickhouse.StringColumn
	urlPath, urlQuery, pageTitle, referrerPath, clickID, ip     *clickhouse.StringColumn
	orderID, properties, traits, context                        *clickhouse.StringColumn
	day                                                         *clickhouse.DateColumn
	hasOriginalTimestamp, hasSentAt, isBot                      *clickhouse.BoolColumn
	shiftMS, skewMS                                             *clickhouse.Int64Column
	timeSource, schemaStatus                                    *clickhouse.EnumColumn
	botReasons                                                  *clickhouse.ArrayColumn[*clickhouse.LowColumn]
	revenue                                                     *clickhouse.MoneyColumn
	enrichmentVersion                                           *clickhouse.UInt32Column
	srcPartition                                                *clickhouse.UInt16Column
}

func newTouchpoints(topic string, partition int32) *touchpoints {
	b := &touchpoints{Columns: clickhouse.NewColumns(schema.Touchpoints()), topic: topic, partition: partition}
	c := &b.Columns
	b.project = c.Low("project")
	b.event = c.Low("event")
	b.personID = c.UInt64("person_id")
	b.eventTime = c.Time("event_time")
	b.eventID = c.UUID("event_id")
	b.messageID = c.Str("message_id")
	b.receiptID = c.UUID("receipt_id")
	b.kindOfCall = c.Low("type")
	b.name = c.Str("name")
	b.kind = c.Low("kind")
	b.channel = c.Low("channel")
	b.source = c.Low("source")
	b.protocol = c.Low("protocol")
	b.anonymousID = c.Str("anonymous_id")
	b.userID = c.Str("user_id")
	b.previousID = c.Str("previous_id")
	b.groupID = c.Str("group_id")
	b.groupType = c.Low("group_type")
	b.sessionID = c.UInt64("session_id")
	b.day = c.Date("day")
	b.hasOriginalTimestamp = c.Bool("has_original_timestamp")
	b.shiftMS = c.Int64("shift_ms")
	b.receivedAt = c.Time("received_at")
	b.hasSentAt = c.Bool("has_sent_at")
	b.skewMS = c.Int64("skew_ms")
	b.timeSource = c.Enum("time_source")
	b.urlOrigin = c.Low("url_origin")
	b.urlPath = c.Str("url_path")
	b.urlQuery = c.Str("url_query")
	b.pageTitle = c.Str("page_title")
	b.referrerOrigin = c.Low("referrer_origin")
	b.referrerPath = c.Str("referrer_path")
	b.acquisitionChannel = c.Low("acquisition_channel")
	b.utmSource = c.Low("utm_source")
	b.utmMedium = c.Low("utm_medium")
	b.utmCampaign = c.Low("utm_campaign")
	b.utmContent = c.Low("utm_content")
	b.utmTerm = c.Low("utm_term")
	b.clickIDName = c.Low("click_id_name")
	b.clickID = c.Str("click_id")
	b.deviceType = c.Low("device_type")
	b.os = c.Low("os")
	b.osVersion = c.Low("os_version")
	b.browser = c.Low("browser")
	b.browserVersion = c.Low("browser_version")
	b.appVersion = c.Low("app_version")
	b.locale = c.Low("locale")
	b.timezone = c.Low("timezone")
	b.ip = c.Str("ip")
	b.library = c.Low("library")
	b.libraryVersion = c.Low("library_version")
	b.isBot = c.Bool("is_bot")
	b.botReasons = c.Lows("bot_reasons")
	b.country = c.Low("country")
	b.region = c.Low("region")
	b.city = c.Low("city")
	b.revenue = c.Money("revenue")
	b.currency = c.Low("currency")
	b.orderID = c.Str("order_id")
	b.consent = c.Low("consent")
	b.properties = c.Str("properties")
	b.traits = c.Str("traits")
	b.context = c.Str("context")
	b.schemaStatus = c.Enum("schema_status")
	b.enrichmentVersion = c.UInt32("enrichment_version")
	b.srcTopic = c.Low("src_topic")
	b.srcPartition = c.UInt16("src_partition")
	b.srcOffset = c.UInt64("src_offset")
	c.Complete()
	return b
}

// add appends the row of a stored event. What the view analytics.touchpoints can
// compute from other columns is not stored; the migration of the table says how.
func (b *touchpoints) add(e *event.Enriched, src int64) {
	t := &e.Touchpoint
	receipt := uuid.UUID(t.ReceiptID)
	if t.ReceiptID == t.EventID {
		receipt = uuid.Nil
	}
	var shift, skew int64
	hasOriginal := t.HasOriginalTimestamp && clickhouse.InRange(t.OriginalTimestamp)
	if hasOriginal {
		shift = clickhouse.Millis(t.EventTime) - t.OriginalTimestamp
	}
	hasSent := t.HasSentAt && clickhouse.InRange(t.SentAt)
	if hasSent {
		skew = clickhouse.Millis(e.ReceivedAt) - t.SentAt
	}
	origin, path, query := schema.SplitURL(t.URL)
	refOrigin, refPath := schema.SplitReferrer(t.Referrer)

	b.project.Append(e.Project)
	b.event.Append(t.Event)
	b.personID.Append(t.PersonID)
	b.eventTime.Append(t.EventTime)
	b.eventID.Append(t.EventID)
	b.messageID.Append(t.MessageID)
	b.receiptID.Append(receipt)
	b.kindOfCall.Append(t.Type)
	b.name.Append(t.Name)
	b.kind.Append(t.Kind)
	b.channel.Append(t.Channel)
	b.source.Append(t.Source)
	b.protocol.Append(t.Protocol)
	b.anonymousID.Append(t.AnonymousID)
	b.userID.Append(t.UserID)
	b.previousID.Append(t.PreviousID)
	b.groupID.Append(t.GroupID)
	b.groupType.Append(t.GroupType)
	b.sessionID.Append(t.SessionID)
	b.day.Append(t.Day)
	b.hasOriginalTimestamp.Append(hasOriginal)
	b.shiftMS.Append(shift)
	b.receivedAt.Append(e.ReceivedAt)
	b.hasSentAt.Append(hasSent)
	b.skewMS.Append(skew)
	b.timeSource.Append(timeSource(t.TimeSource))
	b.urlOrigin.Append(origin)
	b.urlPath.Append(path)
	b.urlQuery.Append(query)
	b.pageTitle.Append(t.PageTitle)
	b.referrerOrigin.Append(refOrigin)
	b.referrerPath.Append(refPath)
	b.acquisitionChannel.Append(t.AcquisitionChannel)
	b.utmSource.Append(t.UTMSource)
	b.utmMedium.Append(t.UTMMedium)
	b.utmCampaign.Append(t.UTMCampaign)
	b.utmContent.Append(t.UTMContent)
	b.utmTerm.Append(t.UTMTerm)
	b.clickIDName.Append(t.ClickIDName)
	b.clickID.Append(t.ClickID)
	b.deviceType.Append(t.DeviceType)
	b.os.Append(t.OS)
	b.osVersion.Append(t.OSVersion)
	b.browser.Append(t.Browser)
	b.browserVersion.Append(t.BrowserVersion)
	b.appVersion.Append(t.AppVersion)
	b.locale.Append(t.Locale)
	b.timezone.Append(t.Timezone)
	b.ip.Append(t.IP)
	b.library.Append(t.Library)
	b.libraryVersion.Append(t.LibraryVersion)
	b.isBot.Append(t.IsBot)
	for _, reason := range t.BotReasons {
		b.botReasons.Values.Append(reason)
	}
	b.botReasons.EndRow()
	b.country.Append(t.Country)
	b.region.Append(t.Region)
	b.city.Append(t.City)
	b.revenue.Append(t.RevenueE4)
	b.currency.Append(t.Currency)
	b.orderID.Append(t.OrderID)
	b.consent.Append(t.Consent)
	b.properties.AppendBytes(t.Properties)
	b.traits.AppendBytes(t.Traits)
	b.context.AppendBytes(t.Context)
	b.schemaStatus.Append(schemaStatus(t.SchemaStatus))
	b.enrichmentVersion.Append(e.EnrichmentVersion)
	b.srcTopic.Append(b.topic)
	b.srcPartition.Append(uint16(b.partition))
	b.srcOffset.Append(uint64(src))
}
