package main

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	schema "touchline.dev/schemas/clickhouse"
)

//go:embed generate.sql
var generateSQL string

//go:embed overrides.sql
var overridesSQL string

// The data set is a year that ends at a fixed time, so that its questions are
// texts.
const yearBegins = "2025-11-01 00:00:00"

const (
	// sessionMilliEvents is what a session of generate.sql has on average, in
	// thousandths of an event.
	sessionMilliEvents = 5400
	// personEvents is how many events there are to a person: 2 million persons to
	// 100 million events.
	personEvents = 50
	// sliceEvents go with one insert, as one block: a part for each month. A million
	// would need more than the server's 2 GiB when merges run beside.
	sliceEvents = 250_000
)

// dataSet says which events there are.
type dataSet struct {
	events int
	seed   uint64
}

func (d dataSet) sessions() int { return d.events * 1000 / sessionMilliEvents }

func (d dataSet) params() url.Values {
	return url.Values{
		"param_seed":     {strconv.FormatUint(d.seed, 10)},
		"param_sessions": {strconv.Itoa(d.sessions())},
		"param_persons":  {strconv.Itoa(d.events / personEvents)},
		"param_from":     {yearBegins},
	}
}

// key names everything that the rows depend on, helper tables included: a
// materialized view sees only what is inserted after it was made.
func (d dataSet) key() (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%d %d %d\n%s\n%s\n", d.events, d.seed, sliceEvents, generateSQL, overridesSQL)
	migrations, err := schema.Migrations()
	if err != nil {
		return "", fmt.Errorf("read migrations: %w", err)
	}
	for _, m := range migrations {
		fmt.Fprintf(h, "%s\n%s\n", m.Name, m.SQL)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// keyFile is in the folder of a data set that is whole.
const keyFile = "data-set"

// open starts a server on the data set, which it makes when the folder has none, an
// unfinished one, or one of another schema.
func (d dataSet) open(ctx context.Context, dir string, say func(string, ...any)) (*host, error) {
	dir = filepath.Join(dir, strconv.Itoa(d.events))
	key, err := d.key()
	if err != nil {
		return nil, err
	}
	have, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for data set: %w", err)
	}
	if string(have) == key {
		return startHost(ctx, dir)
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("remove old data set: %w", err)
	}
	h, err := startHost(ctx, dir)
	if err != nil {
		return nil, err
	}
	if err := d.fill(ctx, h, say); err != nil {
		return nil, errors.Join(err, h.close())
	}
	if err := os.WriteFile(filepath.Join(dir, keyFile), []byte(key), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("note data set: %w", err), h.close())
	}
	return h, nil
}

// fill writes the rows slice by slice.
func (d dataSet) fill(ctx context.Context, h *host, say func(string, ...any)) error {
	begin := time.Now()
	slice := sliceEvents * 1000 / sessionMilliEvents
	for first := 0; first < d.sessions(); first += slice {
		count := min(slice, d.sessions()-first)
		if err := d.write(ctx, h, first, count); err != nil {
			return err
		}
		done := float64(first+count) / float64(d.sessions())
		took := time.Since(begin)
		say("%3.0f %% of %d events, %.0f events/s, %v left", 100*done, d.events, done*float64(d.events)/took.Seconds(),
			time.Duration((1/done-1)*float64(took)).Round(time.Second))
	}
	if _, err := h.writer.ask(ctx, overridesSQL, d.params()); err != nil {
		return fmt.Errorf("write overrides: %w", err)
	}
	if _, err := h.writer.ask(ctx, "SYSTEM RELOAD DICTIONARY touchline.person_map", nil); err != nil {
		return fmt.Errorf("reload persons: %w", err)
	}
	say("waiting for merges")
	if err := h.rest(ctx); err != nil {
		return err
	}
	used, err := h.writer.used(ctx, h.server.Writer().User)
	if err != nil {
		return err
	}
	say("made in %v, %.0f CPU-s without merges", time.Since(begin).Round(time.Second), used.Seconds())
	return nil
}

// write inserts some sessions.
func (d dataSet) write(ctx context.Context, h *host, first, count int) error {
	params := d.params()
	params.Set("param_first", strconv.Itoa(first))
	params.Set("param_count", strconv.Itoa(count))
	params.Set("min_insert_block_size_rows", strconv.Itoa(2*sliceEvents))
	params.Set("min_insert_block_size_bytes", "0")
	params.Set("max_block_size", "8192")
	if _, err := h.writer.ask(ctx, generateSQL, params); err != nil {
		return fmt.Errorf("write sessions from %d: %w", first, err)
	}
	return nil
}
