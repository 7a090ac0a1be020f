package enrichment_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/adapt"
	"touchline.dev/services/enricher/internal/pipeline"
)

// mappingPage shows for every canonical field where each protocol has it.
const mappingPage = "../../../../docs/mapping.md"

// TestMapping holds the table of docs/mapping.md against what adapters do: a cell
// that names a source is filled by an event of that protocol, recorded from an SDK
// or standing in testdata/mapping.txt, and a cell with a dash by none.
func TestMapping(t *testing.T) {
	text, err := os.ReadFile(mappingPage)
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]map[string]string{} // by protocol and field
	var protocols []string
	fields := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "| "):
			protocols = nil
		case cells[0] == "field":
			for _, name := range cells[1:] {
				protocols = append(protocols, strings.Trim(name, "`"))
			}
		case strings.HasPrefix(cells[0], "`") && protocols != nil:
			if fields++; len(cells) != len(protocols)+1 {
				t.Fatalf("%d cells for %d protocols: %s", len(cells)-1, len(protocols), line)
			}
			for i, p := range protocols {
				if table[p] == nil {
					table[p] = map[string]string{}
				}
				table[p][strings.Trim(cells[0], "`")] = cells[i+1]
			}
		}
	}
	filled := filledFields(t)
	for name := range adapt.All() {
		if table[name] == nil {
			t.Errorf("protocol %s has no column", name)
			continue
		}
		for _, field := range slices.Sorted(maps.Keys(fieldsOf(&event.Touchpoint{}, ""))) {
			cell, ok := table[name][field]
			switch {
			case !ok:
				t.Errorf("field %s has no row of %s", field, name)
			case (cell == "–") != !filled[name][field]:
				t.Errorf("%s of %s: the page says %q; an event fills it: %v", field, name, cell, filled[name][field])
			}
		}
	}
	if fields == 0 {
		t.Error("the page has no table")
	}
}

// filledFields returns which fields events of each protocol fill.
func filledFields(t *testing.T) map[string]map[string]bool {
	t.Helper()
	p := newPipeline(t)
	shop := project(t, "projects: [{id: shop, write_keys: [wk_test]}]")
	filled := map[string]map[string]bool{}
	var e pipeline.Event
	run := func(raw event.Raw, hash []byte) {
		e.Raw, e.Project, e.Receipt, e.MessageHash = &raw, shop, [16]byte{15: 7}, hash
		var out event.Enriched
		if p.Run(&e, &out); out.Outcome != event.Stored {
			t.Fatalf("%s %s: %s %+v", raw.Protocol, raw.Event, out.Outcome, out.Rejection)
		}
		if filled[raw.Protocol] == nil {
			filled[raw.Protocol] = map[string]bool{}
		}
		for field, is := range fieldsOf(&out.Touchpoint, e.Session) {
			if is {
				filled[raw.Protocol][field] = true
			}
		}
	}
	manifests, err := filepath.Glob(filepath.Join(recordings, "*", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range manifests {
		for _, r := range recordedEvents(t, filepath.Base(filepath.Dir(path))) {
			r.raw.ClientIP, r.raw.UserAgent = "", "" // what the envelope gives is no mapping
			run(r.raw, r.hash)
		}
	}
	text, err := os.ReadFile("testdata/mapping.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		parts := strings.SplitN(strings.TrimSpace(line), " ", 3)
		text, request, _ := strings.Cut(parts[2], "\t")
		context, sentAt, _ := strings.Cut(request, "\t")
		run(event.Raw{Project: "shop", Protocol: parts[0], Endpoint: parts[1], ReceivedAt: 1795290375973, SentAt: sentAt, Event: []byte(text), Context: []byte(context)}, nil)
	}
	return filled
}

// fieldsOf returns the fields of the mapping and whether t has them.
func fieldsOf(t *event.Touchpoint, session string) map[string]bool {
	var context map[string]json.RawMessage
	if len(t.Context) > 0 {
		if err := json.Unmarshal(t.Context, &context); err != nil {
			panic(fmt.Sprintf("context %s: %v", t.Context, err))
		}
	}
	return map[string]bool{
		"type: page": t.Type == "page", "type: screen": t.Type == "screen", "type: identify": t.Type == "identify",
		"type: group": t.Type == "group", "type: alias": t.Type == "alias", "event": t.Type == "track" && t.Event != "",
		"name": t.Name != "", "channel": t.Channel != "",
		"anonymous_id": t.AnonymousID != "", "user_id": t.UserID != "", "previous_id": t.PreviousID != "",
		"group_id": t.GroupID != "", "group_type": t.GroupType != "", "session": session != "",
		"message_id": t.MessageID != "" || t.EventID != [16]byte{15: 7}, "original_timestamp": t.HasOriginalTimestamp, "sent_at": t.HasSentAt,
		"url": t.URL != "", "page_title": t.PageTitle != "", "referrer": t.Referrer != "",
		"utm_source": t.UTMSource != "", "utm_medium": t.UTMMedium != "", "utm_campaign": t.UTMCampaign != "",
		"utm_content": t.UTMContent != "", "utm_term": t.UTMTerm != "", "click_id": t.ClickID != "",
		"device_type": t.DeviceType != "", "os": t.OS != "", "os_version": t.OSVersion != "", "browser": t.Browser != "",
		"browser_version": t.BrowserVersion != "", "app_version": t.AppVersion != "",
		"locale": t.Locale != "", "timezone": t.Timezone != "", "ip": t.IP != "", "user_agent": t.UserAgent != "",
		"library": t.Library != "", "library_version": t.LibraryVersion != "", "consent": t.Consent != "",
		"revenue": t.RevenueE4 != 0, "currency": t.Currency != "", "order_id": t.OrderID != "",
		"properties": len(t.Properties) > 0, "traits": len(t.Traits) > 0,
		"context.groups": context["groups"] != nil, "context.trait_ops": context["trait_ops"] != nil,
	}
}
