package eventtime_test

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/projects"
	"touchline.dev/services/enricher/internal/eventtime"
	"touchline.dev/services/enricher/internal/pipeline"
)

// vectors.txt has cases of a name, input lines, ---- and the result.
func TestVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for block := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n\n") {
		for strings.HasPrefix(block, "#") {
			_, block, _ = strings.Cut(block, "\n")
		}
		name, rest, _ := strings.Cut(block, "\n")
		input, want, ok := strings.Cut(rest, "----\n")
		if !ok {
			t.Fatalf("case %q has no result", name)
		}
		n++
		t.Run(name, func(t *testing.T) {
			if got := run(t, input); got != strings.TrimSpace(want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	if n < 30 {
		t.Errorf("only %d cases", n)
	}
}

func run(t *testing.T, input string) string {
	in := map[string]string{"zone": "UTC", "max_age": "400d"}
	for line := range strings.Lines(input) {
		field, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		in[field] = strings.TrimSpace(value)
	}
	set, err := projects.Parse([]byte("projects: [{id: shop, write_keys: [k], time_zone: " + in["zone"] + ", limits: {max_age: " + in["max_age"] + "}}]"))
	if err != nil {
		t.Fatal(err)
	}
	ms := func(field string) (int64, bool) {
		text, given := in[field]
		v, ok := eventtime.Parse([]byte(text))
		if ok != given {
			t.Fatalf("%s %q is read: %v", field, text, ok)
		}
		return v, ok
	}
	var touchpoint event.Touchpoint
	raw := event.Raw{Endpoint: in["endpoint"]}
	raw.ReceivedAt, _ = ms("received")
	touchpoint.OriginalTimestamp, touchpoint.HasOriginalTimestamp = ms("original")
	touchpoint.SentAt, touchpoint.HasSentAt = ms("sent")
	e := pipeline.Event{Raw: &raw, Project: set.All()[0], Touchpoint: &touchpoint}
	if verdict := eventtime.Step().Run(&e); verdict != (pipeline.Verdict{}) {
		t.Errorf("verdict %+v", verdict)
	}
	at := time.UnixMilli(touchpoint.EventTime).UTC().Format(time.RFC3339Nano)
	day := time.Unix(int64(touchpoint.Day)*86400, 0).UTC().Format(time.DateOnly)
	return fmt.Sprintf("%s %s day %s", at, touchpoint.TimeSource, day)
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z"},
		{"2026-11-01T10:00:00.123+01:00", "2026-11-01T09:00:00.123Z"},
		{"2026-11-21T19:45:55.522200527Z", "2026-11-21T19:45:55.522Z"},
		{"2026-11-01T10:00:00.9999Z", "2026-11-01T10:00:00.999Z"},
		{"2026-11-01T10:00:00.5Z", "2026-11-01T10:00:00.5Z"},
		{"2026-11-01t10:00:00z", "2026-11-01T10:00:00Z"},
		{"2026-11-01 10:00:00,25-0330", "2026-11-01T13:30:00.25Z"},
		{"2026-11-01T10:00:00+05", "2026-11-01T05:00:00Z"},
		{"2026-11-01T10:00", "2026-11-01T10:00:00Z"},
		{"2026-11-01T10:00Z", "2026-11-01T10:00:00Z"},
		{"2026-11-01T10:00:00", "2026-11-01T10:00:00Z"},
		{"2026-11-01", "2026-11-01T00:00:00Z"},
		{"2024-02-29T23:59:59-12:00", "2024-03-01T11:59:59Z"},
		{"2026-01-01T00:30:00+02:00", "2025-12-31T22:30:00Z"},
		{"0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"},
		{"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
		{"1700000000", "2023-11-14T22:13:20Z"},
		{"1700000000.5", "2023-11-14T22:13:20.5Z"},
		{"1700000000123", "2023-11-14T22:13:20.123Z"},
		{"1700000000123456", "2023-11-14T22:13:20.123Z"},
		{"1700000000123456789", "2023-11-14T22:13:20.123Z"},
		{"1.7e12", "2023-11-14T22:13:20Z"},
		{"99999999999", "5138-11-16T09:46:39Z"},
		{"100000000000", "1973-03-03T09:46:40Z"},
		{"99999999999999", "5138-11-16T09:46:39.999Z"},
		{"100000000000000", "1973-03-03T09:46:40Z"},
		{"99999999999999999", "5138-11-16T09:46:39.999Z"},
		{"100000000000000000", "1973-03-03T09:46:40Z"},
		{"-1", "1969-12-31T23:59:59Z"},
		{"-1700000000123456", "1916-02-18T01:46:39.876Z"},
		{"0", "1970-01-01T00:00:00Z"},
		{"", ""}, {"now", ""}, {"2026", "1970-01-01T00:33:46Z"}, {"2026-11", ""}, {"2026-13-01", ""}, {"2026-00-10", ""}, {"2026-11-00", ""},
		{"2026-02-29", ""}, {"2026-11-31T00:00:00Z", ""}, {"2026-11-01T24:00:00Z", ""}, {"2026-11-01T10:60:00Z", ""},
		{"2026-11-01T10:00:60Z", ""}, {"2026-11-01T10:00:00.Z", ""}, {"2026-11-01T10:00:00+24:00", ""}, {"2026-11-01T10:00:00+1:00", ""},
		{"2026-11-01T10:00:00ZZ", ""}, {"2026-11-01T10:00:00 UTC", ""}, {"2026-11-01T", ""}, {"+002026-11-01T10:00:00Z", ""},
		{"Sun, 01 Nov 2026 10:00:00 GMT", ""}, {"２０２６-11-01", ""}, {"NaN", ""}, {"Infinity", ""}, {"0x7f", ""}, {"1e400", ""},
		{"9.3e18", ""}, {"1e19", ""}, {"-1e300", ""}, {" 1700000000", ""}, {"2026-11-01T10:00:00\x00", ""},
	} {
		ms, ok := eventtime.Parse([]byte(c.text))
		got := ""
		if ok {
			got = time.UnixMilli(ms).UTC().Format(time.RFC3339Nano)
		}
		if got != c.want {
			t.Errorf("Parse(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

// Every day of 10,000 years is the one that package time says.
func TestEveryDay(t *testing.T) {
	for at := time.Date(0, 1, 1, 12, 34, 56, 789e6, time.UTC); at.Year() < 10000; at = at.AddDate(0, 0, 1) {
		text := at.Format("2006-01-02T15:04:05.000Z")
		if ms, ok := eventtime.Parse([]byte(text)); !ok || ms != at.UnixMilli() {
			t.Fatalf("Parse(%q) = %d, %v; want %d", text, ms, ok, at.UnixMilli())
		}
		if last := at.AddDate(0, 0, 1); last.Day() == 1 {
			text := at.Format("2006-01-") + strconv.Itoa(at.Day()+1)
			if _, ok := eventtime.Parse([]byte(text)); ok {
				t.Fatalf("Parse(%q) takes a day that does not exist", text)
			}
		}
	}
}

// Whatever an SDK writes, the event time lies in the allowed range and no
// difference of times overflows.
func FuzzTime(f *testing.F) {
	f.Add("2026-03-10T10:00:00Z", "1e18", int64(1773136800000), "track")
	f.Add("0000-01-01", "9999-12-31T23:59:59.999-23:59", int64(1773136800000), "import")
	f.Add("-9.2e18", "99999999999", int64(1773136800000), "import")
	set, err := projects.Parse([]byte("projects: [{id: shop, write_keys: [k], time_zone: Asia/Kathmandu}]"))
	if err != nil {
		f.Fatal(err)
	}
	project := set.All()[0]
	f.Fuzz(func(t *testing.T, original, sent string, received int64, endpoint string) {
		received = 1577836800000 + (received&math.MaxInt64)%(100*365*86400000) // 2020 to 2119
		var touchpoint event.Touchpoint
		touchpoint.OriginalTimestamp, touchpoint.HasOriginalTimestamp = eventtime.Parse([]byte(original))
		touchpoint.SentAt, touchpoint.HasSentAt = eventtime.Parse([]byte(sent))
		e := pipeline.Event{Raw: &event.Raw{ReceivedAt: received, Endpoint: endpoint}, Project: project, Touchpoint: &touchpoint}
		eventtime.Step().Run(&e)
		oldest := received - project.Limits.MaxAge.Milliseconds()
		if endpoint == "import" {
			oldest = eventtime.Earliest
		}
		if touchpoint.EventTime < oldest || touchpoint.EventTime > received {
			t.Errorf("event time %d outside [%d, %d]", touchpoint.EventTime, oldest, received)
		}
		if touchpoint.TimeSource == "" || touchpoint.Day != project.Day(touchpoint.EventTime) {
			t.Errorf("source %q, day %d", touchpoint.TimeSource, touchpoint.Day)
		}
		years := func(ms int64) int { return time.UnixMilli(ms).UTC().Year() }
		if y := years(touchpoint.OriginalTimestamp); y < -2000 || y > 10000 {
			t.Errorf("%q is in the year %d", original, y)
		}
	})
}
