package demo

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var testDay = time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)

func TestVisitorIsDeterministic(t *testing.T) {
	ids := map[string]bool{}
	for n := range 300 {
		events := Visitor(7, testDay, n)
		if again := Visitor(7, testDay.Add(5*time.Hour), n); !reflect.DeepEqual(events, again) {
			t.Fatalf("visitor %d is another one the second time", n)
		}
		for _, e := range events {
			if ids[e.MessageID] {
				t.Fatalf("message id %s is there twice", e.MessageID)
			}
			ids[e.MessageID] = true
		}
	}
	for _, other := range [][]Event{Visitor(8, testDay, 0), Visitor(7, testDay.AddDate(0, 0, 1), 0)} {
		for _, e := range other {
			if ids[e.MessageID] {
				t.Errorf("message id %s belongs to two visitors", e.MessageID)
			}
		}
	}
}

func TestVisitorsAreWellFormed(t *testing.T) {
	names := map[string]int{}
	for n := range 600 {
		events := Visitor(7, testDay, n)
		if at := events[0].At; at.Before(testDay) || !at.Before(testDay.AddDate(0, 0, 1)) {
			t.Errorf("visitor %d comes at %v", n, at)
		}
		for i, e := range events {
			if i > 0 && e.At.Before(events[i-1].At) || e.At.After(testDay.AddDate(0, 0, lifetime+2)) {
				t.Errorf("visitor %d, event %d is at %v", n, i, e.At)
			}
			text, err := e.JSON(time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			var back map[string]any
			if err := json.Unmarshal(text, &back); err != nil || !utf8.Valid(text) || len(text) > 4<<10 {
				t.Fatalf("%v: %s", err, text)
			}
			if back["timestamp"] != e.At.Format("2006-01-02T15:04:05.000Z") || back["sentAt"] != nil || back["messageId"] != e.MessageID {
				t.Errorf("JSON differs from the event: %s", text)
			}
			if e.UserID == "" && e.AnonymousID == "" {
				t.Errorf("nobody did %s", text)
			}
			names[e.Type+" "+e.Event]++
		}
	}
	for _, want := range []string{
		"page ", "screen ", "identify ", "track Product Viewed", "track Product Added", "track Checkout Started", "track Order Completed",
		"track Signed Up", "track Support Ticket Opened", "track NPS Survey Answered", "track Email Link Clicked", "track Application Opened",
	} {
		if names[want] == 0 {
			t.Errorf("nobody made %q", want)
		}
	}
}

func TestVisitorsAreDiverse(t *testing.T) {
	titles, sources, agents, bots := map[string]bool{}, map[string]bool{}, map[string]bool{}, 0
	for n := range 600 {
		events := Visitor(7, testDay, n)
		first := events[0].Context
		agents[first.UserAgent] = true
		if first.UserAgent == crawler {
			bots++
		}
		if first.Page != nil {
			sources[first.Page.Referrer] = true
			for _, id := range []string{"gclid", "fbclid", "msclkid", "utm_source=chatgpt.com", "utm_medium=email"} {
				if strings.Contains(first.Page.URL, id) {
					sources[id] = true
				}
			}
		}
		for _, e := range events {
			if e.Context.Page != nil {
				titles[e.Context.Page.Title] = true
			}
		}
	}
	for _, want := range []string{"Püsitellimuse hinnad", "Előfizetési árak", "چای زعفرانی", "Tējas veikals", "Blueberry tea 🫐"} {
		if !titles[want] {
			t.Errorf("nobody saw %q", want)
		}
	}
	for _, want := range []string{"", "https://www.google.com/", "https://chatgpt.com/", "gclid", "fbclid", "msclkid", "utm_source=chatgpt.com", "utm_medium=email"} {
		if !sources[want] {
			t.Errorf("nobody came by %q", want)
		}
	}
	if len(agents) < 10 || bots < 6 || bots > 40 {
		t.Errorf("%d user agents, %d bots of 600 visitors", len(agents), bots)
	}
}

// Orders come after checkouts after carts, by the same visitor.
func TestOrdersHaveACheckout(t *testing.T) {
	orders := 0
	for n := range 600 {
		added, started := 0, 0
		for _, e := range Visitor(7, testDay, n) {
			switch e.Event {
			case "Product Added":
				added++
			case "Checkout Started":
				started++
			case "Order Completed":
				orders++
				if added == 0 || started == 0 {
					t.Errorf("visitor %d orders with %d things in the cart after %d checkouts", n, added, started)
				}
				revenue, err := e.Properties["revenue"].(json.Number).Float64()
				if err != nil || revenue < 5 || e.Properties["currency"] != "EUR" || len(e.Properties["order_id"].(string)) != 11 {
					t.Errorf("order %v", e.Properties)
				}
				started = 0
			}
		}
	}
	if orders < 40 || orders > 240 {
		t.Errorf("%d orders by 600 visitors in two months", orders)
	}
}

// In each following week fewer come back, but some always do.
func TestRetentionDecays(t *testing.T) {
	const visitors = 2000
	var weeks [5]int
	for n := range visitors {
		events := Visitor(7, testDay, n)
		if events[0].Context.UserAgent == crawler {
			continue
		}
		var present [5]bool
		for _, e := range events {
			if week := int(e.At.Sub(testDay).Hours() / (7 * 24)); (e.Type == "page" || e.Type == "screen") && week < len(present) {
				present[week] = true
			}
		}
		for week, was := range present {
			if was {
				weeks[week]++
			}
		}
	}
	t.Logf("visitors by week: %v", weeks)
	for week := 1; week < len(weeks); week++ {
		if weeks[week] >= weeks[week-1] {
			t.Errorf("more come in week %d than before: %v", week, weeks)
		}
	}
	for week, bounds := range map[int][2]float64{1: {0.2, 0.4}, 4: {0.08, 0.25}} {
		if part := float64(weeks[week]) / float64(weeks[0]); part < bounds[0] || part > bounds[1] {
			t.Errorf("week %d keeps %.3f of the visitors, want %v", week, part, bounds)
		}
	}
}

func TestWeekIsOne(t *testing.T) {
	sum := 0.0
	for d := range 7 {
		sum += weekday(testDay.AddDate(0, 0, d))
	}
	if math.Abs(sum-7) > 1e-9 {
		t.Errorf("the days of a week sum up to %v, want 7", sum)
	}
}
