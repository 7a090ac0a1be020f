// Package apache gives tests a real Apache Kafka: one broker or three, as
// processes of this host that can be killed, paused and started again. It is
// imported by tests only, and needs Java 17 and Maven.
//
// scripts/kafka/kafka.sh does the work; this package calls it. It guarantees that
// the brokers end with the cluster's Stop or with the process that started them,
// however that ends, and that the directory of a failed test is kept.
package apache

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"touchline.dev/services/internal/kafka"
)

// Options says what to start.
type Options struct {
	// Brokers is 1 or 3; 0 means 1. With 3, topics have 3 replicas unless they are
	// created otherwise, and acks=all needs 2 of them.
	Brokers int
	// Dir keeps data and logs; a cluster that an earlier Launch left there goes on.
	// Empty takes a temporary directory.
	Dir string
	// Java replaces the options of the Java machine, which keep it small and quick
	// to start: -Xmx256m -XX:TieredStopAtLevel=1.
	Java string
	// Settings are added to those of every broker when the cluster is new.
	Settings map[string]string
}

// Cluster is a running cluster. Its methods may be called at the same time, but
// not for the same broker. Brokers have the ids 1, 2, 3, as in Kafka's metadata;
// a method that takes ids means all brokers when it is given none.
type Cluster struct {
	script, dir string
	addrs       []string

	run *exec.Cmd
	// alive is a pipe that nobody writes to. Its end is the sign to end all brokers,
	// and the kernel gives that sign when this process is killed.
	alive io.Closer
	stop  func() error
}

// Start starts a cluster that ends with the test. The directory goes too unless
// the test failed or Options named it.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	temporary := o.Dir == ""
	if temporary {
		dir, err := os.MkdirTemp("", "touchline-kafka-") //nolint:usetesting // kept when the test fails
		if err != nil {
			t.Fatal(err)
		}
		o.Dir = dir
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the brokers' logs and data are in %s", o.Dir)
		} else if temporary {
			os.RemoveAll(o.Dir)
		}
	})
	c, err := Launch(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Launch starts a cluster, for callers that have no test. It returns when every
// broker is ready: 3 to 12 s, and longer when the jars have to be fetched first.
func Launch(o Options) (*Cluster, error) {
	script, err := findScript()
	if err != nil {
		return nil, err
	}
	if o.Dir == "" {
		return nil, errors.New("start kafka: no directory")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("start kafka: %w", err)
	}
	args := []string{"run", "--dir", dir, "--brokers", strconv.Itoa(max(1, o.Brokers))}
	if o.Java != "" {
		args = append(args, "--java", o.Java)
	}
	for key, value := range o.Settings {
		args = append(args, "--set", key+"="+value)
	}
	c := &Cluster{script: script, dir: dir}
	if err := c.launch(args); err != nil {
		return nil, fmt.Errorf("start kafka in %s: %w", dir, err)
	}
	return c, nil
}

func (c *Cluster) launch(args []string) error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(c.dir, "kafka.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	// It outlives this call; closing its standard input ends it.
	c.run = exec.CommandContext(context.Background(), c.script, args...)
	c.run.Stderr = log
	out, err := c.run.StdoutPipe()
	if err != nil {
		return err
	}
	if c.alive, err = c.run.StdinPipe(); err != nil {
		return err
	}
	if err := c.run.Start(); err != nil {
		return err
	}
	c.stop = sync.OnceValue(func() error {
		err := c.alive.Close()
		return errors.Join(err, c.run.Wait())
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		said, readErr := os.ReadFile(log.Name())
		return errors.Join(c.stop(), readErr, errors.New(string(said[max(0, len(said)-4<<10):])))
	}
	c.addrs = strings.Split(strings.TrimSpace(line), ",")
	return nil
}

// findScript looks in the directories above the test's.
func findScript() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find kafka.sh: %w", err)
	}
	for {
		path := filepath.Join(dir, "scripts", "kafka", "kafka.sh")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find kafka.sh: not inside the repository")
		}
		dir = parent
	}
}

// Brokers returns the brokers' addresses, host:port, in the order of their ids.
// They stay the same for the life of the directory.
func (c *Cluster) Brokers() []string { return slices.Clone(c.addrs) }

// Config returns what a client needs to connect.
func (c *Cluster) Config() kafka.Config { return kafka.Config{Brokers: c.Brokers()} }

// IDs returns the brokers' ids.
func (c *Cluster) IDs() []int32 {
	var ids []int32
	for i := range c.addrs {
		ids = append(ids, int32(i+1))
	}
	return ids
}

// Dir returns the directory; DIR/ID/out.log is the log of a broker's last run.
func (c *Cluster) Dir() string { return c.dir }

// Kill ends brokers as a crash of the process does (SIGKILL) and returns when they
// are gone. One that is gone already is no error.
func (c *Cluster) Kill(ids ...int32) error { return c.command("kill", ids) }

// Pause stops brokers from running (SIGSTOP): they keep their connections and
// accept new ones, and never answer.
func (c *Cluster) Pause(ids ...int32) error { return c.command("pause", ids) }

// Resume lets paused brokers go on.
func (c *Cluster) Resume(ids ...int32) error { return c.command("resume", ids) }

// Shutdown ends brokers cleanly: they hand over what they lead. One that has not
// ended after 10 s is killed.
func (c *Cluster) Shutdown(ids ...int32) error { return c.command("stop", ids) }

// Revive starts brokers that have ended, under their old addresses and with their
// data, and returns when they are ready: 3 to 25 s. Of three brokers two have to
// run; to revive two or three, name them in one call.
func (c *Cluster) Revive(ids ...int32) error { return c.command("start", ids) }

// Stop kills all brokers and returns when they are gone.
func (c *Cluster) Stop() error {
	if err := c.stop(); err != nil {
		return fmt.Errorf("stop kafka in %s: %w", c.dir, err)
	}
	return nil
}

// commandTime is more than the script takes to give up by itself.
const commandTime = 3 * time.Minute

func (c *Cluster) command(name string, ids []int32) error {
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	if len(ids) == 0 {
		ids = c.IDs()
	}
	args := []string{name, "--dir", c.dir}
	for _, id := range ids {
		args = append(args, strconv.Itoa(int(id)))
	}
	cmd := exec.CommandContext(ctx, c.script, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s kafka brokers %v: %w: %s", name, ids, err, said.Bytes())
	}
	return nil
}
