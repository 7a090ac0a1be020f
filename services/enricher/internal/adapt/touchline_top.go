package adapt

import "touchline.dev/services/internal/jsonscan"

// Members of a touchpoint that Segment's calls have elsewhere.
const (
	topURL = iota
	topTitle
	topReferrer
	topSource
	topMedium
	topCampaign
	topContent
	topTerm
	topClickID
	topClickIDName
	topLocale
	topTimezone
	topIP
	topUserAgent
	topDevice
	topOS
	topOSVersion
	topAppVersion
	topLibrary
	topLibraryVersion
	topSession
	topGroupType
	topValue
	topCurrency
	topOrderID
	tops
)

// topOf returns the place of the member of that name, tops when there is none.
func topOf(name []byte) int {
	switch string(name) {
	case "url":
		return topURL
	case "title", "page_title":
		return topTitle
	case "referrer":
		return topReferrer
	case "utm_source":
		return topSource
	case "utm_medium":
		return topMedium
	case "utm_campaign":
		return topCampaign
	case "utm_content":
		return topContent
	case "utm_term":
		return topTerm
	case "click_id":
		return topClickID
	case "click_id_name":
		return topClickIDName
	case "locale":
		return topLocale
	case "timezone":
		return topTimezone
	case "ip":
		return topIP
	case "user_agent":
		return topUserAgent
	case "device_type":
		return topDevice
	case "os":
		return topOS
	case "os_version":
		return topOSVersion
	case "app_version":
		return topAppVersion
	case "library":
		return topLibrary
	case "library_version":
		return topLibraryVersion
	case "session_id":
		return topSession
	case "group_type":
		return topGroupType
	case "value", "revenue":
		return topValue
	case "currency":
		return topCurrency
	case "order_id":
		return topOrderID
	}
	return tops
}

// overlay puts what stands at the top where Segment's calls have it. What is no
// text or number, or too long for its column, is kept as well.
func (p *touchpoint) overlay(e *reader) {
	x := &p.about
	for i, at := range [tops]struct {
		name  string
		limit int
		into  *[]byte // nil where columns reads it
	}{
		topURL: {"url", maxURL, &x.page.url}, topTitle: {"title", maxTitle, &x.page.title}, topReferrer: {"referrer", maxURL, &x.page.referrer},
		topSource: {"utm_source", maxTag, &x.campaign.source}, topMedium: {"utm_medium", maxTag, &x.campaign.medium},
		topCampaign: {"utm_campaign", maxTag, &x.campaign.name}, topContent: {"utm_content", maxTag, &x.campaign.content},
		topTerm: {"utm_term", maxTag, &x.campaign.term}, topClickID: {"click_id", maxTag, nil}, topClickIDName: {"click_id_name", maxWord, nil},
		topLocale: {"locale", maxWord, &x.locale}, topTimezone: {"timezone", maxWord, &x.timezone}, topIP: {"ip", maxWord, &x.ip},
		topUserAgent: {"user_agent", maxUserAgent, &x.userAgent}, topDevice: {"device_type", maxWord, nil},
		topOS: {"os", maxWord, &x.os.name}, topOSVersion: {"os_version", maxWord, &x.os.version}, topAppVersion: {"app_version", maxWord, &x.app.version},
		topLibrary: {"library", maxWord, &x.libraryText}, topLibraryVersion: {"library_version", maxWord, &x.library.version},
		topSession: {"session_id", maxID, &x.session}, topGroupType: {"group_type", maxWord, nil},
		topValue: {"value", maxWord, &p.in.revenue}, topCurrency: {"currency", maxWord, &p.in.currency}, topOrderID: {"order_id", maxTag, &p.in.orderID},
	} {
		value := p.top[i]
		if !says(value) {
			p.top[i] = nil
			continue
		}
		kind := jsonscan.KindOf(value)
		plain := kind == jsonscan.String || kind == jsonscan.Number
		if !plain || len(value) > at.limit || i >= topValue && e.Touchpoint.Type != "track" {
			keep(e.Event, at.name, value)
		}
		if !plain {
			p.top[i] = nil
		} else if at.into != nil {
			*at.into = value
		}
	}
	x.page.given = x.page.given || p.top[topURL] != nil
	x.app.given = x.app.given || p.top[topAppVersion] != nil
}
