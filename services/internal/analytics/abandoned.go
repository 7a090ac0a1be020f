package analytics

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// cartKinds are the kinds of touchpoints of somebody who has an open cart.
var cartKinds = []string{"cart_add", "checkout_start", "checkout_step", "payment_info"}

// AbandonedQuery is the parameters of analytics.abandoned.
type AbandonedQuery struct {
	// The cart was last touched in [From, To).
	From, To int64
	AsOf     int64
	// AfterSeconds is how long, inclusive, an order may take until a cart counts as
	// left.
	AfterSeconds int64
}

// AbandonedRow is a row of analytics.abandoned: a cart that was left.
type AbandonedRow struct {
	Person uint64
	// User is the latest user id that a touchpoint of a cart or an order since From
	// has: whom to write to.
	User string
	// CartAt is when the cart was touched last, Stage the kind of touchpoint then.
	CartAt int64
	Day    int32
	Stage  string
	// Adds is the number of cart_add since the order before, in [From, To).
	Adds int64
	// Value and Currency are those of the latest touchpoint of the cart that says what
	// it is worth; 0 where none does.
	Value    int64
	Currency string
	// Channel, Device and Page are those of the last touch.
	Channel, Device, Page string
	// Recovered says that an order came after all, before AsOf.
	Recovered bool
}

// String returns the columns as text.
func (r AbandonedRow) String() string {
	return fmt.Sprintf("%016X %s %s %s %s %d %s %s %s %s %s %v", r.Person, r.User, timeText(r.CartAt), dayText(r.Day), r.Stage,
		r.Adds, moneyText(r.Value), r.Currency, r.Channel, r.Device, r.Page, r.Recovered)
}

// Abandoned returns the carts that were left: of each person the last touchpoint of
// a cart in [From, To), if AfterSeconds have passed since at AsOf and no order was
// made at the same instant or in these. Orders close a cart; what is taken out of it
// is not looked at. Simultaneous touchpoints are in the order of the log.
func Abandoned(s Stream, q AbandonedQuery) []AbandonedRow {
	var rows []AbandonedRow
	for id, events := range s.Persons() {
		if r, ok := q.cart(events); ok {
			r.Person = id
			rows = append(rows, r)
		}
	}
	return rows
}

func (q AbandonedQuery) cart(events []Event) (AbandonedRow, bool) {
	events = slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return e.Time < q.From || e.Time >= q.AsOf })
	inCart := func(e Event) bool { return e.Time < q.To && slices.Contains(cartKinds, e.Kind) }
	last := -1
	for i, e := range events {
		if inCart(e) {
			last = i
		}
	}
	if last < 0 || events[last].Time+q.AfterSeconds*1000 >= q.AsOf {
		return AbandonedRow{}, false
	}
	touch := events[last]
	r := AbandonedRow{CartAt: touch.Time, Day: touch.Day, Stage: touch.Kind, Channel: touch.Channel, Device: touch.Device, Page: touch.Page()}
	before := int64(-1)
	for _, e := range events {
		if e.Kind == "order" {
			switch {
			case e.Time < touch.Time:
				before = e.Time
			case e.Time <= touch.Time+q.AfterSeconds*1000:
				return AbandonedRow{}, false
			default:
				r.Recovered = true
			}
		}
		if e.User != "" && (e.Kind == "order" || slices.Contains(cartKinds, e.Kind)) {
			r.User = e.User
		}
	}
	for _, e := range events {
		if !inCart(e) || e.Time <= before {
			continue
		}
		if e.Kind == "cart_add" {
			r.Adds++
		}
		if worth := cartWorth(e); worth != 0 {
			r.Value, r.Currency = worth, e.Currency
		}
	}
	return r, true
}

// cartWorth is what a touchpoint says that the cart is worth, in 1/10000: its revenue,
// or else the first of its properties value, total and revenue that is an amount of up
// to a thousand million either way, or else price times quantity, 1 without one. An
// amount is a number or the text of one.
func cartWorth(e Event) int64 {
	if e.Revenue != 0 {
		return e.Revenue
	}
	member := func(name string) float64 {
		number, err := strconv.ParseFloat(strings.Trim(e.Properties[name], `"`), 64)
		if err != nil {
			return 0
		}
		return number
	}
	quantity := member("quantity")
	if quantity == 0 {
		quantity = 1
	}
	for _, amount := range []float64{member("value"), member("total"), member("revenue"), member("price") * quantity} {
		if amount != 0 && math.Abs(amount) <= 1e9 {
			return int64(math.RoundToEven(amount * 10000))
		}
	}
	return 0
}

// moneyText returns an amount in 1/10000 as text.
func moneyText(amount int64) string {
	sign := ""
	if amount < 0 {
		sign, amount = "-", -amount
	}
	return fmt.Sprintf("%s%d.%04d", sign, amount/10000, amount%10000)
}
