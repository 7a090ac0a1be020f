package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// serverQueries is what the engine runs as a local client: it opens the
// listener, then waits for standard input, a pipe that nobody writes to, to
// end. The engine shuts down cleanly after its last query.
const serverQueries = "SYSTEM START LISTEN HTTP; SELECT count() FROM file('-', LineAsString) FORMAT Null"

// process is one run of the engine.
type process struct {
	cmd *exec.Cmd
	// input is the pipe whose end is the engine's sign to shut down.
	input io.Closer
	// output is the file it writes to, from outputStart on.
	output      string
	outputStart int64
	// done is closed when the process has ended; err is its exit state.
	done chan struct{}
	err  error
}

// startProcess starts the engine. The data must be locked by lock, which the
// process then keeps until it ends.
func startProcess(cfg Config, files layout, port int, lock *os.File) (*process, error) {
	cmd, err := cfg.Engine.command([]string{
		"--path=" + files.data,
		"--config-file=" + files.config,
		"--listen_host=" + cfg.Host,
		"--http_port=" + strconv.Itoa(port),
		// Against the limit of the profile "engine", for this client alone.
		"--max_query_size=262144",
		"--query=" + serverQueries,
	})
	if err != nil {
		return nil, fmt.Errorf("find program: %w", err)
	}
	output, start, err := openOutput(files.output)
	if err != nil {
		return nil, fmt.Errorf("open output: %w", err)
	}
	cmd.Dir = files.data
	cmd.Stdout, cmd.Stderr = output, output
	cmd.ExtraFiles = []*os.File{lock}
	input, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err = errors.Join(err, output.Close()); err != nil {
		return nil, fmt.Errorf("start process: %w", err)
	}
	p := &process{cmd: cmd, input: input, output: files.output, outputStart: start, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// maxOutput is the size, in bytes, at which the output starts anew. The engine
// says almost nothing there, but it dies there.
const maxOutput = 1 << 20

// openOutput returns the file and its size.
func openOutput(path string) (*os.File, int64, error) {
	output, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, err
	}
	info, err := output.Stat()
	if err == nil && info.Size() <= maxOutput {
		return output, info.Size(), nil
	}
	if err == nil {
		err = output.Truncate(0)
	}
	if err != nil {
		return nil, 0, errors.Join(err, output.Close())
	}
	return output, 0, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop asks the process to shut down, kills it after the grace, and returns when
// it has ended. It reports whether it had to kill.
func (p *process) stop(grace time.Duration) (killed bool, err error) {
	err = p.input.Close()
	select {
	case <-p.done:
		return false, err
	case <-time.After(grace):
	}
	return true, errors.Join(err, p.kill())
}

// kill ends the process and returns when it has ended.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	if err == nil {
		<-p.done
	}
	return err
}

// exit says how a process that is done has ended, and its last words.
func (p *process) exit() error {
	state := "exit status 0"
	if p.err != nil {
		state = p.err.Error()
	}
	words := p.lastWords()
	if strings.Contains(words, "Address already in use") {
		return fmt.Errorf("%w: %s: %s", errPortTaken, state, words)
	}
	return fmt.Errorf("%s: %s", state, words)
}

var errPortTaken = errors.New("port is taken")

// lastWords returns up to 2 KiB from the end of the process's output.
func (p *process) lastWords() string {
	const size = 2 << 10
	file, err := os.Open(p.output)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err.Error()
	}
	start := max(p.outputStart, info.Size()-size)
	text, err := io.ReadAll(io.NewSectionReader(file, start, size))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}

// awaitReady returns when the process answers to its writer and to nobody else:
// a program that has taken the port does not pass, nor does an engine that
// ignores the limits of the user "default".
func (p *process) awaitReady(ctx context.Context, address string, writer Credentials) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	// Whoever has taken the port may accept and never answer.
	alive, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.done:
			cancel()
		case <-alive.Done():
		}
	}()
	for {
		err := ask(alive, client, address, writer)
		if err == nil {
			break
		}
		select {
		case <-p.done:
			return fmt.Errorf("process ended: %w", p.exit())
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("wait for answer: %w", context.Cause(ctx)), err, errors.New(p.lastWords()))
		case <-time.After(10 * time.Millisecond):
		}
	}
	if ask(alive, client, address, Credentials{}) == nil {
		return errors.New("engine answers without a password; take another version")
	}
	return nil
}

const (
	question = "SELECT 'touchline'"
	answer   = "touchline\n"
)

// ask asks the server a question as that user; without a name, as nobody.
func ask(ctx context.Context, client *http.Client, address string, user Credentials) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/", strings.NewReader(question))
	if err != nil {
		return err
	}
	if user.User != "" {
		request.Header.Set("X-ClickHouse-User", user.User)
		request.Header.Set("X-ClickHouse-Key", user.Password)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || string(body) != answer {
		return fmt.Errorf("answer %d: %q", response.StatusCode, body)
	}
	return nil
}

// freePort returns a TCP port of the host that nobody listens on.
func freePort(host string) (int, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return 0, fmt.Errorf("find free port: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		return 0, fmt.Errorf("free port: %w", err)
	}
	return port, nil
}
