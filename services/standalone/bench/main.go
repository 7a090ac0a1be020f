// Command bench measures what an event costs on its way from an SDK's request to
// a row in ClickHouse, in CPU-seconds (user and system) per million events and in
// memory, and how long the way takes.
//
// Every part is a process of its own, started from the clone it runs in: broker,
// ClickHouse, collector, enricher. The load is seeded and of a fixed number of
// events, 5 % of them retries, so it knows what must come out; it fails if an
// event is missing or there twice. Nothing fails for being slow. The parts work
// one after the other where that can be arranged, so each has the processor to
// itself; a calibration loop and an empty HTTP handler under the same load tell
// one machine from another. They do not take out what other work adds: runs on a
// shared machine differ by tens of percent.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/standalone/bench/internal/report"
	"touchline.dev/services/standalone/bench/internal/stack"
)

func main() {
	if code, ran := stack.RunRoleIfRequested(); ran {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	events, rounds   int
	connections      int
	seed             uint64
	users            int
	rate             int
	window           time.Duration
	only             parts
	output, profiles string
	bin              string
}

// Rates and sizes that make results comparable, so they are no flags.
const (
	batchEvents       = 50
	singleConnections = 128
	batchConnections  = 32
	retryEvery        = 20
	// A tenth of the events are sent in requests of their own: they cost ten times
	// as much and vary less. Compressed requests are a few more of each.
	singleShare     = 10
	singleGzipShare = 40
	batchGzipShare  = 10
	// growth is how many times more events a round has than a small one.
	growth = 10
	// freshPartitions are those of the separate services, as on three brokers.
	freshPartitions = topics.DefaultPartitions
	freshWindows    = 3
)

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	var only string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&s.events, "events", 1_000_000, "events a round in requests of 50, without those in other requests")
	f.IntVar(&s.rounds, "rounds", 3, "rounds, of which the median counts")
	f.IntVar(&s.connections, "connections", 10_000, "open connections under which the collector's memory is measured; 0 leaves it out")
	f.Uint64Var(&s.seed, "seed", 1, "seed of the load")
	f.IntVar(&s.users, "users", 20_000, "users, whose activity follows Zipf's law")
	f.IntVar(&s.rate, "rate", 2000, "events a second at which freshness is measured")
	f.DurationVar(&s.window, "window", 14*time.Second, "how long each of three windows of a freshness is; 0 leaves it out")
	f.StringVar(&only, "only", "", "parts to measure, with commas: "+names(allParts)+"; empty is all. What a part needs is done without being measured")
	f.StringVar(&s.output, "o", "", "also write the result into this Markdown file, between its markers")
	f.StringVar(&s.profiles, "profiles", "", "write CPU profiles of each phase's first 3 seconds into this folder (the figures then include the cost of profiling)")
	f.StringVar(&s.bin, "bin", "", "folder with the services' programs, to compare builds; empty builds them from the clone")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	var err error
	if s.only, err = parseParts(only); err != nil {
		return s, err
	}
	switch {
	case f.NArg() > 0:
		return s, fmt.Errorf("argument %q is not a flag", f.Arg(0))
	case s.events < 5000 || s.rounds < 1 || s.users < 2 || s.window < 0 || s.rate < batchEvents || s.connections < 0:
		return s, errors.New("want at least 5000 events, 1 round, 2 users, 50 events a second, and no negative window or connections")
	}
	return s, nil
}

// run measures and writes the result to stdout, and what it does to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	r, err := measure(ctx, s, stderr)
	if err != nil {
		return err
	}
	section := r.Markdown()
	if _, err := io.WriteString(stdout, section); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	if s.output != "" {
		return report.Insert(s.output, section)
	}
	return nil
}

// measure returns what was found, with counts that add up.
func measure(ctx context.Context, s settings, progress io.Writer) (report.Report, error) {
	b, err := newBench(s, progress)
	if err != nil {
		return report.Report{}, err
	}
	r, err := b.run(ctx)
	return r, errors.Join(err, os.RemoveAll(b.dir))
}
