package kafka_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/telemetry"
)

// memberEnv makes the test binary a member of the test group instead; it holds
// the member's settings.
const memberEnv = "TOUCHLINE_TEST_MEMBER"

func TestMain(m *testing.M) {
	if settings := os.Getenv(memberEnv); settings != "" {
		os.Exit(runMember(settings))
	}
	goleak.VerifyTestMain(m)
}

// memberSettings are those of a member in a process of its own.
type memberSettings struct {
	Brokers    []string
	Membership kafka.Membership
}

// Values of records that make a member do something.
const (
	// hang never ends, whatever happens.
	hang = "hang"
	// hold commits the record only when the test says so.
	hold = "hold"
)

// runMember is the program of a member: it reads its partitions, says on standard
// output what it does, and ends as a service would.
func runMember(text string) int {
	var s memberSettings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		_, _ = os.Stdin.Read(make([]byte, 1)) // any end of it is the word
	}()
	work := func(ctx context.Context, p *kafka.Partition) (err error) {
		say := func(what string, a any) { fmt.Printf("%s %d %v\n", what, p.ID(), a) }
		defer func() { say("end", err) }()
		c, err := p.Committed(ctx)
		if err != nil {
			return err
		}
		p.Start(max(0, c.Offset))
		say("start", c.Offset)
		for {
			recs, err := p.Poll(ctx, time.Second)
			if err != nil {
				return err
			}
			for _, r := range recs {
				say("read", string(r.Value))
				switch string(r.Value) {
				case hang:
					select {}
				case hold:
					<-told
				}
				if err := p.Commit(ctx, kafka.Commit{Offset: r.Offset + 1, Metadata: fmt.Sprint(os.Getpid())}); err != nil {
					say("refused", err)
					return err
				}
			}
		}
	}
	process := lifecycle.Process{Service: "member", Lifecycle: lifecycle.Default(), Telemetry: telemetry.Default(), Logs: os.Stderr}
	return lifecycle.Run(context.Background(), process, func(t *telemetry.Telemetry, g *lifecycle.Group) error {
		o := options(work)
		o.Membership = s.Membership
		group, err := kafka.NewGroup(kafka.Config{Brokers: s.Brokers}, kafka.Deps{Log: t.Log}, o)
		if err != nil {
			return err
		}
		g.Add("group", group)
		return nil
	})
}

// memberProcess is a running member.
type memberProcess struct {
	*exec.Cmd
	stdin io.Closer
	exit  chan struct{} // closed when the process has ended

	mu    sync.Mutex // guards the following
	lines []string
	logs  strings.Builder
}

func startMember(t *testing.T, s memberSettings) *memberProcess {
	t.Helper()
	settings, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	m := &memberProcess{Cmd: exec.Command(os.Args[0]), exit: make(chan struct{})}
	m.Env = append(os.Environ(), memberEnv+"="+string(settings))
	if m.stdin, err = m.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := m.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	m.Stderr = (*memberLog)(m)
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(m.exit)
		for in := bufio.NewScanner(out); in.Scan(); {
			m.mu.Lock()
			m.lines = append(m.lines, in.Text())
			m.mu.Unlock()
		}
		_ = m.Wait() // its exit code is asked for by those who expect one
	}()
	t.Cleanup(func() {
		_ = m.Process.Kill() // it may have ended
		<-m.exit
		if t.Failed() {
			m.mu.Lock()
			defer m.mu.Unlock()
			t.Logf("member %d said:\n%s\nand logged:\n%s", m.Process.Pid, strings.Join(m.lines, "\n"), m.logs.String())
		}
	})
	return m
}

// memberLog keeps what a member logs.
type memberLog memberProcess

func (l *memberLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.logs.Write(b)
}

// said returns how many lines begin with the words.
func (m *memberProcess) said(format string, a ...any) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	prefix := fmt.Sprintf(format, a...) + " "
	for _, l := range m.lines {
		if strings.HasPrefix(l+" ", prefix) {
			n++
		}
	}
	return n
}

// partitions returns those that the member has started and not ended.
func (m *memberProcess) partitions(n int32) (ids []int32) {
	for id := range n {
		if m.said("start %d", id) > m.said("end %d", id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// settled waits until the members share n partitions, at least one each.
func settled(t *testing.T, n int32, members ...*memberProcess) {
	t.Helper()
	kafkatest.Eventually(t, "every member to have partitions", func() bool {
		var all []int32
		for _, m := range members {
			ids := m.partitions(n)
			if len(ids) == 0 {
				return false
			}
			all = append(all, ids...)
		}
		slices.Sort(all)
		return len(all) == int(n) && len(slices.Compact(all)) == int(n)
	})
}
