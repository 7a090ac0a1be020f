package enrichment_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"touchline.dev/schemas/event"
)

// recordings holds real requests of SDKs, the raw records that the collector makes
// of them (raw.jsonl), and what those must become (manifest.json).
const recordings = "../../../../schemas/testdata/sdk"

type manifest struct {
	Scenarios []struct {
		Name     string
		Expected []map[string]json.RawMessage `json:"expected_events"`
	}
}

// expected is an expected event; its other members are compared by name.
type expected map[string]json.RawMessage

func (x expected) text(t *testing.T, field string) string {
	var s string
	if raw := x[field]; raw != nil {
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatalf("%s: %v", field, err)
		}
	}
	return s
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// recordedEvent is a raw record of a recorded request.
type recordedEvent struct {
	file string
	hash []byte // of project and message id
	raw  event.Raw
}

// recordedEvents returns what the collector makes of the requests of one SDK, as
// its own test of the recordings wrote it down.
func recordedEvents(t testing.TB, sdk string) []recordedEvent {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(recordings, sdk, "raw.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var all []recordedEvent
	for line := range bytes.Lines(data) {
		var request struct {
			File    string
			Records []struct {
				Index                       uint32
				Project, Protocol, Endpoint string
				MID, Context, Event         string
				SentAt                      string `json:"sent_at"`
				Address                     string `json:"client_ip"`
				Agent                       string `json:"user_agent"`
				Headers                     [][2]string
			}
		}
		if err := json.Unmarshal(line, &request); err != nil {
			t.Fatal(err)
		}
		for _, r := range request.Records {
			hash, err := hex.DecodeString(r.MID)
			if err != nil {
				t.Fatal(err)
			}
			if len(hash) == 0 {
				hash = nil
			}
			one := recordedEvent{request.File, hash, event.Raw{
				Index: r.Index, Project: r.Project, Protocol: r.Protocol, Endpoint: r.Endpoint, Context: []byte(r.Context), Event: []byte(r.Event),
				SentAt: r.SentAt, ClientIP: r.Address, UserAgent: r.Agent, ReceivedAt: 1795290375973,
			}}
			for _, h := range r.Headers {
				one.raw.Headers = append(one.raw.Headers, event.Header{Name: h[0], Value: h[1]})
			}
			all = append(all, one)
		}
	}
	return all
}
