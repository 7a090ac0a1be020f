package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"touchline.dev/services/internal/retry"
)

// Paths of the collector and what it takes.
const (
	pathImport = "/v1/import"
	pathBatch  = "/v1/batch"
	// Segment's limits of a batch: 100 events are far below 500 KB here, but a
	// title may grow.
	maxBatchEvents = 100
	maxBatchBytes  = 450 << 10
)

// serverAgent is the user agent of requests that no browser makes.
const serverAgent = "tea-shop-backend/1.0"

// sendTimeout bounds one attempt. The collector answers within 4 s when its
// broker does.
const sendTimeout = 10 * time.Second

// sender posts requests to the collector. It may be used concurrently.
type sender struct {
	client        *http.Client
	url           string
	authorization string
	policy        retry.Policy
}

func newSender(cfg Config, policy retry.Policy) *sender {
	return &sender{
		url: strings.TrimRight(cfg.CollectorURL, "/"), authorization: cfg.authorization(), policy: policy,
		client: &http.Client{
			Timeout: sendTimeout,
			// No proxy: the collector of a demo is on this host.
			Transport:     &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (s *sender) close() { s.client.CloseIdleConnections() }

// request is a post, written anew for each attempt.
type request struct {
	path, userAgent string
	body            func(sentAt time.Time) ([]byte, error)
}

// post sends the request until the collector has taken all of it. What further
// attempts cannot heal ends it: a refusal, or an event that was rejected.
func (s *sender) post(ctx context.Context, r request) error {
	return retry.Do(ctx, s.policy, nil, func(ctx context.Context) error { return s.attempt(ctx, r) })
}

func (s *sender) attempt(ctx context.Context, r request) error {
	body, err := r.body(time.Now())
	if err != nil {
		return retry.Permanent(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+r.path, bytes.NewReader(body))
	if err != nil {
		return retry.Permanent(fmt.Errorf("build request: %w", err))
	}
	req.Header.Set("Authorization", s.authorization)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", r.userAgent)
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return judge(resp.StatusCode, text)
}

// judge reads the collector's answer.
func judge(status int, text []byte) error {
	var answer struct {
		Success  bool
		Message  string
		Rejected []struct{ Reason, Message string }
	}
	err := json.Unmarshal(text, &answer)
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return fmt.Errorf("collector answered %d: %s", status, shown(answer.Message))
	case status != http.StatusOK:
		return retry.Permanent(fmt.Errorf("collector answered %d: %s", status, shown(answer.Message)))
	case err != nil:
		return retry.Permanent(fmt.Errorf("decode answer: %w", err))
	case len(answer.Rejected) > 0:
		first := answer.Rejected[0]
		return retry.Permanent(fmt.Errorf("collector rejected %d events, the first as %s: %s", len(answer.Rejected), shown(first.Reason), shown(first.Message)))
	case !answer.Success:
		return retry.Permanent(errors.New("answer is not that of a collector"))
	}
	return nil
}

// shown bounds and escapes what the other side says, for an error.
func shown(s string) string { return strconv.Quote(s[:min(len(s), 200)]) }
