package clickhouse

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDataAndPasswordsOutliveARestart(t *testing.T) {
	cfg := config(t)
	first, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Get(first.HTTPURL() + "/ping")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("ping: %d", response.StatusCode)
	}
	run(t, first,
		"CREATE DATABASE touchline",
		"CREATE TABLE touchline.t (n UInt64, j JSON) ENGINE = MergeTree ORDER BY n",
		`INSERT INTO touchline.t SELECT number, '{"a": 1}' FROM numbers(1000)`)
	begin := time.Now()
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > cfg.StopTimeout {
		t.Errorf("stop of an idle server took %v", took)
	}
	if !ended(first.Pid()) {
		t.Error("process lives on after the stop")
	}
	if err := first.Err(); err != nil {
		t.Errorf("error after a stop: %v", err)
	}

	second := start(t, cfg)
	if first.Writer() != second.Writer() || first.BI() != second.BI() {
		t.Error("passwords changed")
	}
	if got := run(t, second, "SELECT count(), sum(n), sum(j.a::Int64) FROM touchline.t"); got != "1000\t499500\t1000" {
		t.Errorf("read back %q", got)
	}
	for _, name := range []string{writerName, biName} {
		info, err := os.Stat(filepath.Join(second.files.passwords, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("password file of %s has mode %v", name, info.Mode())
		}
	}
}

func TestKilledEngineStartsAgainWithItsData(t *testing.T) {
	s := start(t, config(t))
	run(t, s, "CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
	for kill := range 3 {
		run(t, s, fmt.Sprintf("INSERT INTO t SELECT number FROM numbers(%d, 100)", kill*100))
		address, pid := s.Addr(), s.Pid()
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "restart", func() bool { return s.Restarts() == kill+1 })
		if s.Addr() != address {
			t.Errorf("address changed from %s to %s", address, s.Addr())
		}
		if s.Pid() == pid {
			t.Error("pid has not changed")
		}
		want := fmt.Sprint((kill + 1) * 100)
		if got := run(t, s, "SELECT uniqExact(n) FROM t"); got != want {
			t.Fatalf("after kill %d: %s rows instead of %s", kill, got, want)
		}
	}
}

func TestEngineEndsWithItsParent(t *testing.T) {
	for _, busy := range []bool{false, true} {
		t.Run(fmt.Sprintf("busy=%v", busy), func(t *testing.T) {
			cfg := config(t)
			parent := exec.Command(os.Args[0])
			parent.Env = append(os.Environ(), parentEnv+"="+cfg.Dir)
			parent.Stderr = os.Stderr
			output, err := parent.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			line, readErr := bufio.NewReader(output).ReadString('\n')
			var pid, port int
			if _, err := fmt.Sscan(line, &pid, &port); err != nil {
				t.Fatalf("parent said %q: %v, %v", line, err, readErr)
			}
			if busy {
				// A client that the engine would wait for.
				conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				fmt.Fprintf(conn, "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
				if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			if ended(pid) {
				t.Fatal("engine has ended before its parent")
			}
			if err := parent.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			parent.Wait() // its error is the kill

			// At once: the next start waits for what is left of the last.
			s := start(t, cfg)
			if !ended(pid) {
				t.Error("a second engine runs beside the first")
			}
			if got := run(t, s, "SELECT 1"); got != "1" {
				t.Errorf("answer %q", got)
			}
		})
	}
}

func TestOneServerForADirectory(t *testing.T) {
	cfg := config(t)
	s := start(t, cfg)
	_, err := Start(t.Context(), cfg)
	if !errors.Is(err, ErrLocked) {
		t.Fatalf("second start: %v", err)
	}
	if !strings.Contains(err.Error(), cfg.Dir) {
		t.Errorf("error names no directory: %v", err)
	}
	if got := run(t, s, "SELECT 1"); got != "1" {
		t.Errorf("first server answers %q", got)
	}
}

func TestTakenPortIsAnError(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	cfg := config(t)
	cfg.Port = listener.Addr().(*net.TCPAddr).Port
	_, err = Start(t.Context(), cfg)
	if !errors.Is(err, errPortTaken) {
		t.Fatalf("start on a taken port: %v", err)
	}
}

func TestStopDoesNotWaitForIdleConnections(t *testing.T) {
	cfg := config(t)
	cfg.StopTimeout = 300 * time.Millisecond
	s := start(t, cfg)
	run(t, s, "CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n", "INSERT INTO t VALUES (1)")
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	begin := time.Now()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Without the limit it is 5 s.
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("stop took %v", took)
	}
	s = start(t, cfg)
	if got := run(t, s, "SELECT n FROM t"); got != "1" {
		t.Errorf("read back %q", got)
	}
}

func TestAnEngineThatCannotStartSaysWhy(t *testing.T) {
	cfg := config(t)
	cfg.Engine = Engine{Kind: Library, Path: filepath.Join(t.TempDir(), "missing.so")}
	_, err := Start(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "missing.so") {
		t.Fatalf("start without a library: %v", err)
	}
	// The lock is free again.
	start(t, config(t))
}

func TestQueryBeyondTheMemoryFailsAlone(t *testing.T) {
	cfg := config(t)
	cfg.MaxMemory = 512 << 20
	s := start(t, cfg)
	pid := s.Pid()
	status, body := query(t, s, s.Writer(), nil,
		"SELECT length(groupArray(number)) FROM numbers(200000000) SETTINGS max_memory_usage = 0")
	if status == http.StatusOK || !strings.Contains(body, "MEMORY_LIMIT_EXCEEDED") {
		t.Errorf("1.6 GB in a server of 0.5 GB: %d %.300s", status, body)
	}
	if got := run(t, s, "SELECT 1"); got != "1" || s.Pid() != pid {
		t.Errorf("answer %q of process %d, before %d", got, s.Pid(), pid)
	}
}

func TestServerKeepsNoLogTables(t *testing.T) {
	s := start(t, config(t))
	run(t, s, "SELECT 1", "SYSTEM FLUSH LOGS")
	if got := run(t, s, "SELECT name FROM system.tables WHERE database = 'system' AND name LIKE '%\\_log'"); got != "" {
		t.Errorf("log tables: %s", got)
	}
}

func TestValidateNamesAllProblems(t *testing.T) {
	err := Config{Host: "localhost", Port: -1}.Validate()
	if err == nil {
		t.Fatal("no problems")
	}
	for _, field := range []string{"engine:", "dir:", "host:", "port:", "max_memory:", "start_timeout:", "stop_timeout:"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("no problem of %s in %v", field, err)
		}
	}
	valid := Default()
	valid.Engine, valid.Dir = Engine{Kind: Library, Path: "/lib"}, "/data"
	if err := valid.Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
}
