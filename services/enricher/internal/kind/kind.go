// Package kind says what sort of touchpoint an event is, whatever its SDK or its
// author calls it: "Product Added", add_to_cart and a Snowplow add_to_cart action
// are all cart_add.
//
// It reads the type, the name and, of one event of Snowplow, the properties of the
// touchpoint, and writes Kind. Calls have theirs from the adapter (page_view,
// screen_view, identify, group, alias); a track event has that of the table in
// names.go, and is custom where the table does not know its name. It refuses
// nothing, does no I/O and allocates nothing.
package kind

import (
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// Custom is the kind of an event that is of no other.
const Custom = "custom"

// Kinds returns the closed list of kinds.
func Kinds() []string {
	return []string{
		"page_view", "screen_view", "session_start", "search", "product_list_view", "product_view", "wishlist_add",
		"cart_add", "cart_remove", "cart_view", "checkout_start", "checkout_step", "payment_info", "order", "refund",
		"sign_up", "sign_in", "sign_out", "activation", "onboarding_step", "feature_use",
		"subscription_start", "subscription_renew", "subscription_cancel", "trial_start",
		"lead", "form_submit", "download", "video_start", "video_progress", "video_complete", "ad_impression", "ad_click",
		"email_sent", "email_open", "email_click", "unsubscribe", "push_open", "sms_click",
		"message", "chat", "call", "support_open", "support_close", "survey", "review", "share", "invite", "referral",
		"consent", "error", "identify", "group", "alias", Custom,
	}
}

// Table knows the kinds of names. It never changes, and may be used from any
// number of goroutines.
type Table struct{ kinds map[string]string }

// New returns the table of names.go and of the kinds themselves.
func New() *Table {
	t := &Table{map[string]string{}}
	for _, kind := range Kinds() {
		t.kinds[plain(kind)] = kind
	}
	for _, entry := range names() {
		for _, name := range entry.names {
			t.kinds[plain(name)] = entry.kind
		}
	}
	return t
}

// longest is how many letters and digits a name of the table may have; a test holds
// the table to it.
const longest = 48

// Of returns the kind of a track event of that name and whether the table has it:
// Custom and false for a name that is its author's own, Custom and true for one of
// a published specification that is of no other kind.
//
// Only letters, digits and what is not ASCII count, in any case: "Product Added",
// product_added, product-added and productAdded are one name.
func (t *Table) Of(name string) (kind string, known bool) {
	var b [longest]byte
	n := 0
	for i := range len(name) {
		c := letter(name[i])
		if c == 0 {
			continue
		}
		if n == len(b) {
			return Custom, false
		}
		b[n] = c
		n++
	}
	if kind, known = t.kinds[string(b[:n])]; !known {
		return Custom, false
	}
	return kind, true
}

// letter returns the byte in lower case if it counts in a name, else 0.
func letter(c byte) byte {
	switch {
	case c-'a' < 26, c-'0' < 10, c >= 0x80:
		return c
	case c-'A' < 26:
		return c | 0x20
	}
	return 0
}

func plain(name string) string {
	var b []byte
	for i := range len(name) {
		if c := letter(name[i]); c != 0 {
			b = append(b, c)
		}
	}
	return string(b)
}

// Step returns the step "kind".
func (t *Table) Step() pipeline.Step {
	return pipeline.Step{Name: "kind", Run: func(e *pipeline.Event) pipeline.Verdict {
		p := e.Touchpoint
		switch {
		case p.Type != "track":
		case p.Event == "snowplow_ecommerce_action":
			p.Kind, _ = t.Of(string(action(p.Properties)))
		default:
			p.Kind, _ = t.Of(p.Event)
		}
		return pipeline.Verdict{}
	}}
}

// action returns what a Snowplow e-commerce event says was done: all of them have
// one schema, and so one name.
func action(properties []byte) (name []byte) {
	for m := jsonscan.MembersOf(properties); m.Next(); {
		if string(m.Name()) == "type" && m.Kind() == jsonscan.String {
			name, _ = jsonscan.Text(m.Value(), nil)
		}
	}
	return name
}
