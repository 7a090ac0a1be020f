// Package fragment folds events into fragments, the shares of a person's history
// that came through one partition key, and merges fragments.
//
// It is pure: it reads events and fragments and does no I/O. It guarantees that
// neither the order of events nor the way in which they are split over fragments
// matters: sums add, of first things the earliest counts, of last things the
// latest, and where a fragment must leave something out, what stays is the best
// by a fixed order and not the first to come. Equal times are decided by the
// greater text. All text it keeps is valid UTF-8 and bounded.
package fragment

import (
	"slices"
	"strings"
	"unicode/utf8"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/schemas/event"
	pb "touchline.dev/schemas/touchlinepb"
)

// Most of each sort that a fragment keeps.
const (
	// MaxNames is the most names of events, and of first times.
	MaxNames = 64
	// MaxDays is the most active days; the latest stay.
	MaxDays = 64
	// MaxWatchedNames is the most names that a Watch may hold, MaxWatchedTraits
	// the most traits.
	MaxWatchedNames  = 48
	MaxWatchedTraits = 16

	// Longest texts in bytes, as long as adapters take them.
	maxID    = 512
	maxName  = 256
	maxValue = 256
)

// FirstOrder is the key of the first order among the first times; no watched
// event may begin with "#".
const FirstOrder = "#order"

// Watch says which names matter to the rules. They are kept before all others.
type Watch struct {
	// Events are names of events whose count is asked for. A view of one page or
	// screen is named "page_view:NAME" or "page_view:/path", without the slash
	// at its end; it counts by its name where that is watched, else by its path.
	Events map[string]bool
	// Times are names of events whose first time is asked for.
	Times map[string]bool
	// Traits are kept besides those that profiles show.
	Traits map[string]bool
	// Orders are names of events that are orders.
	Orders map[string]bool
}

// Folder folds events and merges fragments under a Watch. It has no state and may
// be used concurrently.
type Folder struct {
	watch Watch
	// views says whether any view of one page, or of one screen, is watched.
	views map[string]bool
}

// New returns a folder; watch must not change any more.
func New(watch Watch) *Folder {
	f := &Folder{watch: watch, views: map[string]bool{}}
	for _, names := range []map[string]bool{watch.Events, watch.Times, watch.Orders} {
		for name := range names {
			if event, _, ok := strings.Cut(name, ":"); ok {
				f.views[event] = true
			}
		}
	}
	return f
}

// Empty returns a fragment that no event was folded into.
func Empty(project string, person uint64, device string) *pb.Fragment {
	return &pb.Fragment{Project: text(project, maxName), PersonId: person, Device: device}
}

// maxAmount is the largest amount of one order that is added up, in 1/10000: a
// hundred billion. A sum leaves the range of int64 after 9,223 such orders and
// then wraps around, which keeps it independent of the order of events.
const maxAmount = 1e15

// Apply folds one event into a fragment. src is its raw offset; the caller leaves
// out events at or below the stamp. Nothing of t is kept.
func (f *Folder) Apply(into *pb.Fragment, t *event.Touchpoint, src int64) {
	first := into.Events == 0
	into.Src = max(into.Src, uint64(src))
	if user := bounded(t.UserID, maxID); user > into.UserId {
		into.UserId = text(user, maxID)
	}
	if first || t.EventTime < into.FirstSeenMs || t.EventTime == into.FirstSeenMs && laterVisit(t.AcquisitionChannel, t.UTMCampaign, into) {
		into.FirstChannel, into.FirstCampaign = text(t.AcquisitionChannel, maxValue), text(t.UTMCampaign, maxValue)
		into.FirstSeenMs = t.EventTime
	}
	if first || t.EventTime > into.LastSeenMs {
		into.LastSeenMs = t.EventTime
	}
	into.Events++
	if t.Type == "page" || t.Type == "screen" {
		into.Pages++
	}
	f.names(into, t)
	into.ActiveDays = addDay(into.ActiveDays, t.Day)
	f.traits(into, t)
}

// names counts the event under its name, and under that of the page it shows.
func (f *Folder) names(into *pb.Fragment, t *event.Touchpoint) {
	// A copy each time: a map takes over the key that it is assigned under, also
	// when it has an equal one, and would keep the record's memory.
	f.name(into, t, text(t.Event, maxName), true)
	if !f.views[t.Event] {
		return
	}
	if f.watches(t.Event + ":" + t.Name) {
		f.name(into, t, t.Event+":"+t.Name, false)
		return
	}
	_, path, _ := schema.SplitURL(t.URL)
	if trimmed := strings.TrimRight(path, "/"); trimmed != "" {
		path = trimmed
	}
	if name := t.Event + ":" + path; f.watches(name) {
		f.name(into, t, name, false)
	}
}

func (f *Folder) watches(name string) bool {
	return f.watch.Events[name] || f.watch.Times[name] || f.watch.Orders[name]
}

// name counts one name of the event. own tells the name that every event has from
// the additional one of a view.
func (f *Folder) name(into *pb.Fragment, t *event.Touchpoint, name string, own bool) {
	if own || f.watch.Events[name] {
		if into.EventCounts == nil {
			into.EventCounts = make(map[string]uint64)
		}
		f.count(into.EventCounts, name, 1)
	}
	if f.watch.Times[name] {
		f.firstTime(into, name, t.EventTime)
	}
	if f.watch.Orders[name] {
		into.Orders++
		f.firstTime(into, FirstOrder, t.EventTime)
		if t.RevenueE4 != 0 && -maxAmount <= t.RevenueE4 && t.RevenueE4 <= maxAmount {
			addRevenue(into, text(t.Currency, maxName), t.RevenueE4)
		}
	}
}

// addRevenue adds an amount. Amounts of two currencies have no sum, so only one
// is kept: that of a known currency before that of none, then that of the first
// in the alphabet.
func addRevenue(into *pb.Fragment, currency string, amount int64) {
	switch none := into.RevenueE4 == 0 && into.Currency == ""; {
	case none || betterCurrency(currency, into.Currency):
		into.Currency, into.RevenueE4 = currency, amount
	case currency == into.Currency:
		into.RevenueE4 += amount
	}
}

func betterCurrency(a, b string) bool {
	if (a == "") != (b == "") {
		return a != ""
	}
	return a < b
}

// laterVisit decides between two first visits at the same millisecond.
func laterVisit(channel, campaign string, f *pb.Fragment) bool {
	channel, campaign = text(channel, maxValue), text(campaign, maxValue)
	return channel > f.FirstChannel || channel == f.FirstChannel && campaign > f.FirstCampaign
}

func addDay(days []int32, day int32) []int32 {
	i, found := slices.BinarySearch(days, day)
	if found {
		return days
	}
	days = slices.Insert(days, i, day)
	return days[max(0, len(days)-MaxDays):]
}

// text returns a copy of s that is valid UTF-8 and at most limit bytes long.
func text(s string, limit int) string { return strings.Clone(bounded(s, limit)) }

// bounded returns what text does, and may alias s.
func bounded(s string, limit int) string {
	if len(s) > limit {
		for limit > 0 && !utf8.RuneStart(s[limit]) {
			limit--
		}
		s = s[:limit]
	}
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "?")
}
