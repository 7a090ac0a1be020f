package rows

import (
	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/uuid"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/schemas/event"
)

// touchpoints builds the block of table touchpoints.
type touchpoints struct {
	columns
	topic     string
	partition int32

	project, event, kindOfCall, kind, channel, source, protocol *proto.ColLowCardinality[string]
	groupType, urlOrigin, referrerOrigin, acquisitionChannel    *proto.ColLowCardinality[string]
	utmSource, utmMedium, utmCampaign, utmContent, utmTerm      *proto.ColLowCardinality[string]
	clickIDName, deviceType, os, osVersion, browser             *proto.ColLowCardinality[string]
	browserVersion, appVersion, locale, timezone, library       *proto.ColLowCardinality[string]
	libraryVersion, country, region, city, currency, consent    *proto.ColLowCardinality[string]
	srcTopic                                                    *proto.ColLowCardinality[string]
	personID, sessionID, srcOffset                              *proto.ColUInt64
	eventTime, receivedAt                                       *proto.ColDateTime64
	eventID, receiptID                                          *proto.ColUUID
	messageID, name, anonymousID, userID, previousID, groupID   *proto.ColStr
	urlPath, urlQuery, pageTitle, referrerPath, clickID, ip     *proto.ColStr
	orderID, properties, traits, context                        *proto.ColStr
	day                                                         *proto.ColDate
	hasOriginalTimestamp, hasSentAt, isBot                      *proto.ColBool
	shiftMS, skewMS                                             *proto.ColInt64
	timeSource, schemaStatus                                    *enumColumn
	botReasons                                                  *proto.ColArr[string]
	revenue                                                     *decimalColumn
	enrichmentVersion                                           *proto.ColUInt32
	srcPartition                                                *proto.ColUInt16
}

func newTouchpoints(topic string, partition int32) *touchpoints {
	b := &touchpoints{columns: columns{table: schema.Touchpoints()}, topic: topic, partition: partition}
	c := &b.columns
	b.project = c.low("project")
	b.event = c.low("event")
	b.personID = add(c, "person_id", new(proto.ColUInt64))
	b.eventTime = c.time("event_time")
	b.eventID = add(c, "event_id", new(proto.ColUUID))
	b.messageID = c.str("message_id")
	b.receiptID = add(c, "receipt_id", new(proto.ColUUID))
	b.kindOfCall = c.low("type")
	b.name = c.str("name")
	b.kind = c.low("kind")
	b.channel = c.low("channel")
	b.source = c.low("source")
	b.protocol = c.low("protocol")
	b.anonymousID = c.str("anonymous_id")
	b.userID = c.str("user_id")
	b.previousID = c.str("previous_id")
	b.groupID = c.str("group_id")
	b.groupType = c.low("group_type")
	b.sessionID = add(c, "session_id", new(proto.ColUInt64))
	b.day = add(c, "day", new(proto.ColDate))
	b.hasOriginalTimestamp = add(c, "has_original_timestamp", new(proto.ColBool))
	b.shiftMS = add(c, "shift_ms", new(proto.ColInt64))
	b.receivedAt = c.time("received_at")
	b.hasSentAt = add(c, "has_sent_at", new(proto.ColBool))
	b.skewMS = add(c, "skew_ms", new(proto.ColInt64))
	b.timeSource = c.enum("time_source")
	b.urlOrigin = c.low("url_origin")
	b.urlPath = c.str("url_path")
	b.urlQuery = c.str("url_query")
	b.pageTitle = c.str("page_title")
	b.referrerOrigin = c.low("referrer_origin")
	b.referrerPath = c.str("referrer_path")
	b.acquisitionChannel = c.low("acquisition_channel")
	b.utmSource = c.low("utm_source")
	b.utmMedium = c.low("utm_medium")
	b.utmCampaign = c.low("utm_campaign")
	b.utmContent = c.low("utm_content")
	b.utmTerm = c.low("utm_term")
	b.clickIDName = c.low("click_id_name")
	b.clickID = c.str("click_id")
	b.deviceType = c.low("device_type")
	b.os = c.low("os")
	b.osVersion = c.low("os_version")
	b.browser = c.low("browser")
	b.browserVersion = c.low("browser_version")
	b.appVersion = c.low("app_version")
	b.locale = c.low("locale")
	b.timezone = c.low("timezone")
	b.ip = c.str("ip")
	b.library = c.low("library")
	b.libraryVersion = c.low("library_version")
	b.isBot = add(c, "is_bot", new(proto.ColBool))
	b.botReasons = add(c, "bot_reasons", new(proto.ColStr).LowCardinality().Array())
	b.country = c.low("country")
	b.region = c.low("region")
	b.city = c.low("city")
	b.revenue = c.decimal("revenue")
	b.currency = c.low("currency")
	b.orderID = c.str("order_id")
	b.consent = c.low("consent")
	b.properties = c.str("properties")
	b.traits = c.str("traits")
	b.context = c.str("context")
	b.schemaStatus = c.enum("schema_status")
	b.enrichmentVersion = add(c, "enrichment_version", new(proto.ColUInt32))
	b.srcTopic = c.low("src_topic")
	b.srcPartition = add(c, "src_partition", new(proto.ColUInt16))
	b.srcOffset = add(c, "src_offset", new(proto.ColUInt64))
	c.complete()
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
	hasOriginal := t.HasOriginalTimestamp && inRange(t.OriginalTimestamp)
	if hasOriginal {
		shift = int64(millis(t.EventTime)) - t.OriginalTimestamp
	}
	hasSent := t.HasSentAt && inRange(t.SentAt)
	if hasSent {
		skew = int64(millis(e.ReceivedAt)) - t.SentAt
	}
	origin, path, query := schema.SplitURL(t.URL)
	refOrigin, refPath := schema.SplitReferrer(t.Referrer)

	b.project.Append(e.Project)
	b.event.Append(t.Event)
	b.personID.Append(t.PersonID)
	b.eventTime.AppendRaw(millis(t.EventTime))
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
	*b.day = append(*b.day, day(t.Day))
	b.hasOriginalTimestamp.Append(hasOriginal)
	b.shiftMS.Append(shift)
	b.receivedAt.AppendRaw(millis(e.ReceivedAt))
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
	b.botReasons.Append(t.BotReasons)
	b.country.Append(t.Country)
	b.region.Append(t.Region)
	b.city.Append(t.City)
	b.revenue.Append(proto.Decimal64(t.RevenueE4))
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
