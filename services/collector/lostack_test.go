package collector_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"

	"touchline.dev/services/collector"
	"touchline.dev/services/internal/kafkatest"
)

// lossy loses answers of the broker: while lose is positive, what arrives is
// thrown away and the connection ends.
type lossy struct {
	net.Conn
	lose *atomic.Int32
}

func (c lossy) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.lose.Add(-1) >= 0 {
		_ = c.Conn.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// The broker has written the events and its answer is lost. The producer sends
// them again, and the broker knows them: one record each, and a 200.
func TestLostAcknowledgementsWriteNothingTwice(t *testing.T) {
	var lose atomic.Int32
	s := startWith(t, kafkatest.Start(t), zap.NewNop(), func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return lossy{conn, &lose}, nil
	})
	s.post(t, "/v1/track", `{"messageId":"warm","userId":"u"}`).want(t, 200, success)
	for round := range 5 {
		lose.Store(2)
		s.post(t, "/v1/batch", events(fmt.Sprintf("r%d", round), 20)).want(t, 200, success)
	}
	if lose.Load() > 0 {
		t.Fatal("no answer was lost")
	}
	count := map[string]int{}
	for _, r := range s.records(t) {
		count[r.MID]++
	}
	for round := range 5 {
		for i := range 20 {
			if n := count[mid(fmt.Sprintf("r%d", round), i)]; n != 1 {
				t.Errorf("event %d of round %d: %d records", i, round, n)
			}
		}
	}
}

// The largest request that the limits allow fits into the smallest budget that
// they allow: it would get 503 for ever otherwise.
func TestLargestRequestFitsIntoTheBudget(t *testing.T) {
	s := start(t, func(c *collector.Config) {
		l := &c.HTTP.Limits
		l.MaxBodyBytes, l.MaxWireBytes, l.MaxEvents = 64<<10, 64<<10, 500
		l.MaxInflightBytes = 8*l.MaxBodyBytes + 500*5<<10
	})
	head := "POST /v1/batch HTTP/1.1" + basic("wk_test") + "\nUser-Agent: " + strings.Repeat("a", 1024)
	for _, name := range []string{"Accept-Language", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Ch-Ua-Platform-Version", "Sec-Gpc", "Dnt"} {
		head += "\n" + name + ": " + strings.Repeat("b", 256)
	}
	f := func(n, context int) {
		t.Helper()
		event := `{"anonymousId":"` + strings.Repeat("x", min(512, (60<<10-context)/n-20)) + `"},`
		body := `{"sentAt":"` + strings.Repeat("1", 64) + `","context":{"a":"` + strings.Repeat("c", context) + `"},"batch":[` +
			strings.TrimSuffix(strings.Repeat(event, n), ",") + `]}`
		s.request(t, head, body).want(t, 200, success)
	}
	f(500, 500)
	f(100, 2500)
	f(7, 36<<10)
	f(1, 50<<10)
	if held := s.metric(t, "touchline_collector_inflight_bytes"); held != 0 {
		t.Errorf("%v bytes still held", held)
	}
}
