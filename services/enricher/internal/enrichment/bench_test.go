package enrichment_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/services/enricher/internal/adapt"
	"touchline.dev/services/enricher/internal/campaign"
	"touchline.dev/services/enricher/internal/channel"
	"touchline.dev/services/enricher/internal/commerce"
	"touchline.dev/services/enricher/internal/enrichment"
	"touchline.dev/services/enricher/internal/eventtime"
	"touchline.dev/services/enricher/internal/kind"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/enricher/internal/useragent"
	"touchline.dev/services/internal/jsonscan"
)

// sdks are the five kinds of clients whose requests are recorded: a browser, two
// generations of Node, Go, and plain HTTP.
var sdks = []string{"segment-next", "segment-node", "segment-legacy-node", "segment-go", "segment-http"}

// bench is one pipeline event for each recorded event of one SDK, after adapt and
// time, with the buffers that they alias.
type bench struct {
	events []pipeline.Event
	out    []event.Enriched
}

func newBench(b *testing.B, sdk string) *bench {
	b.Helper()
	raws, p, shop := recordedEvents(b, sdk), newPipeline(b), project(b, "projects: [{id: shop, write_keys: [k], time_zone: Europe/Berlin}]")
	x := &bench{make([]pipeline.Event, len(raws)), make([]event.Enriched, len(raws))}
	for i := range raws {
		e := &x.events[i]
		e.Raw, e.Project, e.Receipt, e.MessageHash = &raws[i].raw, shop, [16]byte{15: 7}, raws[i].hash
		if p.Run(e, &x.out[i]); x.out[i].Outcome != event.Stored {
			b.Fatalf("event %d of %s: %+v", i, sdk, x.out[i].Rejection)
		}
	}
	return x
}

// each runs one operation per event over the recorded events of each SDK, in
// turn, and reports the CPU time of the process beside the wall time.
func each(b *testing.B, prepare func(b *testing.B, x *bench) func(i int)) {
	for _, sdk := range sdks {
		b.Run(sdk, func(b *testing.B) {
			x := newBench(b, sdk)
			run := prepare(b, x)
			for i := range x.events {
				run(i) // grows the buffers
			}
			b.ReportAllocs()
			b.ResetTimer()
			before, n := cpu(b), 0
			for range b.N {
				if n++; n >= len(x.events) {
					n = 0
				}
				run(n)
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/event")
		})
	}
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchSecret(b *testing.B) ids.Secret {
	secret, err := ids.ParseSecret("000102030405060708090a0b0c0d0e0f")
	if err != nil {
		b.Fatal(err)
	}
	return secret
}

// BenchmarkPipeline is all steps, without deduplication, and the encoding.
func BenchmarkPipeline(b *testing.B) {
	each(b, func(b *testing.B, x *bench) func(int) {
		p, buffer := newPipeline(b), []byte(nil)
		return func(i int) {
			p.Run(&x.events[i], &x.out[i])
			buffer = x.out[i].Append(buffer[:0])
		}
	})
}

// BenchmarkWalk passes over all members of the event.
func BenchmarkWalk(b *testing.B) {
	each(b, func(b *testing.B, x *bench) func(int) {
		return func(i int) {
			m := jsonscan.MembersOf(x.events[i].Raw.Event)
			for m.Next() {
			}
			if m.Err() != nil {
				b.Fatal(m.Err())
			}
		}
	})
}

// BenchmarkAdapt is the step "adapt" alone.
func BenchmarkAdapt(b *testing.B) {
	each(b, func(b *testing.B, x *bench) func(int) {
		p := pipeline.New(enrichment.Version, []pipeline.Step{adapt.Step(benchSecret(b), adapt.All())})
		return func(i int) { p.Run(&x.events[i], &x.out[i]) }
	})
}

// BenchmarkEventTime is the step "time" alone.
func BenchmarkEventTime(b *testing.B) {
	each(b, func(b *testing.B, x *bench) func(int) {
		step := eventtime.Step()
		return func(i int) { step.Run(&x.events[i]) }
	})
}

// BenchmarkUserAgent is the step "user_agent" alone, with an agent that it knows,
// and with one that it has forgotten.
func BenchmarkUserAgent(b *testing.B) {
	b.Run("hit", func(b *testing.B) {
		each(b, func(b *testing.B, x *bench) func(int) {
			agents, err := agents()
			if err != nil {
				b.Fatal(err)
			}
			step := agents.Step()
			return func(i int) {
				t := x.events[i].Touchpoint
				t.BotReasons = t.BotReasons[:0]
				step.Run(&x.events[i])
			}
		})
	})
	b.Run("miss", func(b *testing.B) {
		agents, err := useragent.New(useragent.Config{CacheEntries: 4})
		if err != nil {
			b.Fatal(err)
		}
		x := newBench(b, "segment-next")
		e, step, texts := &x.events[0], agents.Step(), [64]string{}
		for i := range texts {
			texts[i] = fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", 100+i)
		}
		b.ReportAllocs()
		for i := range b.N {
			e.Touchpoint.UserAgent = texts[i%len(texts)]
			step.Run(e)
		}
	})
}

// BenchmarkMeaning is the steps that say what an event is, where it took place, how
// the visit was won and what was earned.
func BenchmarkMeaning(b *testing.B) {
	kinds := kind.New()
	for _, step := range []pipeline.Step{kinds.Step(), channel.Step(), campaign.New().Step(), commerce.Step(kinds)} {
		b.Run(step.Name, func(b *testing.B) {
			each(b, func(b *testing.B, x *bench) func(int) {
				return func(i int) {
					e := &x.events[i]
					scratch := e.Scratch
					step.Run(e)
					e.Scratch = scratch
				}
			})
		})
	}
}

// BenchmarkEncode writes the record of the dense log.
func BenchmarkEncode(b *testing.B) {
	each(b, func(b *testing.B, x *bench) func(int) {
		buffer := []byte(nil)
		return func(i int) { buffer = x.out[i].Append(buffer[:0]) }
	})
}

// BenchmarkDecode reads it, as landing does.
func BenchmarkDecode(b *testing.B) {
	each(b, func(b *testing.B, x *bench) func(int) {
		records := make([][]byte, len(x.out))
		for i := range x.out {
			records[i] = x.out[i].Append(nil)
		}
		var back event.Enriched
		return func(i int) {
			if err := back.Decode(records[i]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDecodeRaw reads the record of the raw log, as the enricher does.
func BenchmarkDecodeRaw(b *testing.B) {
	each(b, func(b *testing.B, x *bench) func(int) {
		records := make([][]byte, len(x.events))
		for i := range x.events {
			records[i] = x.events[i].Raw.Append(nil)
		}
		var raw event.Raw
		return func(i int) {
			if err := raw.Decode(records[i]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
