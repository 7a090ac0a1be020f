package profile_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"touchline.dev/schemas/event"
	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/scorer/internal/fragment"
	"touchline.dev/services/scorer/internal/profile"
	"touchline.dev/services/scorer/internal/rules"
)

var update = flag.Bool("update", false, "write the profiles found to testdata")

// line is one event of a golden file; device "" is the server's.
type line struct {
	Device, User, Event, Type, Name, URL, Channel, Campaign, Currency, Country string
	Time                                                                       time.Time
	Revenue                                                                    float64
	Traits                                                                     json.RawMessage
	// AsOf alone on a line is the time of the profile; else the last event's.
	AsOf time.Time `json:"as_of"`
}

// Each testdata/*.txt holds events, one a line, ----, and the person's profile
// under the rules that come with the release.
func TestGolden(t *testing.T) {
	r, err := rules.Load("")
	if err != nil {
		t.Fatal(err)
	}
	folder := fragment.New(r.Watch())
	maker := profile.New(r, folder)
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d files (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, ok := strings.Cut(string(text), "----\n")
			if !ok {
				t.Fatal("no ----")
			}
			fragments, asOf := fold(t, folder, input)
			got := show(t, maker.Make(fragments, asOf))
			if *update {
				if err := os.WriteFile(file, []byte(input+"----\n"+got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func fold(t *testing.T, folder *fragment.Folder, input string) (fragments []*pb.Fragment, asOf int64) {
	t.Helper()
	byDevice := map[string]*pb.Fragment{}
	src := int64(0)
	for text := range strings.Lines(input) {
		if strings.HasPrefix(text, "#") {
			continue
		}
		var l line
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			t.Fatalf("line %q: %v", text, err)
		}
		if !l.AsOf.IsZero() {
			asOf = l.AsOf.UnixMilli()
			continue
		}
		f, ok := byDevice[l.Device]
		if !ok {
			f = fragment.Empty("shop", 0xfeed, l.Device)
			byDevice[l.Device] = f
			fragments = append(fragments, f)
		}
		if l.Type == "" {
			l.Type = "track"
		}
		ms := l.Time.UnixMilli()
		folder.Apply(f, &event.Touchpoint{
			Type: l.Type, Event: l.Event, Name: l.Name, URL: l.URL, UserID: l.User, EventTime: ms, Day: int32(ms / 86_400_000),
			AcquisitionChannel: l.Channel, UTMCampaign: l.Campaign, RevenueE4: int64(l.Revenue * 10_000), Currency: l.Currency,
			Country: l.Country, Traits: l.Traits,
		}, src)
		src++
		asOf = max(asOf, ms)
	}
	return fragments, asOf
}

// show returns the profile as JSON; protojson alone varies its white space.
func show(t *testing.T, p *pb.Profile) string {
	t.Helper()
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String() + "\n"
}
