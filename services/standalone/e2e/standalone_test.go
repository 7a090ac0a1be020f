package e2e_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// readyFile is what `touchline up` tells.
type readyFile struct {
	Collector  string `json:"collector"`
	Admin      string `json:"admin"`
	ClickHouse string `json:"clickhouse"`
	BIUser     string `json:"bi_user"`
	BIPassword string `json:"bi_password"`
	Kafka      string `json:"kafka"`
	Projects   []struct {
		ID       string `json:"id"`
		WriteKey string `json:"write_key"`
	} `json:"projects"`
}

// standalone is everything in one process, with ClickHouse as its child.
type standalone struct {
	site    *site
	process *process
	ready   atomic.Pointer[readyFile]
	secret  string   // password of the writer
	args    []string // further ones of touchline up
}

func newStandalone(s *site) deployment {
	d := &standalone{site: s}
	d.ready.Store(new(readyFile))
	return d
}

func (d *standalone) data() string { return d.site.path("data") }

// launch starts the process without waiting for it.
func (d *standalone) launch(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.site.path("ready.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	d.process = launch(t, d.site, "touchline", program("touchline"), append([]string{
		"up", "--dir", d.data(), "--listen", "127.0.0.1:0", "--projects", d.site.projects(),
		"--ready-file", d.site.path("ready.json"),
	}, d.args...), environment())
}

func (d *standalone) start(t *testing.T) {
	t.Helper()
	d.launch(t)
	await(t, startTime, "touchline up writes its ready file", func() error {
		if !d.process.running() {
			t.Fatalf("touchline up ended with %v\n%s", d.process.err, d.process.tail())
		}
		data, err := os.ReadFile(d.site.path("ready.json"))
		if err != nil {
			return err
		}
		r := new(readyFile)
		if err := json.Unmarshal(data, r); err != nil {
			t.Fatalf("ready file: %v\n%s", err, data)
		}
		d.ready.Store(r)
		return nil
	})
	secret, err := os.ReadFile(d.site.path("data", "clickhouse", "passwords", "writer"))
	if err != nil {
		t.Fatal(err)
	}
	d.secret = strings.TrimSpace(string(secret))
}

func (d *standalone) stop(t *testing.T) {
	t.Helper()
	d.process.stop(t)
}

func (d *standalone) kill()             { d.process.kill() }
func (d *standalone) place() *site      { return d.site }
func (d *standalone) collector() string { return d.ready.Load().Collector }
func (d *standalone) kafka() string     { return d.ready.Load().Kafka }
func (d *standalone) admins() []string  { return []string{d.ready.Load().Admin} }

func (d *standalone) auditor() (args, env []string) { return []string{"--dir", d.data()}, nil }

func (d *standalone) bi() database {
	r := d.ready.Load()
	return database{r.ClickHouse, r.BIUser, r.BIPassword}
}

func (d *standalone) writer() database {
	return database{d.ready.Load().ClickHouse, "writer", d.secret}
}
