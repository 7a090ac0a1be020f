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
