package adapt

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// describe sets what the event is: its type, name, properties and money.
func (h *hit) describe(e *reader) *pipeline.Verdict {
	t := e.Touchpoint
	t.Type = "track"
	switch h.kind {
	case "pv":
		setCall(t, "page")
		t.Name = cut(h.title, maxName)
	case "pp":
		t.Event = "page_ping"
		h.pagePing(e.Event)
	case "se":
		return h.structuredEvent(e.Event)
	case "ue":
		return h.selfDescribing(e)
	case "tr":
		t.Event = "transaction"
		h.transaction(e.Event)
	case "ti":
		t.Event = "transaction_item"
		h.transactionItem(e.Event)
	case "":
		return refuse(event.MissingField, "e", "an event needs its kind e")
	default:
		return refuse(event.UnknownType, "e", "e must be one of pv, pp, se, ue, tr, ti, is "+quote(h.kind))
	}
	return nil
}

// memberText appends a member with a text and a comma, unless it is empty.
func memberText(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	dst = append(append(append(dst, '"'), name...), '"', ':')
	return append(jsonscan.AppendString(dst, bytesOf(text)), ',')
}

// memberNumber is memberText for what is a number where it can be one: the
// protocol writes everything as text.
func memberNumber(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	dst = append(append(append(dst, '"'), name...), '"', ':')
	return append(appendNumber(dst, text), ',')
}

// pagePing gives the offsets as they are written.
func (h *hit) pagePing(e *pipeline.Event) {
	s, from := &h.scroll, beginObject(e)
	b := e.Scratch
	b = memberText(b, "pp_mix", s.minX)
	b = memberText(b, "pp_max", s.maxX)
	b = memberText(b, "pp_miy", s.minY)
	e.Scratch = memberText(b, "pp_may", s.maxY)
	e.Touchpoint.Properties = endObject(e, from)
}

func (h *hit) structuredEvent(e *pipeline.Event) *pipeline.Verdict {
	s := &h.structured
	if verdict := eventText(e, "se_ac", s.action); verdict != nil {
		return verdict
	}
	priceText(e, s.value, "")
	from := beginObject(e)
	b := e.Scratch
	b = memberText(b, "category", s.category)
	b = memberText(b, "label", s.label)
	b = memberText(b, "property", s.property)
	e.Scratch = memberNumber(b, "value", s.value)
	e.Touchpoint.Properties = endObject(e, from)
	return nil
}

// eventText takes the name of a track event from a field.
func eventText(e *pipeline.Event, field, name string) *pipeline.Verdict {
	if strings.TrimSpace(name) == "" {
		return refuse(event.MissingField, field, "the event needs "+field+", which is its name")
	}
	if len(name) > maxEventName {
		return refuse(event.FieldTooLong, field, field+" is longer than 256 bytes")
	}
	e.Touchpoint.Event = name
	return nil
}

// transaction leaves out of the properties what has a column, unless that cannot
// hold it.
func (h *hit) transaction(e *pipeline.Event) {
	t, o := e.Touchpoint, &h.order
	if !priceText(e, o.total, o.currency) {
		keepText(e, "tr_tt", o.total)
	}
	if t.Currency == "" {
		keepText(e, "tr_cu", o.currency)
	}
	t.OrderID = cut(o.id, maxTag)
	from := beginObject(e)
	b := e.Scratch
	b = memberText(b, "order_id", o.id)
	b = memberText(b, "affiliation", o.affiliation)
	b = memberNumber(b, "tax", o.tax)
	b = memberNumber(b, "shipping", o.shipping)
	b = memberText(b, "city", o.city)
	b = memberText(b, "state", o.state)
	e.Scratch = memberText(b, "country", o.country)
	e.Touchpoint.Properties = endObject(e, from)
}

// transactionItem has no revenue: its price is part of the transaction's total.
func (h *hit) transactionItem(e *pipeline.Event) {
	i := &h.item
	e.Touchpoint.OrderID = cut(i.id, maxTag)
	from := beginObject(e)
	b := e.Scratch
	b = memberText(b, "order_id", i.id)
	b = memberText(b, "sku", i.sku)
	b = memberText(b, "name", i.name)
	b = memberText(b, "category", i.category)
	b = memberNumber(b, "price", i.price)
	b = memberNumber(b, "quantity", i.quantity)
	e.Scratch = memberText(b, "currency", i.currency)
	e.Touchpoint.Properties = endObject(e, from)
}

