package analytics

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// stages says which stage in the life of a customer a kind of touchpoint belongs
// to. touchline.visit_stages holds the same.
var stages = map[string][]string{
	"awareness": {
		"ad_impression", "ad_click", "email_sent", "email_open", "email_click", "push_open", "sms_click",
		"session_start", "page_view",
	},
	"consideration": {
		"search", "product_list_view", "product_view", "wishlist_add", "cart_add", "cart_remove", "cart_view",
		"lead", "form_submit", "download",
	},
	"purchase": {
		"checkout_start", "checkout_step", "payment_info", "order", "trial_start", "subscription_start",
	},
	"onboarding": {"sign_up", "onboarding_step", "activation"},
	"engagement": {
		"screen_view", "sign_in", "sign_out", "feature_use", "video_start", "video_progress", "video_complete",
	},
	"retention": {"subscription_renew", "subscription_cancel", "unsubscribe"},
	"advocacy":  {"review", "share", "invite", "referral"},
	"support":   {"support_open", "support_close", "message", "chat", "call", "survey", "refund"},
}

// Stage returns the stage in the life of a customer that a canonical kind of
// touchpoint belongs to, "" where the kind says nothing about it.
func Stage(kind string) string {
	for stage, kinds := range stages {
		if slices.Contains(kinds, kind) {
			return stage
		}
	}
	return ""
}

// StagedKinds returns the kinds that belong to a stage, in no order.
func StagedKinds() []string { return slices.Concat(slices.Collect(maps.Values(stages))...) }

// TimelineRow is a row of analytics.timeline.
type TimelineRow struct {
	// Position counts from 1.
	Position int64
	Event
}

// String returns the columns that the tests ask for as text.
func (r TimelineRow) String() string {
	return fmt.Sprintf("%d %s %s %s %s %s %s %s %s %s", r.Position, instantText(r.Time), r.Name, dash(r.Kind), dash(Stage(r.Kind)),
		dash(r.Page()), dash(r.Channel), dash(idText(r.Session)), moneyText(r.Revenue), dash(r.Currency))
}

// Timeline returns all that a person ever did, over all ids that the person had, in
// the order of time and then of the log. Each of these ids asks for the same person.
// What bots did is left out.
func Timeline(s Stream, id uint64) []TimelineRow {
	var rows []TimelineRow
	for i, e := range s.Persons()[s.Unified(id)] {
		rows = append(rows, TimelineRow{int64(i + 1), e})
	}
	return rows
}

// PersonOfID is a row of analytics.timeline_persons.
type PersonOfID struct {
	Person uint64
	// Matched is what the id is: "user_id" or "anonymous_id".
	Matched string
	// First and Last are when the person's first and last event with the id
	// happened.
	First, Last int64
	Events      int64
}

// String returns the columns as text.
func (r PersonOfID) String() string {
	return fmt.Sprintf("%s %s %s %s %s %d", idText(r.Person), r.Matched, instantText(r.First), instantText(r.Last), dayText(utcDay(r.Last)), r.Events)
}

// PersonsOfID returns the persons whose events carry an id as that of their user or
// of their device.
func PersonsOfID(s Stream, id string) []PersonOfID {
	var rows []PersonOfID
	for _, e := range s.Counted() {
		for matched, sent := range map[string]string{"user_id": e.User, "anonymous_id": e.Anonymous} {
			if sent != id {
				continue
			}
			i := slices.IndexFunc(rows, func(r PersonOfID) bool { return r.Person == e.Person && r.Matched == matched })
			if i < 0 {
				i = len(rows)
				rows = append(rows, PersonOfID{Person: e.Person, Matched: matched, First: e.Time})
			}
			rows[i].Last = e.Time
			rows[i].Events++
		}
	}
	return rows
}

// OwnedRow is a row of analytics.timeline_of.
type OwnedRow struct {
	Person uint64
	TimelineRow
}

// String returns the columns that the tests ask for as text.
func (r OwnedRow) String() string { return idText(r.Person) + " " + r.TimelineRow.String() }

// TimelineOf returns the timelines of all persons of an id.
func TimelineOf(s Stream, id string) []OwnedRow {
	persons := map[uint64]bool{}
	for _, r := range PersonsOfID(s, id) {
		persons[r.Person] = true
	}
	var rows []OwnedRow
	for person := range persons {
		for _, r := range Timeline(s, person) {
			rows = append(rows, OwnedRow{person, r})
		}
	}
	return rows
}

// dash returns a text that is not empty: vectors cannot say nothing.
func dash(text string) string { return cmp.Or(text, "-") }

// instantText returns a time in ms since 1970 as the tests write it.
func instantText(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

// idText returns the id of a session or person as views show it; 0 is none.
func idText(id uint64) string {
	if id == 0 {
		return ""
	}
	return fmt.Sprintf("%016X", id)
}
