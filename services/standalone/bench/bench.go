package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/standalone/bench/internal/load"
	"touchline.dev/services/standalone/bench/internal/meter"
	"touchline.dev/services/standalone/bench/internal/report"
	"touchline.dev/services/standalone/bench/internal/stack"
)

// bench is one run of the program.
type bench struct {
	settings
	progress io.Writer
	root     string
	// dir has the programs that were built and the data of what runs; it is removed at
	// the end.
	dir    string
	corpus *load.Corpus
	// seeds counts the plans made, so that no two share an event.
	seeds uint64
}

// newBench reads the recordings and makes a scratch folder.
func newBench(s settings, progress io.Writer) (*bench, error) {
	root, err := stack.Root()
	if err != nil {
		return nil, err
	}
	corpus, err := load.ReadCorpus(filepath.Join(root, "schemas", "testdata", "sdk"))
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "touchline-bench-")
	if err != nil {
		return nil, fmt.Errorf("make scratch folder: %w", err)
	}
	return &bench{settings: s, progress: progress, root: root, dir: dir, corpus: corpus}, nil
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

func (b *bench) run(ctx context.Context) (r report.Report, err error) {
	r = report.Report{Machine: meter.ThisMachine(), Time: time.Now(), Settings: b.describe()}
	defer func() { r.Took = time.Since(r.Time) }()
	if r.Commit, err = b.commit(ctx); err != nil {
		return r, err
	}
	if b.profiles != "" {
		if err := os.MkdirAll(b.profiles, 0o755); err != nil {
			return r, fmt.Errorf("make folder of profiles: %w", err)
		}
	}
	if err := b.build(ctx); err != nil {
		return r, err
	}
	if err := b.runRounds(ctx, &r); err != nil {
		return r, err
	}
	if b.only.has(partFreshness) && b.window > 0 {
		if r.Freshness, err = b.freshness(ctx); err != nil {
			return r, err
		}
	}
	if b.only.lands() || len(r.Freshness) > 0 {
		return r, r.Check()
	}
	return r, nil
}

// build builds the services unless they were given.
func (b *bench) build(ctx context.Context) (err error) {
	if b.bin != "" {
		// Services run in folders of their own.
		if b.bin, err = filepath.Abs(b.bin); err != nil {
			return fmt.Errorf("find programs: %w", err)
		}
		return nil
	}
	b.say("building the services")
	b.bin = filepath.Join(b.dir, "bin")
	if err := os.Mkdir(b.bin, 0o700); err != nil {
		return fmt.Errorf("make folder of programs: %w", err)
	}
	return stack.Build(ctx, b.root, b.bin)
}

// runRounds alternates between small rounds and whole ones.
func (b *bench) runRounds(ctx context.Context, r *report.Report) error {
	if !b.only.rounds() {
		return nil
	}
	for i := range b.rounds {
		if b.only.has(partGrowth) {
			b.say("small round %d of %d", i+1, b.rounds)
			small, err := b.round(ctx, b.sizes().part(growth), fmt.Sprintf("small round %d", i+1), "")
			if err != nil {
				return fmt.Errorf("small round %d: %w", i+1, err)
			}
			r.Tenths = append(r.Tenths, small)
		}
		b.say("round %d of %d", i+1, b.rounds)
		whole, err := b.round(ctx, b.sizes(), fmt.Sprintf("round %d", i+1), b.profiles)
		if err != nil {
			return fmt.Errorf("round %d: %w", i+1, err)
		}
		r.Rounds = append(r.Rounds, whole)
	}
	return nil
}

// sizes are the events of a round.
type sizes struct {
	single, batch, singleGzip, batchGzip, connections int
}

func (b *bench) sizes() sizes {
	return sizes{
		single: b.events / singleShare, batch: b.events,
		singleGzip: b.events / singleGzipShare, batchGzip: b.events / batchGzipShare,
		connections: b.connections,
	}
}

// part is the nth of a round, without the connections that only stay open.
func (s sizes) part(n int) sizes {
	return sizes{single: s.single / n, batch: s.batch / n, singleGzip: s.singleGzip / n, batchGzip: s.batchGzip / n}
}

// describe says what a reader has to know to do the same.
func (b *bench) describe() []string {
	n := b.sizes()
	return []string{
		fmt.Sprintf("Each round on empty directories: %d events in requests of 1 over %d connections and %d in requests of %d over %d; compressed %d and %d; 2 each over %d connections; then the consumers work all of it off",
			n.single, singleConnections, n.batch, batchEvents, batchConnections, n.singleGzip, n.batchGzip, n.connections),
		fmt.Sprintf("%d bytes an event on average, 1 of %d requests a retry, %d users (Zipf), seed %d; %d partitions, synced writes", b.corpus.MeanBytes(), retryEvery, b.users, b.seed, topics.EmbeddedPartitions),
	}
}

// commit is what the clone has checked out.
func (b *bench) commit(ctx context.Context) (string, error) {
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = b.root
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err
	}
	commit, err := git("rev-parse", "--short=12", "HEAD")
	if err != nil {
		return "", fmt.Errorf("ask git for the commit: %w", err)
	}
	changes, err := git("status", "--porcelain")
	if err != nil {
		return "", fmt.Errorf("ask git for changes: %w", err)
	}
	if changes != "" {
		commit += "-dirty"
	}
	return commit, nil
}

// plan makes a plan that shares no event with any other of this run.
func (b *bench) plan(requests, perRequest int) load.Plan {
	b.seeds++
	return load.Plan{
		Seed: b.seed<<32 + b.seeds, Requests: requests, PerRequest: perRequest, RetryEvery: retryEvery, Users: b.users,
		// An hour ago, so that the last of them has happened too.
		Start: time.Now().Add(-time.Hour),
	}
}

// scratch makes an empty folder for the data of one part of the run.
func (b *bench) scratch() (string, error) {
	dir, err := os.MkdirTemp(b.dir, "data-")
	if err != nil {
		return "", fmt.Errorf("make data folder: %w", err)
	}
	return dir, nil
}