// selfDescribing reads an event whose schema names it.
func (h *hit) selfDescribing(e *reader) *pipeline.Verdict {
	field, document := "ue_pr", h.event
	if document == "" {
		field, document = "ue_px", unbase64(e.Event, h.event64)
	}
	if document == "" {
		if h.event64 != "" {
			return refuse(event.WrongType, field, "ue_px is not UTF-8 in base64")
		}
		return refuse(event.MissingField, field, "a self-describing event needs ue_pr or ue_px")
	}
	_, inner, err := selfDescribing(bytesOf(document))
	if err == nil {
		h.schema, h.data, err = selfDescribing(inner)
	}
	if err != nil {
		verdict := syntaxVerdict(bytesOf(document), err)
		verdict.Field, verdict.Message = field, "the self-describing event is no JSON object with schema and data"
		return verdict
	}
	name := schemaName(whole(e, h.schema))
	if name == "" {
		return refuse(event.WrongType, field, "the schema of the event does not look like iglu:vendor/name/format/version")
	}
	t := e.Touchpoint
	t.Properties = h.data
	if jsonscan.KindOf(h.data) != jsonscan.Object {
		t.Properties = nil
		keep(e.Event, "data", h.data)
	}
	if !says(t.Properties) {
		t.Properties = nil
	}
	var d selfDescribed
	d.read(t.Properties)
	if name == "screen_view" {
		setCall(t, "screen")
		t.Name = text(e, d.name, maxName)
		return nil
	}
	d.purchase(e)
	if t.RevenueE4 == 0 && h.about.hasTransaction {
		h.about.transaction.purchase(e)
	}
	return eventText(e.Event, field, name)
}

// selfDescribed is details, with the order id as Snowplow's own schemas call it.
type selfDescribed struct{ details }

func (d *selfDescribed) read(data []byte) {
	if data == nil {
		return
	}
	for m := jsonscan.MembersOf(data); m.Next(); {
		switch string(m.Name()) {
		case "revenue":
			d.revenue = m.Value()
		case "total":
			d.total = m.Value()
		case "value":
			d.value = m.Value()
		case "currency":
			d.currency = m.Value()
		case "order_id":
			d.orderID = m.Value()
		case "orderId", "transaction_id":
			d.orderID2 = m.Value()
		case "name":
			d.name = m.Value()
		}
	}
}

// selfDescribing reads {"schema": ..., "data": ...}; anything else is an error.
func selfDescribing(document []byte) (schema, data []byte, err error) {
	m := jsonscan.MembersOf(document)
	for m.Next() {
		switch string(m.Name()) {
		case "schema":
			schema = m.Value()
		case "data":
			data = m.Value()
		}
	}
	if err = m.Err(); err == nil && jsonscan.KindOf(schema) != jsonscan.String {
		err = jsonscan.ErrSyntax
	}
	return schema, data, err
}

// schemaName returns the name in iglu:vendor/name/format/version, "" in anything
// else.
func schemaName(schema string) string {
	vendor, rest, _ := strings.Cut(strings.TrimPrefix(schema, "iglu:"), "/")
	name, version, ok := strings.Cut(rest, "/")
	if !ok || vendor == "" || version == "" {
		return ""
	}
	return name
}

// unbase64 returns what base64 in either alphabet, padded or not, stands for; ""
// when it is none or does not hold UTF-8. A space was a plus.
func unbase64(e *pipeline.Event, s string) string {
	s = strings.TrimRight(s, "=")
	if strings.IndexByte(s, ' ') >= 0 {
		from := len(e.Scratch)
		e.Scratch = append(e.Scratch, s...)
		for i := from; i < len(e.Scratch); i++ {
			if e.Scratch[i] == ' ' {
				e.Scratch[i] = '+'
			}
		}
		s = alias(e.Scratch[from:])
	}
	encoding := base64.RawURLEncoding
	if strings.ContainsAny(s, "+/") {
		encoding = base64.RawStdEncoding
	}
	from := len(e.Scratch)
	b, err := encoding.AppendDecode(e.Scratch, bytesOf(s))
	if err != nil || !utf8.Valid(b[from:]) {
		return ""
	}
	e.Scratch = b
	return alias(b[from:])
}
