// Command queries measures what questions to the database analytics cost, and what
// the helper tables behind them cost when rows are inserted.
//
// It starts an embedded ClickHouse of the default size in a folder of its own,
// fills the real tables through their materialized views with a generated year of
// events, and asks the questions of queries.sql as the user bi, with that user's
// limits. The data set is kept for the next run, as long as schema, generator, seed
// and size are the same. With -inserts it posts the same blocks of rows to the base
// table alone and with its materialized views.
//
// Processor time is what the server itself counts for the user: other programs on
// the machine change it less than they change the time on the clock. Nothing fails
// for being slow; a question that cannot be answered fails.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	server "touchline.dev/services/internal/embedded/clickhouse"
)

func main() {
	server.RunChildIfRequested()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "queries:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	events  int
	seed    uint64
	dir     string
	repeat  int
	only    *regexp.Regexp
	inserts bool
	serve   bool
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	var only string
	f := flag.NewFlagSet("queries", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&s.events, "events", 10_000_000, "events of the data set, to a hundredth")
	f.Uint64Var(&s.seed, "seed", 1, "seed of the data set")
	f.StringVar(&s.dir, "dir", ".data/bench-queries", "folder in which data sets are kept, one for each size")
	f.IntVar(&s.repeat, "repeat", 5, "how often a warm query is asked; the median counts")
	f.StringVar(&only, "only", "", "regular expression of the names of the queries to ask; empty is all")
	f.BoolVar(&s.inserts, "inserts", false, "measure inserts instead, on an empty server")
	f.BoolVar(&s.serve, "serve", false, "make the data set, print the server's address and users, and wait to be interrupted")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	var err error
	if s.only, err = regexp.Compile(only); err != nil {
		return s, fmt.Errorf("read -only: %w", err)
	}
	switch {
	case f.NArg() > 0:
		return s, fmt.Errorf("argument %q is not a flag", f.Arg(0))
	case s.events < 10_000 || s.events > 1_000_000_000 || s.repeat < 1 || s.dir == "":
		return s, errors.New("want 10,000 to 1,000,000,000 events, at least 1 repetition, and a folder")
	}
	return s, nil
}

// run measures and writes the tables to stdout, and what it does to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	say := func(format string, args ...any) {
		fmt.Fprintf(stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
	}
	if s.inserts {
		return measureInserts(ctx, s.seed, stdout, say)
	}
	set := dataSet{events: s.events, seed: s.seed}
	h, err := set.open(ctx, s.dir, say)
	if err != nil {
		return err
	}
	if s.serve {
		err = h.wait(ctx, stdout)
	} else {
		err = measureQueries(ctx, h, s.only, s.repeat, stdout, say)
	}
	return errors.Join(err, h.close())
}
