//go:build sdks

package sdk_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sdk is one SDK under test.
type sdk struct {
	// name is that of its project: the driver's, and where it runs.
	name, driver string
	browser      bool
	// pkg is the package of npm, or the script.
	pkg      string
	protocol string
	// key is its write key, in the form that its protocol wants.
	key string
	// visit is what the calls of the scenario are as rows, in any order.
	visit []row
	// extra are the events that the SDK sends of itself.
	extra []string
	// device is the anonymous id of the first event: for servers that of the driver.
	device string
	// step is the SQL of the number of a step, where it is not a property.
	step string
}

// row is a stored event, as far as it is looked at. What is empty is not compared;
// of properties and traits the members that are given are.
type row struct {
	Event, Type, User, Device string
	Properties, Traits        string
	Revenue, Currency, Order  string
	Campaign                  string
}

const (
	// some is any text, but not none.
	some   = "*"
	user   = "user-42"
	person = `{"email":"ada@example.com","name":"Ada Lovelace"}`
	order  = `{"order_id":"o-1","revenue":129.9,"currency":"EUR"}`
	nested = `{"nested":{"list":[1,null,"x"]},"big":9007199254740991,"empty":""}`
)

// visit returns the rows of the scenario for an SDK that has every call, changed by
// the function: nil leaves a row out.
func visit(change func(*row) *row) []row {
	var rows []row
	for _, r := range []row{
		{Event: "page_view", Type: "page"},
		{Event: "Signup Started", Type: "track", Properties: `{"plan":"pro"}`},
		{Event: "identify", Type: "identify", User: user, Traits: person},
		{Event: "Order Completed", Type: "track", User: user, Properties: order, Revenue: "129.9", Currency: "EUR", Order: "o-1"},
		{Event: "Émoji 🎉", Type: "track", User: user, Properties: nested},
	} {
		if change != nil {
			changed := change(&r)
			if changed == nil {
				continue
			}
			r = *changed
		}
		rows = append(rows, r)
	}
	return rows
}

// without returns a change that leaves out the types of calls that an SDK lacks.
func without(types ...string) func(*row) *row {
	return func(r *row) *row {
		if slices.Contains(types, r.Type) {
			return nil
		}
		return r
	}
}

// sdks returns all, or those that E2E_SDKS names, separated by commas: SDKs, or node or
// web for all of a kind.
func sdks(t *testing.T) []*sdk {
	t.Helper()
	all := []*sdk{
		{driver: "segment", device: "device-1", pkg: "@segment/analytics-node", visit: visit(nil)},
		{driver: "rudderstack", device: "device-1", pkg: "@rudderstack/rudder-sdk-node", visit: visit(nil)},
		{driver: "posthog", pkg: "posthog-node", visit: visit(nil)},
		{driver: "snowplow", device: "device-1", pkg: "@snowplow/node-tracker", visit: visit(snowplow)},
		{driver: "mixpanel", device: "device-1", pkg: "mixpanel", visit: visit(mixpanel("page"))},
		{driver: "amplitude", device: "device-1", pkg: "@amplitude/analytics-node", visit: visit(without("page"))},
		{driver: "jitsu", device: some, pkg: "@jitsu/js", key: "jitsu-node:secret", visit: visit(nil)},
		{driver: "cloudevents", device: "device-1", pkg: "cloudevents", visit: visit(without("page", "identify"))},
		{driver: "matomo", device: "0123456789abcdef", pkg: "matomo-tracker", key: "1", visit: visit(matomo), step: matomoStep},

		{browser: true, device: some, driver: "segment", pkg: "@segment/analytics-next", visit: visit(nil)},
		{browser: true, device: some, driver: "rudderstack", pkg: "@rudderstack/analytics-js", visit: visit(nil)},
		{browser: true, device: some, driver: "posthog", pkg: "posthog-js", visit: visit(nil), extra: []string{"$web_vitals", "$pageleave"}},
		{browser: true, device: some, driver: "snowplow", pkg: "@snowplow/browser-tracker", visit: visit(snowplow)},
		{browser: true, device: some, driver: "mixpanel", pkg: "mixpanel-browser", visit: visit(mixpanel()), extra: []string{"identify"}},
		{browser: true, device: some, driver: "amplitude", pkg: "@amplitude/analytics-browser", visit: visit(nil)},
		{browser: true, driver: "umami", pkg: "umami", key: "11111111-2222-4333-8444-555555555555", visit: visit(umami)},
		{browser: true, driver: "plausible", pkg: "@plausible-analytics/tracker", key: "shop.test", visit: visit(anonymous), extra: []string{"engagement"}},
	}
	if os.Getenv(matomoScript) != "" {
		all = append(all, &sdk{browser: true, device: some, driver: "matomo", pkg: "matomo.js", key: "2", visit: visit(matomo), step: matomoStep})
	}
	only := os.Getenv("E2E_SDKS")
	var chosen []*sdk
	for _, s := range all {
		s.protocol = s.driver
		kind := "node"
		if s.browser {
			kind = "web"
		}
		s.name = s.driver + "-" + kind
		for i := range s.visit {
			switch r := &s.visit[i]; {
			case r.Type == "page" && s.browser:
				r.Campaign = "newsletter" // of the URL of the page
			case strings.EqualFold(strings.ReplaceAll(r.Event, "_", " "), "signup started"):
				r.Device = s.device
			}
		}
		if s.key == "" {
			s.key = "key-" + s.name
		}
		if s.step == "" {
			s.step = "JSONExtractInt(properties, 'n')"
		}
		if only == "" || slices.Contains(strings.Split(only, ","), s.name) || slices.Contains(strings.Split(only, ","), kind) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		t.Fatalf("E2E_SDKS=%s names none of the SDKs", only)
	}
	return chosen
}

