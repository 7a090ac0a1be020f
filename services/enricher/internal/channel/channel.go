// Package channel says where a touchpoint took place: on the web, in an app, in an
// e-mail, with support. How a visitor was won is another question, which package
// campaign answers.
//
// It reads Kind, Channel as the SDK or its adapter set it, and what user agent and
// address say about the sender, and writes Channel, so that every stored event has
// one of Channels. It refuses nothing, does no I/O and allocates nothing.
package channel

import (
	"strings"

	"touchline.dev/services/enricher/internal/pipeline"
)

// Channels returns the closed list of channels.
func Channels() []string {
	return []string{"web", "app", "email", "ad", "support", "chat", "social", "survey", "purchase", "crm", "sms", "push", "server"}
}

// Step returns the step "channel". It goes behind those that set the kind and read
// the user agent. The first of these that is known counts:
//
//   - a channel other than web and app that the SDK named;
//   - the kind, of what does not take place on a page wherever it is reported from:
//     messages that are opened, advertisements that are seen, talks and surveys;
//   - web or app, which the SDK named or the adapter found out by a page, a screen or
//     a device; a view of a page or a screen, also when a server reports it;
//   - the user agent, of a browser or a telephone that sends for itself;
//   - the kind again, of what servers report about something else than themselves;
//   - server.
func Step() pipeline.Step {
	return pipeline.Step{Name: "channel", Run: func(e *pipeline.Event) pipeline.Verdict {
		t := e.Touchpoint
		switch t.Channel {
		case "", "web", "app":
			if place := elsewhere(t.Kind); place != "" {
				t.Channel = place
			}
		}
		if t.Channel == "" {
			t.Channel = sender(e)
		}
		return pipeline.Verdict{}
	}}
}

// elsewhere returns where touchpoints of a kind take place that is neither a page
// nor a screen of the customer's own, "" for other kinds.
func elsewhere(kind string) string {
	switch kind {
	case "email_sent", "email_open", "email_click":
		return "email"
	case "push_open":
		return "push"
	case "sms_click":
		return "sms"
	case "ad_impression", "ad_click":
		return "ad"
	case "chat":
		return "chat"
	case "call", "support_open", "support_close":
		return "support"
	case "survey":
		return "survey"
	}
	return ""
}

// sender returns the channel of an event of which nothing says where it took place.
func sender(e *pipeline.Event) string {
	t := e.Touchpoint
	switch t.Kind {
	case "page_view":
		return "web"
	case "screen_view":
		return "app"
	}
	if t.UserAgent == e.Raw.UserAgent { // the sender's own, not one that a server passes on
		switch {
		case strings.HasPrefix(t.UserAgent, "Mozilla/"):
			return "web"
		case t.OS == "iOS" || t.OS == "Android":
			return "app"
		}
	}
	switch t.Kind {
	case "order", "refund", "subscription_start", "subscription_renew", "subscription_cancel":
		return "purchase"
	case "lead":
		return "crm"
	case "message":
		return "chat"
	case "unsubscribe":
		return "email"
	}
	return "server"
}
