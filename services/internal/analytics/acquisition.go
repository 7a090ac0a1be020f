package analytics

import (
	"cmp"
	"fmt"
	"slices"
)

// AcquisitionQuery is the parameters of analytics.acquisition. Times are milliseconds
// since 1970 UTC.
type AcquisitionQuery struct {
	From, To int64
	// By returns the value of a touch by which persons are broken down.
	By func(Event) string
	// Top is how many of the values with the most persons have rows of their own.
	Top int
}

// AcquisitionRow is a row of analytics.acquisition.
type AcquisitionRow struct {
	// Touch is "first" or "last".
	Touch, Breakdown           string
	Persons, Customers, Orders int64
	Revenue                    Amount
	Currency                   string
	currencies                 map[string]bool
}

// String returns the columns as text.
func (r AcquisitionRow) String() string {
	return fmt.Sprintf("%s %s %d %d %.9g %d %s %s", r.Touch, r.Breakdown, r.Persons, r.Customers, ratio(r.Customers, r.Persons),
		r.Orders, moneyText(r.Revenue.Clamped()), dash(r.Currency))
}

// Acquisition answers q: the persons who did anything in [From, To), what they
// ordered and spent in it, by how they were won. A touch is an event with an
// acquisition channel; the first and the last are those of all history, also beyond
// the range. A customer ordered in the range. Revenue is of all events, not of orders
// only. Each person has one value, so the rows of a touch add up to all persons.
func Acquisition(s Stream, q AcquisitionQuery) []AcquisitionRow {
	type person struct {
		values     [2]string
		orders     int64
		revenue    Amount
		currencies map[string]bool
	}
	var persons []person
	var values [2][]string
	for _, events := range s.Persons() {
		p := person{currencies: map[string]bool{}}
		active, touched := false, false
		for _, e := range events {
			if e.Acquisition != "" {
				if !touched {
					p.values[0] = q.By(e)
				}
				touched, p.values[1] = true, q.By(e)
			}
			if e.Time < q.From || e.Time >= q.To {
				continue
			}
			active = true
			if e.Kind == "order" {
				p.orders++
			}
			if e.Revenue != 0 {
				p.revenue.Add(e.Revenue)
				p.currencies[e.Currency] = true
			}
		}
		if active {
			persons = append(persons, p)
			for i, v := range p.values {
				values[i] = append(values[i], v)
			}
		}
	}
	var rows []AcquisitionRow
	for i, touch := range []string{"first", "last"} {
		label := topValues(values[i], q.Top)
		byValue := map[string]*AcquisitionRow{}
		for _, p := range persons {
			value := label(p.values[i])
			r := byValue[value]
			if r == nil {
				r = &AcquisitionRow{Touch: touch, Breakdown: value, currencies: map[string]bool{}}
				byValue[value] = r
			}
			r.Persons++
			if p.orders > 0 {
				r.Customers++
			}
			r.Orders += p.orders
			r.Revenue.Plus(p.revenue)
			for currency := range p.currencies {
				r.currencies[currency] = true
			}
		}
		for _, r := range byValue {
			r.Currency = currencyOf(r.currencies)
			rows = append(rows, *r)
		}
	}
	slices.SortFunc(rows, func(a, b AcquisitionRow) int {
		return cmp.Or(cmp.Compare(a.Touch, b.Touch), cmp.Compare(b.Persons, a.Persons), cmp.Compare(a.Breakdown, b.Breakdown))
	})
	return rows
}
