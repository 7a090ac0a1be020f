package analytics

import (
	"cmp"
	"fmt"
	"slices"
)

// MetricsQuery is the parameters of analytics.metrics_daily.
type MetricsQuery struct {
	SpanQuery
	// Currency is that of the revenue; empty = any.
	Currency string
}

// MetricsRow is a row of analytics.metrics_daily.
type MetricsRow struct {
	Day string
	// Channel is "(not set)" where it is not known.
	Channel                 string
	Events, Persons, Orders int64
	// Revenue is in 1/10000 of Currency.
	Revenue Amount
	// Currency is empty where there is no revenue or no amount names one, and
	// "(mixed)" where amounts of several currencies were added up. Amounts that
	// name none are of another currency, unless they add up to nothing.
	Currency string
	Complete bool
}

// String returns the columns as text.
func (r MetricsRow) String() string {
	return fmt.Sprintf("%s %s %d %d %d %s %s %v", r.Day, r.Channel, r.Events, r.Persons, r.Orders, moneyText(r.Revenue.Clamped()), r.Currency, r.Complete)
}

// MetricsDaily answers q: for each channel with an event in the span, a row for
// each day of it. An order is an event of the kind order; revenue counts whatever
// the kind.
func MetricsDaily(s Stream, q MetricsQuery) []MetricsRow {
	q.Granularity = "day"
	type total struct {
		MetricsRow
		persons    map[uint64]bool
		currencies map[string]bool
		bare       Amount
	}
	count := q.calendar().Count(q.To)
	channels := map[string][]total{}
	for _, e := range s.Counted() {
		i := q.calendar().Number(e.Day)
		if !Named(q.Event)(e) || i < 0 || i >= count {
			continue
		}
		if channels[e.Channel] == nil {
			channels[e.Channel] = make([]total, count)
			for i := range channels[e.Channel] {
				channels[e.Channel][i] = total{
					MetricsRow: MetricsRow{Day: dayText(q.From + int32(i)), Channel: cmp.Or(e.Channel, "(not set)"), Complete: q.complete(i, s.zone())},
					persons:    map[uint64]bool{},
					currencies: map[string]bool{},
				}
			}
		}
		day := &channels[e.Channel][i]
		day.Events++
		day.persons[e.Person] = true
		if e.Kind == "order" {
			day.Orders++
		}
		if e.Revenue != 0 && (q.Currency == "" || e.Currency == q.Currency) {
			day.Revenue.Add(e.Revenue)
			if e.Currency == "" {
				day.bare.Add(e.Revenue)
			} else {
				day.currencies[e.Currency] = true
			}
		}
	}
	var rows []MetricsRow
	for _, days := range channels {
		for _, day := range days {
			day.Persons = int64(len(day.persons))
			day.Currency = currencyOf(day.currencies)
			if day.Currency != "" && day.bare != (Amount{}) {
				day.Currency = "(mixed)"
			}
			rows = append(rows, day.MetricsRow)
		}
	}
	slices.SortFunc(rows, func(a, b MetricsRow) int { return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Channel, b.Channel)) })
	return rows
}

// currencyOf returns the currency of a sum, of those of its amounts: empty where none
// names one. An amount without a currency is of another than one that has it.
func currencyOf(currencies map[string]bool) string {
	if len(currencies) > 1 {
		return "(mixed)"
	}
	for currency := range currencies {
		return currency
	}
	return ""
}
