// Package commerce makes amounts revenue: so that the sum of the column is what was
// earned, and not what was looked at, put into carts and given back.
//
// It reads Kind and Event, and what the adapter made of the event's money: the first
// amount that the event names, in its currency, else in that of the project. It
// writes Revenue, in the same currency:
//
//   - what was refunded is negative, whichever sign the SDK gives it;
//   - the worth of what is not paid for yet, or not by this event, is no revenue:
//     products, carts, checkouts, leads, the ads that are shown to visitors, and the
//     events of published specifications that repeat an order's total or a part of it
//     (Order Updated, Order Cancelled, transaction_item);
//   - any other amount is revenue, also that of an event of the customer's own.
//
// An amount that is no revenue stays in the properties; where the SDK has it
// elsewhere, it goes into the context as "amount". Currency and order id stay as
// they are. The step refuses nothing and does no I/O; it allocates nothing.
package commerce

import (
	"strconv"

	"touchline.dev/services/enricher/internal/kind"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// Step returns the step "commerce". It goes behind "kind"; names tells which events
// of no kind are those of a specification.
func Step(names *kind.Table) pipeline.Step {
	return pipeline.Step{Name: "commerce", Run: func(e *pipeline.Event) pipeline.Verdict {
		t := e.Touchpoint
		if t.RevenueE4 == 0 {
			return pipeline.Verdict{}
		}
		switch {
		case t.Kind == "refund":
			t.RevenueE4 = min(t.RevenueE4, -t.RevenueE4)
		case !pays(t.Kind, t.Event, names):
			if !holdsAmount(t.Properties) {
				keep(e)
			}
			t.RevenueE4 = 0
		}
		return pipeline.Verdict{}
	}}
}

// pays reports whether an amount on an event of that kind and name is earned by it.
func pays(of, name string, names *kind.Table) bool {
	switch of {
	case "search", "product_list_view", "product_view", "wishlist_add", "cart_add", "cart_remove", "cart_view",
		"checkout_start", "checkout_step", "payment_info", "subscription_cancel", "lead", "ad_impression", "ad_click":
		return false
	case kind.Custom:
		_, known := names.Of(name)
		return !known
	}
	return true
}

// holdsAmount reports whether properties have a member that amounts are read from.
func holdsAmount(properties []byte) bool {
	for m := jsonscan.MembersOf(properties); m.Next(); {
		switch string(m.Name()) {
		case "revenue", "total", "value", "$revenue", "$price":
			return true
		}
	}
	return false
}

// keep puts the amount in front of the members of the context.
func keep(e *pipeline.Event) {
	t, from := e.Touchpoint, len(e.Scratch)
	e.Scratch = append(e.Scratch, `{"amount":`...)
	e.Scratch = appendAmount(e.Scratch, t.RevenueE4)
	if rest := t.Context; len(rest) > 0 {
		rest = rest[1:] // behind the brace
		for len(rest) > 1 && rest[0] <= ' ' {
			rest = rest[1:]
		}
		if rest[0] != '}' {
			e.Scratch = append(e.Scratch, ',')
		}
		e.Scratch = append(e.Scratch, rest...)
	} else {
		e.Scratch = append(e.Scratch, '}')
	}
	t.Context = e.Scratch[from:len(e.Scratch):len(e.Scratch)]
}

// appendAmount appends ten-thousandths as a number with four places.
func appendAmount(dst []byte, e4 int64) []byte {
	abs := uint64(e4)
	if e4 < 0 {
		dst, abs = append(dst, '-'), -abs
	}
	dst = append(strconv.AppendUint(dst, abs/1e4, 10), '.')
	part := strconv.AppendUint(dst, abs%1e4+1e4, 10)
	copy(part[len(dst):], part[len(dst)+1:]) // without the one in front
	return part[:len(part)-1]
}
