package main

import (
	"context"
	"errors"
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
	// dir has the programs and the data of what runs; it is removed at the end.
	dir, bin string
	corpus   *load.Corpus
	// seeds counts the plans made, so that no two share an event.
	seeds uint64
}

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
	return &bench{settings: s, progress: progress, root: root, dir: dir, bin: filepath.Join(dir, "bin"), corpus: corpus}, nil
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

func (b *bench) run(ctx context.Context) (report.Report, error) {
	r := report.Report{Machine: meter.ThisMachine(), Time: time.Now(), Settings: b.describe()}
	var err error
	if r.Commit, err = b.commit(ctx); err != nil {
		return r, err
	}
	if b.profiles != "" {
		if err := os.MkdirAll(b.profiles, 0o755); err != nil {
			return r, fmt.Errorf("make folder of profiles: %w", err)
		}
	}
	b.say("building the services")
	if err := os.Mkdir(b.bin, 0o700); err != nil {
		return r, fmt.Errorf("make folder of programs: %w", err)
	}
	if err := stack.Build(ctx, b.root, b.bin); err != nil {
		return r, err
	}
	for i := range b.rounds {
		b.say("round %d of %d", i+1, b.rounds)
		round, err := b.round(ctx, i+1)
		if err != nil {
			return r, fmt.Errorf("round %d: %w", i+1, err)
		}
		r.Rounds = append(r.Rounds, round)
	}
	if b.window > 0 {
		r.Freshness, err = b.freshness(ctx)
	}
	return r, err
}

// describe says what a reader has to know to do the same.
func (b *bench) describe() string {
	return fmt.Sprintf("Each round on empty directories: %d events in requests of 1 over %d connections, then %d in requests of %d over %d, %d bytes an event on average, 1 of %d requests a retry, %d users (Zipf), seed %d; %d partitions, synced writes",
		b.singles(), singleConnections, b.batches(), batchEvents, batchConnections, b.corpus.MeanBytes(), retryEvery, b.users, b.seed, topics.EmbeddedPartitions)
}

func (b *bench) singles() int { return b.events / singleShare }
func (b *bench) batches() int { return b.events / batchEvents * batchEvents }

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

func insert(file, section string) error { return report.Insert(file, section) }

// processes are measured together, by name.
type processes map[string]int

// cpu returns what each has used so far.
func (p processes) cpu() (map[string]time.Duration, error) {
	used := make(map[string]time.Duration, len(p))
	var errs error
	for name, pid := range p {
		t, err := meter.CPU(pid)
		used[name], errs = t, errors.Join(errs, err)
	}
	return used, errs
}

func (p processes) peakRSS() (map[string]int64, error) {
	peak := make(map[string]int64, len(p))
	var errs error
	for name, pid := range p {
		n, err := meter.PeakRSS(pid)
		peak[name], errs = n, errors.Join(errs, err)
	}
	return peak, errs
}

// during returns what each process used while do ran.
func (p processes) during(do func() error) (map[string]time.Duration, error) {
	before, err := p.cpu()
	if err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	used, err := p.cpu()
	for name := range used {
		used[name] -= before[name]
	}
	return used, err
}
