package adapt

import (
	"strings"

	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// details is the members of properties that have fields.
type details struct {
	revenue, total, value, currency, orderID, orderID2 []byte
	name, url, title, referrer                         []byte
}

func (d *details) read(properties *jsonscan.Members) {
	for properties.Next() {
		switch string(properties.Name()) {
		case "revenue":
			d.revenue = properties.Value()
		case "total":
			d.total = properties.Value()
		case "value":
			d.value = properties.Value()
		case "currency":
			d.currency = properties.Value()
		case "order_id":
			d.orderID = properties.Value()
		case "orderId":
			d.orderID2 = properties.Value()
		case "name":
			d.name = properties.Value()
		case "url":
			d.url = properties.Value()
		case "title":
			d.title = properties.Value()
		case "referrer":
			d.referrer = properties.Value()
		}
	}
}

// fillDetails sets the fields that stand in properties, traits and name.
// Properties and traits themselves are taken as they were written.
func (c *call) fillDetails(e *reader) {
	t := e.Touchpoint
	t.Properties, t.Traits = c.properties, c.traits
	switch t.Type {
	case "page", "screen":
		c.view(e)
		return
	case "track":
		c.in.purchase(e)
	case "identify": // the traits in a context are the user's, whatever the call
		if len(t.Traits) == 0 && jsonscan.KindOf(c.about.traits) == jsonscan.Object {
			t.Traits = c.about.traits
		}
	}
	keep(e.Event, "name", c.name)
}

// view reads a page or screen call. Servers describe the page in its properties,
// browsers in the context, which counts for more.
func (c *call) view(e *reader) {
	t := e.Touchpoint
	if t.Name = text(e, c.name, maxName); t.Name == "" {
		keep(e.Event, "name", c.name)
		t.Name = text(e, c.in.name, maxName)
	} else if len(c.name) > maxName && len(whole(e, c.name)) > maxName {
		keep(e.Event, "name", c.name)
	}
	if t.Type == "page" {
		c.about.page.or(c.in.url, c.in.title, c.in.referrer)
	}
}

// purchase reads the money of a track call: the first of revenue, total and value
// that is a number, or a string that holds one.
func (d *details) purchase(e *reader) {
	t := e.Touchpoint
	if t.OrderID = text(e, d.orderID, maxTag); t.OrderID == "" {
		t.OrderID = text(e, d.orderID2, maxTag)
	}
	given := strings.TrimSpace(text(e, d.currency, maxWord))
	t.Currency = currency(e.Event, given)
	for _, value := range [...][]byte{d.revenue, d.total, d.value} {
		amount, ok := jsonscan.Decimal(bytesOf(strings.TrimSpace(whole(e, value))), 4)
		if !ok {
			continue
		}
		t.RevenueE4 = amount
		if given == "" {
			t.Currency = e.Project.Currency
		}
		return
	}
}

// currency returns a code of three letters in upper case, "" for anything else:
// an amount in a currency that is not understood is in none, rather than in the
// project's.
func currency(e *pipeline.Event, code string) string {
	if len(code) != 3 {
		return ""
	}
	from := len(e.Scratch)
	for i := range len(code) {
		letter := code[i] &^ 0x20
		if letter < 'A' || letter > 'Z' {
			return ""
		}
		e.Scratch = append(e.Scratch, letter)
	}
	return alias(e.Scratch[from:])
}
