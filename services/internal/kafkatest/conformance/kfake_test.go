package conformance_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/zap"

	"touchline.dev/services/internal/embedded/broker"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest/conformance"
)

// The embedded broker runs in a child process, so that it can be killed. The
// child is this program with these variables set; a line on its standard input
// asks for a round of retention and compaction, and its end is the child's.
const (
	childDir    = "TOUCHLINE_TEST_BROKER_DIR"
	childListen = "TOUCHLINE_TEST_BROKER_LISTEN"
)

func TestMain(m *testing.M) {
	if os.Getenv(childDir) == "" {
		os.Exit(m.Run())
	}
	if err := serve(context.Background(), os.Getenv(childDir), os.Getenv(childListen)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, dir, listen string) error {
	b, err := broker.Start(ctx, broker.Config{Dir: dir, Listen: listen}, kafka.Deps{Log: zap.NewNop()})
	if err != nil {
		return err
	}
	defer b.Close()
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		b.Control().Compact()
		fmt.Println("cleaned")
	}
	return nil
}

// embedded is the embedded broker in a process of its own.
type embedded struct {
	dir, addr string
	cmd       *exec.Cmd
	in        io.WriteCloser
	out       *bufio.Reader
}

func startEmbedded(t *testing.T) *embedded {
	t.Helper()
	e := &embedded{dir: t.TempDir(), addr: freeAddr(t)}
	if err := e.Revive(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Kill(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// freeAddr returns an address below the ports of outgoing connections, which
// could take that of a broker that is down for a moment.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(22000))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("found no free port")
	return ""
}

func (e *embedded) Config() kafka.Config { return kafka.Config{Brokers: []string{e.addr}} }

func (e *embedded) IDs() []int32 { return []int32{0} }

func (e *embedded) Kill(...int32) error {
	if err := e.cmd.Process.Kill(); err != nil {
		return err
	}
	// It reports the signal that was just sent.
	_ = e.cmd.Wait()
	return nil
}

func (e *embedded) Revive(...int32) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	e.cmd = exec.Command(self)
	e.cmd.Env = append(os.Environ(), childDir+"="+e.dir, childListen+"="+e.addr)
	e.cmd.Stderr = os.Stderr
	if e.in, err = e.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	e.out = bufio.NewReader(out)
	if err := e.cmd.Start(); err != nil {
		return err
	}
	return e.expect("ready")
}

func (e *embedded) Clean() error {
	if _, err := fmt.Fprintln(e.in, "clean"); err != nil {
		return err
	}
	return e.expect("cleaned")
}

func (e *embedded) expect(want string) error {
	line, err := e.out.ReadString('\n')
	if err != nil {
		return fmt.Errorf("wait for broker to be %s: %w", want, err)
	}
	if got := strings.TrimSpace(line); got != want {
		return fmt.Errorf("broker says %q, want %q", got, want)
	}
	return nil
}

func TestEmbeddedBroker(t *testing.T) {
	conformance.Exercise(t, startEmbedded(t), conformance.Embedded)
}
