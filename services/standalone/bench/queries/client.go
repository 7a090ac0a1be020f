package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	server "touchline.dev/services/internal/embedded/clickhouse"
)

// client asks a server as one user, over HTTP, which tells what a query has read.
type client struct {
	url  string
	user server.Credentials
	http *http.Client
}

func newClient(address string, user server.Credentials) *client {
	return &client{url: address, user: user, http: &http.Client{}}
}

// answer is what came back, and what the server says it took.
type answer struct {
	text   string
	took   time.Duration
	rows   int64 // read
	bytes  int64 // read, as they are in memory
	memory int64 // peak
}

// ask sends a statement. params are the server's settings, and as param_name those
// of the statement.
func (c *client) ask(ctx context.Context, sql string, params url.Values) (answer, error) {
	return c.post(ctx, strings.NewReader(sql), params)
}

// insert sends a statement with rows after it.
func (c *client) insert(ctx context.Context, sql string, rows []byte, params url.Values) error {
	query := url.Values{"query": {sql}}
	maps.Copy(query, params)
	_, err := c.post(ctx, bytes.NewReader(rows), query)
	return err
}

// number asks for one number.
func (c *client) number(ctx context.Context, sql string) (int64, error) {
	a, err := c.ask(ctx, sql, nil)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(a.text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("parse answer: %w", err)
	}
	return n, nil
}

var errAnswer = errors.New("clickhouse reports an error")

func (c *client) post(ctx context.Context, body io.Reader, params url.Values) (a answer, err error) {
	query := url.Values{}
	maps.Copy(query, params)
	// The whole answer is made before the headers go out, which then tell an error
	// from a success and what was read.
	query.Set("wait_end_of_query", "1")
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/?"+query.Encode(), body)
	if err != nil {
		return a, fmt.Errorf("make request: %w", err)
	}
	request.SetBasicAuth(c.user.User, c.user.Password)
	begin := time.Now()
	response, err := c.http.Do(request)
	if err != nil {
		return a, fmt.Errorf("ask clickhouse: %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return a, fmt.Errorf("read answer: %w", err)
	}
	a.took, a.text = time.Since(begin), string(text)
	if response.StatusCode != http.StatusOK {
		return a, fmt.Errorf("%w: %.600s", errAnswer, a.text)
	}
	return a, a.summary(response.Header.Get("X-ClickHouse-Summary"))
}

// summary takes over what the header says.
func (a *answer) summary(header string) error {
	var s struct {
		Rows   int64 `json:"read_rows,string"`
		Bytes  int64 `json:"read_bytes,string"`
		Memory int64 `json:"memory_usage,string"`
	}
	if err := json.Unmarshal([]byte(header), &s); err != nil {
		return fmt.Errorf("parse X-ClickHouse-Summary: %w", err)
	}
	a.rows, a.bytes, a.memory = s.Rows, s.Bytes, s.Memory
	return nil
}

// used returns the processor time that the server has spent on the queries of a user
// since it started, which only a user who may read the database system can ask for.
// The server adds a query's time when it has forgotten the query, which may be after
// its answer: so this waits until no other query is left.
func (c *client) used(ctx context.Context, user string) (time.Duration, error) {
	if err := c.alone(ctx); err != nil {
		return 0, err
	}
	a, err := c.ask(ctx, "SELECT sum(ProfileEvents['OSCPUVirtualTimeMicroseconds']) FROM system.user_processes WHERE user = {user:String}",
		url.Values{"param_user": {user}})
	if err != nil {
		return 0, fmt.Errorf("ask for processor time: %w", err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(a.text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("parse processor time: %w", err)
	}
	return time.Duration(n) * time.Microsecond, nil
}

// settle is how long a query may stay known after its answer.
const settle = 10 * time.Second

// alone waits until the server knows no query of a user but the one that asks for
// them. The engine itself has one without a user.
func (c *client) alone(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, settle, errBusy)
	defer cancel()
	for {
		others, err := c.number(ctx, "SELECT count() - 1 FROM system.processes WHERE user != ''")
		if err != nil {
			return fmt.Errorf("look for queries: %w", errors.Join(err, context.Cause(ctx)))
		}
		if others == 0 {
			return nil
		}
	}
}

var errBusy = errors.New("somebody else asks this server")
