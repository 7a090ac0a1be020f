package clickhouse

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// parentEnv makes this test program start a server in the directory it names,
// print the engine's pid and port, and wait to be killed.
const parentEnv = "CLICKHOUSE_TEST_PARENT_DIR"

func TestMain(m *testing.M) {
	RunChildIfRequested()
	if dir := os.Getenv(parentEnv); dir != "" {
		if err := beParent(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func beParent(dir string) error {
	engine, err := Locate(context.Background(), LocateConfig{Progress: os.Stderr})
	if err != nil {
		return err
	}
	cfg := Default()
	cfg.Engine, cfg.Dir = engine, dir
	s, err := Start(context.Background(), cfg)
	if err != nil {
		return err
	}
	fmt.Println(s.Pid(), s.port)
	<-s.Done()
	return s.Err()
}

// config returns a configuration with the real engine and an empty directory.
func config(t *testing.T) Config {
	t.Helper()
	engine, err := Locate(t.Context(), LocateConfig{Progress: os.Stderr})
	if err != nil {
		t.Fatalf("no ClickHouse to test with: %v", err)
	}
	cfg := Default()
	cfg.Engine = engine
	// ClickHouse gets this through XML and arguments.
	cfg.Dir = t.TempDir() + `/a b&<'"ü`
	return cfg
}

// start starts a server that stops with the test.
func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// client keeps no connections, which would delay stops.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}

// query asks the server as that user, with settings in the URL, and returns the
// status and the body without the final line break.
func query(t *testing.T, s *Server, user Credentials, settings url.Values, sql string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, s.HTTPURL()+"/?"+settings.Encode(), strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-ClickHouse-User", user.User)
	request.Header.Set("X-ClickHouse-Key", user.Password)
	return send(t, request)
}

// tryQuery is query while the server may be starting again: status 0 is no answer.
func tryQuery(s *Server, user Credentials, sql string) (status int, body string) {
	request, err := http.NewRequest(http.MethodPost, s.HTTPURL()+"/", strings.NewReader(sql))
	if err != nil {
		return 0, err.Error()
	}
	request.SetBasicAuth(user.User, user.Password)
	response, err := client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(text)
}

func send(t *testing.T, request *http.Request) (int, string) {
	t.Helper()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSuffix(string(body), "\n")
}

// run runs statements as the writer and returns the answer of the last one.
func run(t *testing.T, s *Server, statements ...string) string {
	t.Helper()
	last := ""
	for _, sql := range statements {
		status, body := query(t, s, s.Writer(), nil, sql)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", sql, status, body)
		}
		last = body
	}
	return last
}

// eventually waits up to 20 s for the condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in 20 s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// ended reports whether there is no process with that id, or only the entry that
// its new parent has not looked at yet.
func ended(pid int) bool {
	if syscall.Kill(pid, 0) == syscall.ESRCH {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(after, "Z")
}
