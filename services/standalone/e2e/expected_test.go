package e2e_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// touchpoint is a row of analytics.touchpoints.
type touchpoint struct {
	Project           string      `json:"project"`
	EventID           string      `json:"event_id"`
	MessageID         string      `json:"message_id"`
	ReceiptID         string      `json:"receipt_id"`
	Type              string      `json:"type"`
	Event             string      `json:"event"`
	Name              string      `json:"name"`
	Protocol          string      `json:"protocol"`
	AnonymousID       string      `json:"anonymous_id"`
	UserID            string      `json:"user_id"`
	PreviousID        string      `json:"previous_id"`
	GroupID           string      `json:"group_id"`
	GroupType         string      `json:"group_type"`
	SessionID         string      `json:"session_id"`
	PersonID          string      `json:"person_id"`
	EventTime         string      `json:"event_time"`
	OriginalTimestamp *string     `json:"original_timestamp"`
	SentAt            *string     `json:"sent_at"`
	ReceivedAt        string      `json:"received_at"`
	TimeSource        string      `json:"time_source"`
	URL               string      `json:"url"`
	PageTitle         string      `json:"page_title"`
	Referrer          string      `json:"referrer"`
	UTMSource         string      `json:"utm_source"`
	UTMMedium         string      `json:"utm_medium"`
	UTMCampaign       string      `json:"utm_campaign"`
	UTMContent        string      `json:"utm_content"`
	UTMTerm           string      `json:"utm_term"`
	ClickIDName       string      `json:"click_id_name"`
	ClickID           string      `json:"click_id"`
	Locale            string      `json:"locale"`
	Timezone          string      `json:"timezone"`
	IP                string      `json:"ip"`
	Library           string      `json:"library"`
	LibraryVersion    string      `json:"library_version"`
	Revenue           json.Number `json:"revenue"`
	Currency          string      `json:"currency"`
	OrderID           string      `json:"order_id"`
	Consent           string      `json:"consent"`
	Properties        string      `json:"properties"`
	Traits            string      `json:"traits"`
	Context           string      `json:"context"`
}

// rowsOf returns the rows of a project once there are as many as wanted and
// nothing more is on its way.
func rowsOf(t *testing.T, d deployment, project string, want int) []touchpoint {
	t.Helper()
	var rows []touchpoint
	await(t, landTime, fmt.Sprintf("%d rows of %s", want, project), func() (err error) {
		rows, err = selectRows[touchpoint](d.bi(), "SELECT * FROM analytics.touchpoints WHERE project = {project:String} ORDER BY received_at, message_id",
			map[string]string{"project": project})
		if err == nil && len(rows) < want {
			err = fmt.Errorf("%d rows", len(rows))
		}
		return err
	})
	if len(rows) != want {
		t.Errorf("%d rows of %s, want %d", len(rows), project, want)
	}
	return rows
}

// compareRows finds the row of every expected event, requires that there is no
// other, and returns how many asserted fields were compared. An event without a
// message id has the row that fits it best. A second event with the same id is a
// retry, as far as anybody can tell: it has none.
func compareRows(t *testing.T, d deployment, sdk string, expected []expectation, differs map[string]string, began time.Time) (asserted int) {
	t.Helper()
	seen := map[string]bool{}
	expected = slices.DeleteFunc(expected, func(e expectation) bool {
		id := text(t, e.want, "message_id")
		again := id != "" && seen[id]
		seen[id] = true
		return again
	})
	rows := rowsOf(t, d, sdk, len(expected))
	for i := range expected {
		e := &expected[i]
		messageID := text(t, e.want, "message_id")
		best, least := -1, []string(nil)
		for k := range rows {
			if rows[k].MessageID != messageID {
				continue
			}
			if wrong := compareRow(t, &rows[k], e, differs); best < 0 || len(wrong) < len(least) {
				best, least = k, wrong
			}
		}
		if best < 0 {
			t.Errorf("%s: no row of message %q", e.name(t), messageID)
			continue
		}
		for _, wrong := range least {
			t.Errorf("%s: %s", e.name(t), wrong)
		}
		checkRow(t, &rows[best], began)
		var fields []string
		if e.want["asserted"] != nil {
			decode(t, e.want["asserted"], &fields)
		}
		asserted += len(fields)
		rows = slices.Delete(rows, best, best+1)
	}
	for _, r := range rows {
		t.Errorf("%s: a row too many: %+v", sdk, r)
	}
	return asserted
}

// eventNames are what calls without a name of their own are called.
var eventNames = map[string]string{
	"page": "page_view", "screen": "screen_view", "identify": "identify", "group": "group", "alias": "alias",
}

// inContext are the members of a manifest that have no column: they stand in the
// context under the same name. Of "contexts" the manifests have the schemas only,
// and consent is compared where rows are made.
var inContext = []string{
	"groups", "trait_ops", "tag", "interactive", "page_view_id", "subject", "traceparent", "data_base64", "data_text", "source", "schema",
}

