// Command bench measures what an event costs on its way from an SDK's request to
// a row in ClickHouse, in CPU-seconds (user and system) per million events, and
// how long the way takes.
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
	seed             uint64
	users            int
	window           time.Duration
	output, profiles string
}

// Rates and sizes that make results comparable, so they are no flags.
const (
	batchEvents       = 50
	singleConnections = 128
	batchConnections  = 32
	retryEvery        = 20
	// singleShare of the events are sent in requests of their own: they cost ten
	// times as much and vary less.
	singleShare = 4
	freshRate   = 2000
)

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&s.events, "events", 400_000, "events a round in requests of 50; a quarter as many again in requests of 1")
	f.IntVar(&s.rounds, "rounds", 3, "rounds, of which the median counts")
	f.Uint64Var(&s.seed, "seed", 1, "seed of the load")
	f.IntVar(&s.users, "users", 20_000, "users, whose activity follows Zipf's law")
	f.DurationVar(&s.window, "window", 20*time.Second, "how long each freshness is measured; 0 leaves it out")
	f.StringVar(&s.output, "o", "", "also write the result into this Markdown file, between its markers")
	f.StringVar(&s.profiles, "profiles", "", "write CPU profiles of each phase's first 3 seconds into this folder (the figures then include the cost of profiling)")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	switch {
	case f.NArg() > 0:
		return s, fmt.Errorf("argument %q is not a flag", f.Arg(0))
	case s.events < 5000 || s.rounds < 1 || s.users < 2 || s.window < 0:
		return s, errors.New("want at least 5000 events, 1 round, 2 users, and no negative window")
	}
	return s, nil
}

// run measures and writes the result to stdout, and what it does to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	b, err := newBench(s, stderr)
	if err != nil {
		return err
	}
	r, err := b.run(ctx)
	if err = errors.Join(err, os.RemoveAll(b.dir)); err != nil {
		return err
	}
	section := r.Markdown()
	if _, err := io.WriteString(stdout, section); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	if s.output != "" {
		return insert(s.output, section)
	}
	return nil
}
