package kafka_test

import (
	"net"
	"testing"
	"time"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
)

// A broker that accepts connections and never answers costs a client its first
// answer's time, once, and not a time-out for each request.
func TestClient_passesOverABrokerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // connections wait in its queue
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	cfg := kafka.Config{Brokers: append([]string{silent.Addr().String()}, c.Kafka.Brokers...)}
	for range 3 { // each of them asks the first broker first
		cl, err := kafka.NewClient(cfg, c.Deps, "test")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		n, err := kafka.Partitions(t.Context(), cl, topics.Raw)
		took := time.Since(began)
		cl.Close()
		if err != nil || n != partitions {
			t.Errorf("%d partitions, %v", n, err)
		}
		if took > 4*time.Second {
			t.Errorf("asking took %s", took)
		}
	}
}

// Something else than a broker at an address is an error, not a hang.
func TestClient_refusesWhatIsNoBroker(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()
	go func() {
		for {
			conn, err := web.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) // the client may be gone
			_ = conn.Close()
		}
	}()
	cl, err := kafka.NewClient(kafka.Config{Brokers: append([]string{web.Addr().String()}, c.Kafka.Brokers...)}, c.Deps, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if n, err := kafka.Partitions(t.Context(), cl, topics.Raw); err != nil || n != partitions {
		t.Errorf("%d partitions, %v", n, err)
	}
}
