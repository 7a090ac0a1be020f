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
// other, and returns how many asserted fields were compared.
func compareRows(t *testing.T, d deployment, project string, expected []expectation, began time.Time) (asserted int) {
	t.Helper()
	rows := rowsOf(t, d, project, len(expected))
	for _, e := range expected {
		messageID := text(t, e.want, "message_id")
		found := slices.IndexFunc(rows, func(r touchpoint) bool {
			if messageID != "" || r.MessageID != "" {
				return r.MessageID == messageID
			}
			// Without an id the SDK's words have to tell.
			return r.Type == text(t, e.want, "type") && r.Properties == string(e.source["properties"]) &&
				(r.Type != "track" || r.Event == text(t, e.want, "event"))
		})
		if found < 0 {
			t.Errorf("%s: no row for %s", e.from, e.want["index"])
			continue
		}
		asserted += compareRow(t, &rows[found], e, began)
		rows = slices.Delete(rows, found, found+1)
	}
	for _, r := range rows {
		t.Errorf("%s: a row too many: %+v", project, r)
	}
	return asserted
}

// eventNames are what calls without a name of their own are called.
var eventNames = map[string]string{
	"page": "page_view", "screen": "screen_view", "identify": "identify", "group": "group", "alias": "alias",
}

// compareRow compares every field of the manifest, asserted or not, and that
// what it does not have is empty.
func compareRow(t *testing.T, r *touchpoint, e expectation, began time.Time) (asserted int) {
	t.Helper()
	event := text(t, e.want, "event")
	if r.Type != "track" {
		event = eventNames[r.Type]
	}
	var utm, library map[string]string
	var consent struct {
		CategoryPreferences map[string]bool `json:"categoryPreferences"`
	}
	for field, into := range map[string]any{"utm": &utm, "library": &library, "consent": &consent} {
		if raw, ok := e.want[field]; ok {
			decode(t, raw, into)
		}
	}
	var granted []string
	for purpose, yes := range consent.CategoryPreferences {
		if yes {
			granted = append(granted, purpose)
		}
	}
	slices.Sort(granted)
	clickName, click := "", ""
	for name, value := range utm {
		if !slices.Contains([]string{"source", "medium", "campaign", "content", "term"}, name) {
			clickName, click = name, value
		}
	}
	ip := text(t, e.want, "ip")
	if ip == "" {
		ip = "127.0.0.1" // the client's own address: this test's
	}
	revenue := json.Number("0")
	if raw, ok := e.want["value"]; ok {
		decode(t, raw, &revenue)
	}
	var shown []string
	for _, f := range []struct{ field, have, want string }{
		{"type", r.Type, text(t, e.want, "type")},
		{"event", r.Event, event},
		{"name", r.Name, text(t, e.want, "name")},
		{"protocol", r.Protocol, text(t, e.want, "protocol")},
		{"anonymous_id", r.AnonymousID, text(t, e.want, "anonymous_id")},
		{"user_id", r.UserID, text(t, e.want, "user_id")},
		{"previous_id", r.PreviousID, text(t, e.want, "previous_id")},
		{"group_id", r.GroupID, text(t, e.want, "group_id")},
		{"message_id", r.MessageID, text(t, e.want, "message_id")},
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
		{"value", r.Revenue.String(), revenue.String()},
		{"currency", r.Currency, text(t, e.want, "currency")},
		{"consent", r.Consent, strings.Join(granted, ",")},
		{"properties", r.Properties, string(e.source["properties"])},
		{"traits", r.Traits, string(e.source["traits"])},
		{"write_key", r.Project, strings.SplitN(e.from, "/", 2)[0]},
	} {
		if f.have != f.want {
			t.Errorf("%s[%s]: %s = %q, want %q", e.from, e.want["index"], f.field, f.have, f.want)
		}
		shown = append(shown, f.field)
	}
	if library != nil && (r.Library != library["name"] || r.LibraryVersion != library["version"]) {
		t.Errorf("%s[%s]: library = %s %s, want %v", e.from, e.want["index"], r.Library, r.LibraryVersion, library)
	}
	shown = append(shown, "library")
	for field, have := range map[string]string{"properties": r.Properties, "traits": r.Traits} {
		if a, b := object(t, []byte(have)), object(t, e.want[field]); !reflect.DeepEqual(a, b) {
			t.Errorf("%s[%s]: %s = %v, want %v", e.from, e.want["index"], field, a, b)
		}
	}
	received, err := time.Parse(sqlLayout, r.ReceivedAt)
	if err != nil || received.Before(began.Add(-time.Second)) || received.After(time.Now().Add(time.Second)) {
		t.Errorf("%s: received at %s (%v), sent after %s", e.from, r.ReceivedAt, err, began)
	}
	if len(r.PersonID) != 16 || strings.Trim(r.PersonID, "0") == "" {
		t.Errorf("%s: person %q", e.from, r.PersonID)
	}
	var fields []string
	decode(t, e.want["asserted"], &fields)
	for _, field := range fields {
		if !slices.Contains(shown, field) {
			t.Errorf("%s: the asserted field %s is not compared", e.from, field)
		}
	}
	return len(fields)
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
