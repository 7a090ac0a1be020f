package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/standalone"
)

func secret(text string) config.Secret { return config.NewSecret(text) }

// Standalone is `touchline up`.
type Standalone struct {
	*Process
	// Addr is host:port of the collector.
	Addr string
	BI   clickhouse.Config
	// Kafka is its broker.
	Kafka kafka.Config
	// Engine is the id of the ClickHouse process, its only child.
	Engine int
}

// StartStandalone starts `touchline up` in dir and returns when it is ready.
func StartStandalone(ctx context.Context, bin, dir string) (*Standalone, error) {
	projects, err := writeProjects(dir)
	if err != nil {
		return nil, err
	}
	ready := filepath.Join(dir, "ready.json")
	p, err := startService(ctx, "touchline", filepath.Join(bin, "touchline"), dir, nil, "up", "--dir", filepath.Join(dir, "data"),
		"--listen", "127.0.0.1:0", "--projects", projects, "--ready-file", ready)
	if err != nil {
		return nil, err
	}
	s := &Standalone{Process: p}
	if err := s.read(ready); err != nil {
		return nil, stopAfter(err, p)
	}
	return s, nil
}

// read takes the addresses out of the ready file.
func (s *Standalone) read(file string) error {
	text, err := os.ReadFile(file)
	var r standalone.Ready
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return fmt.Errorf("read ready file: %w", err)
	}
	s.Addr = strings.TrimPrefix(r.Collector, "http://")
	s.Kafka = kafka.Config{Brokers: []string{r.Kafka}}
	s.BI = clickhouse.Default()
	s.BI.URL, s.BI.User, s.BI.Password = r.ClickHouse, r.BIUser, secret(r.BIPassword)
	s.Engine, err = onlyChild(s.PID())
	return err
}

// onlyChild returns the id of the one child that a process has. Children belong
// to the thread that made them.
func onlyChild(pid int) (int, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return 0, fmt.Errorf("find ClickHouse: %w", err)
	}
	var children []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		children = append(children, strings.Fields(string(text))...)
	}
	if len(children) != 1 {
		return 0, fmt.Errorf("find ClickHouse: process %d has %d children, not one", pid, len(children))
	}
	child, err := strconv.Atoi(children[0])
	if err != nil {
		return 0, fmt.Errorf("find ClickHouse: %w", err)
	}
	return child, nil
}
