package adapt

import (
	"bytes"
	"math/bits"
	"strings"

	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// amplitudePrefix begins the properties that the SDKs add themselves.
const amplitudePrefix = "[Amplitude] "

// amplitudeProperties is the members of event_properties that have fields, and
// all of them that are the event's own as an object.
type amplitudeProperties struct {
	location, title, previous, screen []byte
	referrer, orderID, orderID2       []byte
	charge                            charge
	campaign                          campaignMembers
	own                               []byte
}

// read notes the members and builds the object; what the SDK added and has no
// field goes to e.Extra.
func (p *amplitudeProperties) read(e *reader, m *jsonscan.Members) {
	from := beginObject(e.Event)
	for m.Next() {
		name := m.Name()
		if bytes.HasPrefix(name, []byte(amplitudePrefix)) {
			p.added(e, alias(name[len(amplitudePrefix):]), m)
			continue
		}
		switch string(name) {
		case "referrer":
			p.referrer = m.Value()
		case "order_id":
			p.orderID = m.Value()
		case "orderId":
			p.orderID2 = m.Value()
		case "$revenue":
			p.charge.revenue = m.Value()
		case "$price":
			p.charge.price = m.Value()
		case "$quantity":
			p.charge.quantity = m.Value()
		case "$currency":
			p.charge.currency = m.Value()
		case "revenue":
			p.charge.plain = m.Value()
		case "currency":
			p.charge.plainCurrency = m.Value()
		default:
			p.campaign.note(m)
		}
		addMember(e.Event, m.RawName(), m.Value())
	}
	p.own = endObject(e.Event, from)
}

// added notes a member called name behind the prefix.
func (p *amplitudeProperties) added(e *reader, name string, m *jsonscan.Members) {
	switch name {
	case "Page Location":
		p.location = m.Value()
	case "Page Title":
		p.title = m.Value()
	case "Previous Page Location":
		p.previous = m.Value()
	case "Screen Name":
		p.screen = m.Value()
	default:
		keep(e.Event, alias(m.RawName()), m.Value())
	}
}

// fill sets the fields that stand in the properties.
func (p *amplitudeProperties) fill(e *reader) {
	t := e.Touchpoint
	t.Properties = p.own
	t.URL = columnOf(e, "[Amplitude] Page Location", p.location, maxURL)
	t.PageTitle = columnOf(e, "[Amplitude] Page Title", p.title, maxTitle)
	if t.Referrer = text(e, p.referrer, maxURL); t.Referrer == "" {
		t.Referrer = columnOf(e, "[Amplitude] Previous Page Location", p.previous, maxURL)
	} else if !bytes.Equal(p.previous, p.referrer) {
		keep(e.Event, "[Amplitude] Previous Page Location", p.previous)
	}
	switch t.Type {
	case "page":
		t.Name = cut(t.PageTitle, maxName)
		keep(e.Event, "[Amplitude] Screen Name", p.screen)
	case "screen":
		t.Name = columnOf(e, "[Amplitude] Screen Name", p.screen, maxName)
	default:
		keep(e.Event, "[Amplitude] Screen Name", p.screen)
	}
	p.campaign.fill(e)
	if t.Type == "track" {
		if t.OrderID = text(e, p.orderID, maxTag); t.OrderID == "" {
			t.OrderID = text(e, p.orderID2, maxTag)
		}
	}
}

// charge is the members that say how much was paid. plain is an event's own
// property of the name revenue, which says so as well.
type charge struct{ revenue, price, quantity, currency, plain, plainCurrency []byte }

// money reads the revenue of a track event: what the event says, else its
// properties. What has no field goes to e.Extra.
func (x *amplitudeEvent) money(e *reader) {
	t, c, in := e.Touchpoint, &x.charge, &x.in.charge
	keep(e.Event, "price", c.price)
	keep(e.Event, "quantity", c.quantity)
	if t.Type != "track" {
		keep(e.Event, "revenue", c.revenue)
		keep(e.Event, "currency", c.currency)
		return
	}
	given := ""
	for _, code := range [...][]byte{c.currency, in.currency, in.plainCurrency} {
		if given = strings.TrimSpace(text(e, code, maxWord)); given != "" {
			break
		}
	}
	t.Currency = currency(e.Event, given)
	if t.Currency == "" {
		keep(e.Event, "currency", c.currency)
	}
	amount, ok := c.total(e)
	if !ok {
		keep(e.Event, "revenue", c.revenue)
		if amount, ok = in.total(e); !ok {
			amount, ok = decimal(e, in.plain, 4)
		}
	}
	if t.RevenueE4 = amount; ok && given == "" {
		t.Currency = e.Project.Currency
	}
}

// total returns the revenue in ten-thousandths: revenue if that is a number other
// than 0, which some SDKs send along, else price times quantity, of which there
// is one if nothing is said.
func (c *charge) total(e *reader) (amount int64, ok bool) {
	if amount, ok = decimal(e, c.revenue, 4); ok && amount != 0 {
		return amount, true
	}
	if c.price == nil {
		return amount, ok
	}
	quantity, counted := decimal(e, c.quantity, 4)
	if c.quantity == nil {
		quantity, counted = 1e4, true
	}
	for _, scale := range [...]int{8, 4} { // finer, if it fits
		if price, priced := decimal(e, c.price, scale); priced && counted {
			return multiplied(price, quantity, scale)
		}
	}
	return 0, false
}

func decimal(e *reader, value []byte, scale int) (int64, bool) {
	return jsonscan.Decimal(bytesOf(strings.TrimSpace(whole(e, value))), scale)
}

// multiplied returns a*b / 10^scale, rounded half away from zero; scale is 8 or 4.
func multiplied(a, b int64, scale int) (int64, bool) {
	unit := uint64(1e4)
	if scale == 8 {
		unit = 1e8
	}
	negative := (a < 0) != (b < 0)
	high, low := bits.Mul64(uint64(max(a, -a)), uint64(max(b, -b)))
	low, carry := bits.Add64(low, unit/2, 0)
	high += carry
	if high >= unit {
		return 0, false
	}
	v, _ := bits.Div64(high, low, unit)
	if v > 1<<63-1 {
		return 0, false
	}
	if negative {
		return -int64(v), true
	}
	return int64(v), true
}

// amplitude notes the operations in an object of properties and returns the
// traits that it sets. Members that are no operation are set as well.
func (c *changes) amplitude(e *pipeline.Event, object []byte) []byte {
	plain := 0
	for m := jsonscan.MembersOf(object); m.Next(); {
		if !c.note(&m) {
			plain++
		}
	}
	switch {
	case plain == 0:
		return c.traits(e)
	case c.count == 0 && c.set == nil && c.setOnce == nil:
		return object
	}
	from := beginObject(e)
	if jsonscan.KindOf(c.set) == jsonscan.Object && says(c.set) {
		e.Scratch = append(append(e.Scratch, inside(c.set)...), ',')
		c.set = nil
	}
	var again changes
	for m := jsonscan.MembersOf(object); m.Next(); {
		if !again.note(&m) {
			addMember(e, m.RawName(), m.Value())
		}
	}
	keep(e, "$set", c.set)
	c.set = endObject(e, from)
	return c.traits(e)
}