// compareRow compares every field of the manifest, asserted or not, and that what
// it does not have is empty. It returns what is wrong.
func compareRow(t *testing.T, r *touchpoint, e *expectation, differs map[string]string) (wrong []string) {
	t.Helper()
	event := text(t, e.want, "event")
	if r.Type != "track" {
		event = eventNames[r.Type]
	}
	var utm, library map[string]string
	for field, into := range map[string]any{"utm": &utm, "library": &library} {
		if raw, ok := e.want[field]; ok {
			decode(t, raw, into)
		}
	}
	clickName, click := "", ""
	for name, value := range utm {
		if !slices.Contains([]string{"source", "medium", "campaign", "content", "term"}, name) {
			clickName, click = name, value
		}
	}
	ip := text(t, e.want, "ip")
	if ip == "" && r.IP != "" {
		ip = "127.0.0.1" // the client's own address: this test's
	}
	var context map[string]any
	if r.Context != "" {
		decode(t, []byte(r.Context), &context)
	}
	check := func(field string, have, want any) {
		if e.differs(t, differs, field) {
			return
		}
		if !reflect.DeepEqual(have, want) {
			wrong = append(wrong, fmt.Sprintf("%s = %v, want %v", field, have, want))
		}
	}
	protocol, _, _ := strings.Cut(text(t, e.want, "protocol"), "_") // the manifests tell versions apart
	for _, f := range []struct{ field, have, want string }{
		{"type", r.Type, text(t, e.want, "type")},
		{"event", r.Event, event},
		{"name", r.Name, text(t, e.want, "name")},
		{"protocol", r.Protocol, protocol},
		{"anonymous_id", r.AnonymousID, text(t, e.want, "anonymous_id")},
		{"user_id", r.UserID, text(t, e.want, "user_id")},
		{"previous_id", r.PreviousID, text(t, e.want, "previous_id")},
		{"group_id", r.GroupID, text(t, e.want, "group_id")},
		{"group_type", r.GroupType, text(t, e.want, "group_type")},
		{"timestamp", deref(r.OriginalTimestamp), sqlTime(t, text(t, e.want, "timestamp"))},
		{"sent_at", deref(r.SentAt), sqlTime(t, text(t, e.want, "sent_at"))},
		{"url", r.URL, text(t, e.want, "url")},
		{"title", r.PageTitle, text(t, e.want, "title")},
		{"referrer", r.Referrer, text(t, e.want, "referrer")},
		{"utm", r.UTMSource, utm["source"]},
		{"utm", r.UTMMedium, utm["medium"]},
		{"utm", r.UTMCampaign, utm["campaign"]},
		{"utm", r.UTMContent, utm["content"]},
		{"utm", r.UTMTerm, utm["term"]},
		{"utm", r.ClickIDName, clickName},
		{"utm", r.ClickID, click},
		{"locale", r.Locale, text(t, e.want, "locale")},
		{"timezone", r.Timezone, text(t, e.want, "timezone")},
		{"ip", r.IP, ip},
		{"currency", r.Currency, text(t, e.want, "currency")},
	} {
		check(f.field, f.have, f.want)
	}
	if library != nil {
		check("library", r.Library+" "+r.LibraryVersion, library["name"]+" "+library["version"])
	}
	if text(t, e.want, "session_id") != "" { // others have a session if their time gives them one
		check("session_id", r.SessionID != "", true)
	}
	properties := object(t, []byte(r.Properties))
	check("properties", properties, object(t, e.want["properties"]))
	check("traits", object(t, []byte(r.Traits)), object(t, e.want["traits"]))
	for _, field := range inContext {
		if raw, ok := e.want[field]; ok {
			var want any
			decode(t, raw, &want)
			check(field, context[field], want)
		}
	}
	value := 0.0
	if raw, ok := e.want["value"]; ok {
		decode(t, raw, &value)
	}
	// A value that is no money stands in the properties and is no revenue.
	if revenue, err := r.Revenue.Float64(); err != nil || revenue != value && (revenue != 0 || properties["value"] != value) {
		check("value", r.Revenue.String(), value)
	}
	return wrong
}

// checkRow checks what every row has.
func checkRow(t *testing.T, r *touchpoint, began time.Time) {
	t.Helper()
	received, err := time.Parse(sqlLayout, r.ReceivedAt)
	if err != nil || received.Before(began.Add(-time.Second)) || received.After(time.Now().Add(time.Second)) {
		t.Errorf("%s: received at %s (%v), sent after %s", r.MessageID, r.ReceivedAt, err, began)
	}
	if len(r.PersonID) != 16 || strings.Trim(r.PersonID, "0") == "" {
		t.Errorf("%s: person %q", r.MessageID, r.PersonID)
	}
}

// sqlLayout is how ClickHouse prints a time.
const sqlLayout = "2006-01-02 15:04:05.000"

func sqlTime(t *testing.T, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC().Format(sqlLayout)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// object decodes an object without its members that are empty strings, which the
// manifests leave out.
func object(t *testing.T, text []byte) map[string]any {
	t.Helper()
	members := map[string]any{}
	if len(text) > 0 {
		decode(t, text, &members)
	}
	for name, value := range members {
		if value == "" {
			delete(members, name)
		}
	}
	return members
}
