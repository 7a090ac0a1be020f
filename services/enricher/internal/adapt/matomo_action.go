package adapt

import (
	"strings"

	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// describe sets what was done: the first kind of action that the hit has the
// parameters of. A hit that has none is a view of a page.
func (h *matomoHit) describe(e *reader) *pipeline.Verdict {
	t, of := e.Touchpoint, e.Event
	t.Type = "track"
	goal := goalName(of, h.goal)
	from := beginObject(of)
	var verdict *pipeline.Verdict
	switch {
	case h.category != "" || h.action != "":
		verdict = h.event(of)
	case h.goal == "0":
		h.ecommerce(of)
	case h.goal != "":
		h.goal = ""
		verdict = eventText(of, "idgoal", goal)
		h.worth(of)
	case h.search != "":
		t.Event = "site_search"
		b := memberText(of.Scratch, "search", take(&h.search))
		b = memberText(b, "category", take(&h.searchCategory))
		of.Scratch = memberNumber(b, "count", take(&h.searchCount))
	case h.link != "":
		t.Event = "outlink"
		of.Scratch = memberText(of.Scratch, "url", take(&h.link))
	case h.download != "":
		t.Event = "download"
		of.Scratch = memberText(of.Scratch, "url", take(&h.download))
	case h.content != "":
		h.part(of)
	case h.ping == "1":
		t.Event, h.ping = "ping", ""
	case h.custom == "1": // of a plugin, whose parameters are kept
		t.Event, h.custom = "custom_action", ""
	default:
		viewed(e, h.title)
	}
	t.Properties = endObject(of, from)
	h.keepOthers(of)
	return verdict
}

// take empties a field that has found its place.
func take(field *string) string {
	s := *field
	*field = ""
	return s
}

// goalName names the event of reaching a goal.
func goalName(e *pipeline.Event, goal string) string {
	if goal == "" {
		return ""
	}
	from := len(e.Scratch)
	e.Scratch = append(append(e.Scratch, "goal:"...), goal...)
	return alias(e.Scratch[from:])
}

// event reads an event of the site's own. Its value counts as money, as a member
// "value" of properties does.
func (h *matomoHit) event(e *pipeline.Event) *pipeline.Verdict {
	field, name := "e_a", take(&h.action)
	if name == "" {
		field, name = "e_c", take(&h.category)
	}
	priceText(e, h.value, "")
	b := memberText(e.Scratch, "category", take(&h.category))
	b = memberText(b, "name", take(&h.name))
	e.Scratch = memberNumber(b, "value", take(&h.value))
	return eventText(e, field, name)
}

// ecommerce reads an order, or a cart when there is no number of an order.
func (h *matomoHit) ecommerce(e *pipeline.Event) {
	t := e.Touchpoint
	t.Event, h.goal = "Cart Updated", ""
	if h.order != "" {
		t.Event = "Order Completed"
		t.OrderID = cut(h.order, maxTag)
	}
	b := memberText(e.Scratch, "order_id", take(&h.order))
	b = memberNumber(b, "subtotal", take(&h.subtotal))
	b = memberNumber(b, "tax", take(&h.tax))
	if !isZero(h.shipping) {
		b = memberNumber(b, "shipping", take(&h.shipping))
	}
	if !isZero(h.discount) {
		b = memberNumber(b, "discount", take(&h.discount))
	}
	if items := bytesOf(h.items); jsonscan.KindOf(items) == jsonscan.Array && jsonscan.Valid(items) == nil {
		b = appendMember(b, "items", items)
		h.items = ""
	}
	e.Scratch = b
	if t.Event == "Order Completed" { // what is in a cart is not sold
		h.worth(e)
	}
}

// isZero reports whether a parameter is what the tracker writes where there was no
// amount.
func isZero(amount string) bool { return amount == "0" || amount == "false" }

// worth reads the revenue, in the currency of the project.
func (h *matomoHit) worth(e *pipeline.Event) {
	if priceText(e, h.revenue, "") {
		h.revenue = ""
	}
}

// part reads what happened to a part of a page.
func (h *matomoHit) part(e *pipeline.Event) {
	e.Touchpoint.Event = "content_impression"
	if h.contentInteraction != "" {
		e.Touchpoint.Event = "content_interaction"
	}
	b := memberText(e.Scratch, "name", take(&h.content))
	b = memberText(b, "piece", take(&h.piece))
	b = memberText(b, "target", take(&h.target))
	e.Scratch = memberText(b, "interaction", take(&h.contentInteraction))
}

// keepOthers keeps the parameters of other kinds of actions.
func (h *matomoHit) keepOthers(e *pipeline.Event) {
	for _, other := range [...]struct{ name, text string }{
		{"e_c", h.category}, {"e_n", h.name}, {"e_v", h.value},
		{"idgoal", h.goal}, {"revenue", h.revenue},
		{"ec_id", h.order}, {"ec_st", h.subtotal}, {"ec_tx", h.tax}, {"ec_sh", h.shipping}, {"ec_dt", h.discount}, {"ec_items", h.items},
		{"search", h.search}, {"search_cat", h.searchCategory}, {"search_count", h.searchCount},
		{"link", h.link}, {"download", h.download},
		{"c_n", h.content}, {"c_p", h.piece}, {"c_t", h.target}, {"c_i", h.contentInteraction},
		{"ping", h.ping}, {"ca", h.custom},
	} {
		if other.text != "" {
			keepJSON(e, other.name, other.text)
		}
	}
}

// readMatomoQuery takes from the query of a URL the campaign fields that the
// touchpoint does not have yet, from the parameters that Matomo has for them.
func readMatomoQuery(e *pipeline.Event, url string) {
	t := e.Touchpoint
	_, query, _ := strings.Cut(url, "?")
	query, _, _ = strings.Cut(query, "#")
	f := form{rest: query}
	for n := 0; n < maxParameters && f.next(); n++ {
		_, name, found := strings.Cut(f.rawName, "_")
		if vendor := f.rawName[:len(f.rawName)-len(name)]; !found || vendor != "mtm_" && vendor != "pk_" && vendor != "matomo_" && vendor != "piwik_" {
			continue
		}
		var column *string
		switch name {
		case "source":
			column = &t.UTMSource
		case "medium":
			column = &t.UTMMedium
		case "campaign", "cpn":
			column = &t.UTMCampaign
		case "content":
			column = &t.UTMContent
		case "kwd", "keyword":
			column = &t.UTMTerm
		default:
			continue
		}
		if *column == "" {
			*column = f.text(e, maxTag)
		}
	}
}