// matomoScript is the variable that names a copy of matomo.js.
const matomoScript = "E2E_MATOMO_JS"

// matomoStep is where the driver puts the number of a step: the name of the event.
const matomoStep = "JSONExtractInt(JSONExtractString(properties, 'name'), 'n')"

// The changes that what an SDK has no call for makes necessary.

// snowplow names events by schemas and knows users, of whom it tells nothing.
func snowplow(r *row) *row {
	title := r.Event
	switch title {
	case "identify":
		return nil
	case "Signup Started":
		r.Event = "signup_started"
	case "Order Completed":
		r.Event = "order_completed"
	case "Émoji 🎉":
		r.Event = "_moji_"
	default:
		return r
	}
	r.Properties = strings.Replace(r.Properties, "{", `{"title":"`+title+`",`, 1)
	return r
}

// mixpanel has reserved names for what it knows of a person.
func mixpanel(lacks ...string) func(*row) *row {
	return func(r *row) *row {
		r.Traits = strings.NewReplacer(`"email"`, `"$email"`, `"name"`, `"$name"`).Replace(r.Traits)
		return without(lacks...)(r)
	}
}

// matomo has events of a category, an action and a name.
func matomo(r *row) *row {
	if r.Type == "identify" {
		return nil
	}
	if r.Type == "track" {
		r.Properties = fmt.Sprintf(`{"category":"shop","name":%q}`, r.Properties)
	}
	r.Revenue, r.Currency, r.Order = "", "", ""
	return r
}

// anonymous is for SDKs that know no users.
func anonymous(r *row) *row {
	r.User = ""
	return without("identify")(r)
}

// umami tells of a person, and not who it is.
func umami(r *row) *row {
	r.User = ""
	return r
}

// projectsFile has a project for each SDK. The members are added to each write key.
func projectsFile(all []*sdk, members string) string {
	var b strings.Builder
	b.WriteString("projects:\n")
	for _, s := range all {
		fmt.Fprintf(&b, "- {id: %s, write_keys: [{key: %q, protocols: [%s]%s}]}\n", s.name, s.key, s.protocol, members)
	}
	return b.String()
}

// version returns that of the installed package.
func (s *sdk) version(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(at("drivers", "node_modules", filepath.FromSlash(s.pkg), "package.json"))
	if err != nil {
		if s.pkg == "matomo.js" {
			return os.Getenv(matomoScript)
		}
		t.Fatal(err)
	}
	var p struct{ Version string }
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	return p.Version
}
