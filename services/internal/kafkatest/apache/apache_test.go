//go:build realkafka

package apache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/services/internal/kafkatest/apache"
)

// orphanEnv asks this program to start a cluster in the directory it names, and
// to wait until it is killed.
const orphanEnv = "TOUCHLINE_TEST_ORPHAN_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(orphanEnv)
	if dir == "" {
		os.Exit(m.Run())
	}
	c, err := apache.Launch(apache.Options{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(strings.Join(c.Brokers(), ","))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// answers reports whether a broker answers a request within a second.
func answers(t *testing.T, addr string) error {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RequestTimeoutOverhead(time.Second), kgo.RequestRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	return cl.Ping(ctx)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCluster_brokersAreKilledPausedAndRevivedByID(t *testing.T) {
	c := apache.Start(t, apache.Options{Brokers: 3})
	addrs := c.Brokers()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addrs...))
	must(t, err)
	defer cl.Close()
	brokers, err := kadm.NewClient(cl).ListBrokers(t.Context())
	must(t, err)
	for i, id := range c.IDs() {
		if got := brokers[i]; got.NodeID != id || net.JoinHostPort(got.Host, fmt.Sprint(got.Port)) != addrs[i] {
			t.Errorf("broker %d is %+v, want it at %s", id, got, addrs[i])
		}
		if brokers[i].Port >= 32768 {
			t.Errorf("broker %d has port %d, which an outgoing connection may take", id, brokers[i].Port)
		}
	}

	must(t, c.Kill(2))
	if answers(t, addrs[1]) == nil {
		t.Error("a killed broker answers")
	}
	must(t, c.Kill(2))
	if err := c.Pause(2); err == nil {
		t.Error("a killed broker was paused")
	}
	must(t, c.Pause(3))
	if conn, err := net.DialTimeout("tcp", addrs[2], time.Second); err != nil {
		t.Errorf("a paused broker does not accept: %v", err)
	} else {
		conn.Close()
	}
	if answers(t, addrs[2]) == nil {
		t.Error("a paused broker answers")
	}
	must(t, c.Resume(3))
	must(t, c.Revive(2))
	must(t, c.Shutdown(1))
	must(t, c.Revive(1))
	for _, addr := range addrs {
		must(t, answers(t, addr))
	}

	// A whole cluster goes on from its directory.
	must(t, c.Kill())
	must(t, c.Revive())
	must(t, answers(t, addrs[0]))
	must(t, c.Pause())
	must(t, c.Stop())
	for _, addr := range addrs {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			t.Errorf("%s accepts after the stop", addr)
		}
	}
}

func TestLaunch_brokersEndWithTheProcessThatStartedThem(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	must(t, err)
	child := exec.Command(self)
	child.Env = append(os.Environ(), orphanEnv+"="+dir)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	must(t, err)
	defer in.Close()
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	buffer := make([]byte, 64)
	n, err := out.Read(buffer)
	must(t, err)
	addr := strings.TrimSpace(string(buffer[:n]))
	must(t, answers(t, addr))

	must(t, child.Process.Kill())
	if err := child.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("the broker outlives the process that started it")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestLaunch_saysWhyItDoesNotStart(t *testing.T) {
	_, err := apache.Launch(apache.Options{Dir: t.TempDir(), Settings: map[string]string{"num.io.threads": "none"}})
	if err == nil || !strings.Contains(err.Error(), "num.io.threads") {
		t.Errorf("a wrong setting gives: %v", err)
	}
	_, err = apache.Launch(apache.Options{Dir: t.TempDir(), Brokers: 2})
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		t.Errorf("two brokers give: %v", err)
	}
}
