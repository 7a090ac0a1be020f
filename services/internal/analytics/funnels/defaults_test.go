package funnels

import (
	"math/rand/v2"
	"testing"
	"time"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

// The plain views are the others with kinds as steps, over the last 30 days: no event
// here lies within hours of a border.
func TestDefaultViewsEqualReference(t *testing.T) {
	now := time.Now().UTC()
	kinds := []string{"page_view", "product_view", "cart_add", "checkout_start", "order"}
	shop := oracle.Project{Name: "shop", Stream: analytics.Stream{Zone: time.UTC}}
	did := func(person uint64, daysAgo int, channel, device string, steps int) {
		for i, kind := range kinds[:steps] {
			at := now.AddDate(0, 0, -daysAgo).Add(time.Duration(i) * time.Hour)
			shop.Events = append(shop.Events, analytics.Event{
				Person: person, Name: "Named " + kind, Kind: kind, Type: "track", Time: at.UnixMilli(), Day: oracle.DayOf(at, time.UTC),
				Acquisition: channel, Channel: "web", Device: device, User: "u", Currency: "EUR", Revenue: 10000, Offset: uint64(len(shop.Events)),
			})
		}
	}
	did(1, 20, "Direct", "mobile", 5)
	did(2, 15, "Direct", "desktop", 3)
	did(3, 3, "Paid Search", "mobile", 4)
	did(4, 2, "", "mobile", 1)
	did(5, 40, "Direct", "mobile", 5)
	left := now.AddDate(0, 0, -15).Add(5 * time.Hour)
	shop.Events = append(shop.Events,
		analytics.Event{Person: 2, Name: "Cart Emptied", Kind: "cart_remove", Type: "track", Time: left.UnixMilli(), Day: oracle.DayOf(left, time.UTC), Offset: 100},
		analytics.Event{Person: 2, Name: "page_view", Kind: "page_view", Type: "page", Path: "/bye", Time: left.UnixMilli() + 5000, Day: oracle.DayOf(left, time.UTC), Offset: 101})
	w := oracle.New(t)
	w.Load(t, rand.New(rand.NewPCG(1, 1)), []oracle.Project{shop})

	q := query{steps: kinds, window: 604800, from: now.AddDate(0, 0, -30).UnixMilli(), to: now.UnixMilli(), asOf: now.UnixMilli()}
	d := q.definition()
	d.Steps = analytics.StepsOfKind(kinds...)
	byChannel, byDevice := d, d
	byChannel.By, byChannel.Attribution = columns["acquisition_channel"], analytics.AttributeFirst
	byDevice.By, byDevice.Attribution = columns["device_type"], analytics.AttributeLast
	clean := d
	clean.Exclusions = []analytics.FunnelExclusion{{Match: func(e analytics.Event) bool { return e.Kind == "cart_remove" }, From: 3, To: 5}}
	for view, want := range map[string][]string{
		"funnel_actors_default":      oracle.Texts(analytics.FunnelActors(shop.Stream, d)),
		"funnel_exact_default":       oracle.Texts(analytics.Funnel(shop.Stream, clean)),
		"drop_off_next_default":      oracle.Texts(analytics.DropOffNext(shop.Stream, d, 3, 86400, nextEvent)),
		"drop_off_next_page_default": oracle.Texts(analytics.DropOffNext(shop.Stream, d, 3, 86400, nextPage)),
		"funnel_default":             oracle.Texts(analytics.Funnel(shop.Stream, d)),
		"funnel_breakdown_default":   oracle.Texts(analytics.FunnelBreakdown(shop.Stream, byChannel, 10)),
		"funnel_trend_default":       oracle.Texts(analytics.FunnelTrend(shop.Stream, d, "day")),
		"drop_off_default":           oracle.Texts(analytics.DropOff(shop.Stream, byDevice, 10)),
		"abandoned_default": oracle.Texts(analytics.Abandoned(shop.Stream, analytics.AbandonedQuery{
			From: q.from, To: q.to, AsOf: q.asOf, AfterSeconds: 86400,
		})),
	} {
		if len(want) == 0 {
			t.Errorf("%s: the reference has no rows", view)
		}
		oracle.Same(t, view, ask(t, w, "SELECT * FROM analytics."+view)["shop"], want)
	}
}
