package fragment_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"touchline.dev/schemas/event"
	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/scorer/internal/fragment"
)

func watch() fragment.Watch {
	return fragment.Watch{
		Events: map[string]bool{"zz pricing": true, "page_view:/pricing": true, "page_view:Pricing": true},
		Times:  map[string]bool{"zz pricing": true, "event 07": true},
		Traits: map[string]bool{"employees": true},
		Orders: map[string]bool{"Order Completed": true},
	}
}

// touchpoint draws an event out of few values, so that ties and overflows of
// every bound happen.
func touchpoint(t *rapid.T) *event.Touchpoint {
	tp := &event.Touchpoint{
		PersonID:  7,
		UserID:    rapid.SampledFrom([]string{"", "u-1", "u-2"}).Draw(t, "user"),
		EventTime: rapid.Int64Range(0, 20).Draw(t, "time") * 1000,
		Day:       rapid.Int32Range(0, 90).Draw(t, "day"),
		Type:      rapid.SampledFrom([]string{"track", "page", "screen", "identify", "group"}).Draw(t, "type"),
		Event: rapid.OneOf(
			rapid.SampledFrom([]string{"page_view", "Order Completed", "zz pricing", "", "\xff\xfe", strings.Repeat("ő", 200)}),
			rapid.Map(rapid.IntRange(0, 90), func(n int) string { return fmt.Sprintf("event %02d", n) }),
		).Draw(t, "event"),
		Name:               rapid.SampledFrom([]string{"", "Pricing"}).Draw(t, "name"),
		URL:                rapid.SampledFrom([]string{"", "https://shop.example/pricing/?a=1", "https://shop.example/"}).Draw(t, "url"),
		AcquisitionChannel: rapid.SampledFrom([]string{"", "search", "social"}).Draw(t, "channel"),
		UTMCampaign:        rapid.SampledFrom([]string{"", "spring"}).Draw(t, "campaign"),
		RevenueE4:          rapid.Int64Range(-3, 9).Draw(t, "revenue") * 10_000,
		Currency:           rapid.SampledFrom([]string{"", "EUR", "HUF"}).Draw(t, "currency"),
		Country:            rapid.SampledFrom([]string{"", "EE"}).Draw(t, "country"),
		Traits: []byte(rapid.SampledFrom([]string{
			"", "{}", `{"email":"a@b.example"}`, `{"email":null}`, `{"role":"CTO","employees":40,"x":1}`, `{"name":"Ács Éva","company":{"name":"Kft"}}`, `{"broken`,
		}).Draw(t, "traits")),
	}
	return tp
}

func fold(f *fragment.Folder, events []*event.Touchpoint) *pb.Fragment {
	into := fragment.Empty("shop", 7, "d")
	for _, e := range events {
		f.Apply(into, e, 1)
	}
	return into
}

func same(t *rapid.T, what string, a, b *pb.Fragment) {
	if !proto.Equal(a, b) {
		t.Fatalf("%s:\n%v\n%v", what, a, b)
	}
}

func clone(f *pb.Fragment) *pb.Fragment { return proto.Clone(f).(*pb.Fragment) }

func events(t *rapid.T, label string) []*event.Touchpoint {
	n := rapid.OneOf(rapid.IntRange(0, 20), rapid.IntRange(100, 250)).Draw(t, label+" length")
	return rapid.SliceOfN(rapid.Custom(touchpoint), n, n).Draw(t, label)
}

func TestApply_orderMakesNoDifference(t *testing.T) {
	f := fragment.New(watch())
	rapid.Check(t, func(t *rapid.T) {
		drawn := events(t, "events")
		shuffled := rapid.Permutation(drawn).Draw(t, "shuffled")
		same(t, "fold in two orders", fold(f, drawn), fold(f, shuffled))
	})
}

func TestMerge_anySplitEqualsTheWhole(t *testing.T) {
	f := fragment.New(watch())
	rapid.Check(t, func(t *rapid.T) {
		drawn := events(t, "events")
		parts := make([][]*event.Touchpoint, rapid.IntRange(1, 5).Draw(t, "parts"))
		for _, e := range drawn {
			i := rapid.IntRange(0, len(parts)-1).Draw(t, "part")
			parts[i] = append(parts[i], e)
		}
		merged := fragment.Empty("shop", 7, "d")
		for _, part := range rapid.Permutation(parts).Draw(t, "order") {
			f.Merge(merged, fold(f, part))
		}
		same(t, "fold whole and merged", fold(f, drawn), merged)
	})
}

func TestMerge_isCommutativeAndAssociative(t *testing.T) {
	f := fragment.New(watch())
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := fold(f, events(t, "a")), fold(f, events(t, "b")), fold(f, events(t, "c"))
		ab, ba := clone(a), clone(b)
		f.Merge(ab, b)
		f.Merge(ba, a)
		same(t, "a+b and b+a", ab, ba)
		f.Merge(ab, c)
		bc := clone(b)
		f.Merge(bc, c)
		abc := clone(a)
		f.Merge(abc, bc)
		same(t, "(a+b)+c and a+(b+c)", ab, abc)
	})
}

