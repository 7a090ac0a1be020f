package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"go.uber.org/zap"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/embedded/broker"
	"touchline.dev/services/internal/embedded/clickhouse"
	"touchline.dev/services/internal/kafka"
)

// roleEnv turns a process of this program into one of the servers that have no
// program of their own.
const roleEnv = "TOUCHLINE_BENCH_ROLE"

const (
	roleBroker  = "broker"
	roleHandler = "handler"
	roleColumns = "columns"
)

// RunRoleIfRequested turns this process into the server that its parent wants it
// to be, ClickHouse included, and returns its exit code when it has ended. It
// returns at once in any other process. It must be the first call of main and of
// TestMain.
func RunRoleIfRequested() (code int, ran bool) {
	clickhouse.RunChildIfRequested()
	role := os.Getenv(roleEnv)
	if role == "" {
		return 0, false
	}
	if role == roleColumns {
		return runColumns(), true
	}
	var err error
	switch role {
	case roleBroker:
		err = runBroker(os.Args[1], os.Args[2])
	case roleHandler:
		err = runHandler()
	default:
		err = fmt.Errorf("role %q is unknown", role)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
		return 1, true
	}
	return 0, true
}

// listening is the message with the address of a server.
const listening = "listening"

func announce(address string) error {
	return json.NewEncoder(os.Stderr).Encode(map[string]string{"msg": listening, "address": address})
}

// awaitParent returns when standard input ends, which the kernel sees to when the
// parent dies.
func awaitParent() error {
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func runBroker(dir, partitions string) error {
	n, err := strconv.ParseInt(partitions, 10, 32)
	if err != nil {
		return err
	}
	ctx, deps := context.Background(), kafka.Deps{Log: zap.NewNop()}
	b, err := broker.Start(ctx, broker.Config{Dir: dir, Listen: "127.0.0.1:0"}, deps)
	if err != nil {
		return err
	}
	defer b.Close()
	if n != topics.EmbeddedPartitions {
		if err := partition(ctx, b.Config(), deps, int32(n)); err != nil {
			return err
		}
	}
	return errors.Join(announce(b.Config().Brokers[0]), awaitParent())
}

// partition makes the topics anew, with so many partitions each.
func partition(ctx context.Context, cfg kafka.Config, d kafka.Deps, partitions int32) error {
	cl, err := kafka.NewClient(cfg, d, "bench-topics")
	if err != nil {
		return err
	}
	defer cl.Close()
	var names []string
	for _, t := range topics.All() {
		names = append(names, t.Name)
	}
	deleted, err := kadm.NewClient(cl).DeleteTopics(ctx, names...)
	if err = errors.Join(err, deleted.Error()); err != nil {
		return fmt.Errorf("delete topics: %w", err)
	}
	_, err = kafka.Apply(ctx, cl, partitions, 1)
	return err
}

// runHandler serves the least that a Go HTTP server can do with a request: read
// its body and answer.
func runHandler() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, "read body", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"success":true}`) // the peer is gone: nobody is left to tell
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	err = errors.Join(announce(l.Addr().String()), awaitParent(), server.Close())
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
