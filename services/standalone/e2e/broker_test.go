package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"touchline.dev/services/internal/embedded/broker"
	"touchline.dev/services/internal/kafka"
)

// brokerEnv, set to a directory and an address, turns the test program into a
// Kafka broker: the separate programs need one that can be killed by itself.
const brokerEnv = "TOUCHLINE_E2E_BROKER"

type brokerSettings struct{ Dir, Listen string }

// runBrokerIfRequested runs the broker and does not return, or returns at once.
func runBrokerIfRequested() {
	text := os.Getenv(brokerEnv)
	if text == "" {
		return
	}
	if err := runBroker(text); err != nil {
		fmt.Fprintln(os.Stderr, "run broker:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// runBroker runs until SIGTERM and tells its address in the form of a log line.
func runBroker(text string) error {
	var s brokerSettings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	b, err := startBroker(ctx, s)
	if err != nil {
		return err
	}
	defer b.Close()
	line, err := json.Marshal(entry{Msg: "broker listens", Address: b.Config().Brokers[0]})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	<-ctx.Done()
	return nil
}

// startBroker waits for an address that is in use: it was the broker's before,
// and an outgoing connection may have it for a moment.
func startBroker(ctx context.Context, s brokerSettings) (*broker.Broker, error) {
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	for {
		b, err := broker.Start(ctx, broker.Config{Dir: s.Dir, Listen: s.Listen}, kafka.Deps{Log: zap.NewNop()})
		if !errors.Is(err, syscall.EADDRINUSE) {
			return b, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-deadline.C:
			return nil, err
		}
	}
}

// brokers is the Kafka of a separate deployment. Their addresses and data outlive
// stop and kill. The methods are for one goroutine.
type brokers interface {
	// start starts what does not run, and returns when all answer.
	start(t *testing.T)
	// stop ends all of them cleanly, kill with SIGKILL.
	stop(t *testing.T)
	kill()
	// seeds is host:port of all, joined by commas.
	seeds() string
	// replicas is how many of each partition there should be.
	replicas() int
	parts() []part
}