// What is watched is exact whatever else there is, nothing goes beyond its bound,
// and no event is lost from the counts.
func TestApply_bounds(t *testing.T) {
	f := fragment.New(watch())
	rapid.Check(t, func(t *rapid.T) {
		drawn := events(t, "events")
		got := fold(f, drawn)
		var pricing, views, orders, all uint64
		var days []int32
		for _, e := range drawn {
			if e.Event == "zz pricing" {
				pricing++
			}
			if e.Event == "page_view" && (e.Name == "Pricing" || strings.Contains(e.URL, "/pricing")) {
				views++
			}
			if e.Event == "Order Completed" {
				orders++
			}
			days = append(days, e.Day)
		}
		slices.Sort(days)
		days = slices.Compact(days)
		days = days[max(0, len(days)-fragment.MaxDays):]
		for name, n := range got.EventCounts {
			if !strings.HasPrefix(name, "page_view:") {
				all += n
			}
			if !utf8.ValidString(name) || len(name) > 256 {
				t.Errorf("name %q is kept", name)
			}
		}
		if n := got.EventCounts["zz pricing"]; n != pricing {
			t.Errorf("%d events of the watched name, want %d", n, pricing)
		}
		if n := got.EventCounts["page_view:/pricing"] + got.EventCounts["page_view:Pricing"]; n != views {
			t.Errorf("%d views of the watched page, want %d", n, views)
		}
		if got.Orders != orders || got.Events != uint64(len(drawn)) || all != got.Events {
			t.Errorf("%d orders of %d, %d events of %d, %d by name", got.Orders, orders, got.Events, len(drawn), all)
		}
		if n := len(got.EventCounts); n > fragment.MaxNames+1 {
			t.Errorf("%d names", n)
		}
		if !slices.Equal(got.ActiveDays, days) {
			t.Errorf("active days %v, want %v", got.ActiveDays, days)
		}
		if _, err := proto.Marshal(got); err != nil {
			t.Error(err)
		}
	})
}

func TestApply_traits(t *testing.T) {
	f := fragment.New(watch())
	for _, tt := range []struct{ kind, traits, want string }{
		{"identify", `{"email":"a@b.example","name":"Jānis","role":"CTO","country":"lv","employees":40}`, "country=LV email=a@b.example employees=40 name=Jānis role=CTO"},
		{"identify", `{"firstName":"Éva","lastName":"Ács"}`, "name=Éva Ács"},
		{"identify", `{"firstName":"Éva","name":"Dr. Ács Éva"}`, "name=Dr. Ács Éva"},
		{"identify", `{"title":"Engineer","role":"CTO"}`, "role=CTO"},
		{"identify", `{"title":"Engineer"}`, "role=Engineer"},
		{"identify", `{"company":{"name":"مثال","id":7}}`, "company=مثال"},
		{"identify", `{"country":"Latvia"}`, ""},
		{"identify", `{"address":{"country":"EE","city":"Tartu"}}`, "country=EE"},
		{"identify", `{"email":null,"name":""}`, "email= name="},
		{"identify", `{"email":{"a":1},"employees":[1]}`, "email= employees="},
		{"identify", `{"role":"\ud800x"}`, "role=\uFFFDx"},
		{"identify", `["email"]`, ""},
		{"group", `{"name":"Acme","email":"info@acme.example","employees":"12"}`, "company=Acme employees=12"},
		{"track", `{"role":"` + strings.Repeat("é", 200) + `"}`, "role=" + strings.Repeat("é", 128)},
	} {
		got := fold(f, []*event.Touchpoint{{Type: tt.kind, Event: tt.kind, Traits: []byte(tt.traits)}})
		var parts []string
		for name, trait := range got.Traits {
			parts = append(parts, name+"="+trait.Value)
		}
		slices.Sort(parts)
		if text := strings.Join(parts, " "); text != tt.want {
			t.Errorf("%s %s gives %q, want %q", tt.kind, tt.traits, text, tt.want)
		}
	}
}

func TestApply_revenue(t *testing.T) {
	f := fragment.New(watch())
	order := func(amount int64, currency string) *event.Touchpoint {
		return &event.Touchpoint{Event: "Order Completed", RevenueE4: amount, Currency: currency}
	}
	for _, tt := range []struct {
		name     string
		events   []*event.Touchpoint
		orders   uint64
		revenue  int64
		currency string
	}{
		{"one currency", []*event.Touchpoint{order(5, "EUR"), order(7, "EUR")}, 2, 12, "EUR"},
		{"two currencies", []*event.Touchpoint{order(5, "HUF"), order(7, "EUR"), order(1, "HUF")}, 3, 7, "EUR"},
		{"a known currency counts before none", []*event.Touchpoint{order(5, ""), order(7, "SEK")}, 2, 7, "SEK"},
		{"no order, no revenue", []*event.Touchpoint{{Event: "Product Viewed", RevenueE4: 5, Currency: "EUR"}}, 0, 0, ""},
		{"an absurd amount", []*event.Touchpoint{order(1e15+1, "EUR"), order(2, "EUR")}, 2, 2, "EUR"},
	} {
		got := fold(f, tt.events)
		if got.Orders != tt.orders || got.RevenueE4 != tt.revenue || got.Currency != tt.currency {
			t.Errorf("%s: %d orders, %d %s", tt.name, got.Orders, got.RevenueE4, got.Currency)
		}
	}
}

func TestMerge_ofTwoDevices(t *testing.T) {
	f := fragment.New(watch())
	a, b := fragment.Empty("shop", 7, "a"), fragment.Empty("shop", 7, "b")
	f.Apply(a, &event.Touchpoint{Event: "zz pricing", EventTime: 9}, 5)
	f.Apply(b, &event.Touchpoint{Event: "zz pricing", EventTime: 4}, 80)
	f.Merge(a, b)
	if a.Project != "shop" || a.PersonId != 7 || a.Device != "" || a.Src != 80 || a.FirstTimes["zz pricing"] != 4 || a.EventCounts["zz pricing"] != 2 {
		t.Errorf("merged %v", a)
	}
}
