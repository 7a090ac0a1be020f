package slice

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// batches are requests of a browser SDK and two server SDKs, as they sent them.
var batches = []string{
	"segment-next/batch/003-POST_v1_b.json",
	"segment-node/default/001-POST_v1_batch.json",
	"segment-legacy-node/default/002-POST_v1_batch.json",
}

func readBodies(b *testing.B) [][]byte {
	b.Helper()
	bodies := make([][]byte, len(batches))
	for i, name := range batches {
		text, err := os.ReadFile(filepath.FromSlash("../../../../schemas/testdata/sdk/" + name))
		if err != nil {
			b.Fatal(err)
		}
		var recorded struct{ Body string }
		if err := json.Unmarshal(text, &recorded); err != nil {
			b.Fatal(err)
		}
		bodies[i] = []byte(recorded.Body)
	}
	return bodies
}

// BenchmarkScan walks recorded batches the way the segment package does.
func BenchmarkScan(b *testing.B) {
	bodies := readBodies(b)
	wanted := []string{"messageId", "anonymousId", "userId", "writeKey"}
	got := make([]Value, len(wanted))
	var c Cursor
	events, bytes := 0, 0
	walk := func(body []byte) {
		c.Reset(body)
		c.Enter('{')
		for first := true; ; first = false {
			more, ok := c.Next('}', first)
			if !ok {
				b.Fatal(c.Problem())
			}
			if !more {
				return
			}
			name, _ := c.Key()
			if string(name) != "batch" {
				c.Value()
				continue
			}
			c.Enter('[')
			for first := true; ; first = false {
				if more, _ := c.Next(']', first); !more {
					break
				}
				v, ok := c.Members(wanted, got)
				if !ok || got[0].Kind != String {
					b.Fatal(c.Problem())
				}
				events++
				bytes += v.End - v.Start
			}
		}
	}
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		for _, body := range bodies {
			walk(body)
		}
	}
	b.ReportMetric((cpu(b)-before)/float64(events), "cpu-ns/event")
	b.ReportMetric(float64(bytes)/float64(events), "bytes/event")
}

// BenchmarkScanInner walks a recorded batch the way the posthog package does, which
// also asks for members of the events' properties.
func BenchmarkScanInner(b *testing.B) {
	text, err := os.ReadFile(filepath.FromSlash("../../../../schemas/testdata/sdk/posthog/nocompress/009-POST_e.json"))
	if err != nil {
		b.Fatal(err)
	}
	var recorded struct{ Body string }
	if err := json.Unmarshal(text, &recorded); err != nil {
		b.Fatal(err)
	}
	body := []byte(recorded.Body)
	wanted := []string{"event", "uuid", "distinct_id", "properties", "api_key", "token", "options"}
	inner := []string{"distinct_id", "$device_id", "$anon_distinct_id", "$user_id", "$insert_id", "token", "$is_identified", "$lib"}
	got := make([]Value, len(wanted)+len(inner))
	var c Cursor
	events, bytes := 0, 0
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		c.Reset(body)
		c.Enter('{')
		for first := true; ; first = false {
			if more, ok := c.Next('}', first); !ok {
				b.Fatal(c.Problem())
			} else if !more {
				break
			}
			if name, _ := c.Key(); string(name) != "batch" {
				c.Value()
				continue
			}
			c.Enter('[')
			for first := true; ; first = false {
				if more, _ := c.Next(']', first); !more {
					break
				}
				v, ok := c.MembersIn(wanted, 3, inner, got)
				if !ok || got[len(wanted)+1].Kind != String {
					b.Fatal(c.Problem())
				}
				events++
				bytes += v.End - v.Start
			}
		}
	}
	b.ReportMetric((cpu(b)-before)/float64(events), "cpu-ns/event")
	b.ReportMetric(float64(bytes)/float64(events), "bytes/event")
}

// cpu is the user and system time of the process so far, in nanoseconds.
func cpu(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}
