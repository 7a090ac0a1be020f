package clickhouse

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/unix"
)

// libraryEnv, set to the path of libchdb, turns a process into a server.
const libraryEnv = "TOUCHLINE_CLICKHOUSE_CHILD_LIBRARY"

// lingerAfterParent is how long a server may take for its shutdown after its
// parent has gone. It needs 10 ms without clients and 5 s with one that keeps a
// connection open, of which a successor should not have to wait for all.
const lingerAfterParent = 2 * time.Second

// RunChildIfRequested turns this process into a ClickHouse server if Start
// began it as one, and does not return then. Otherwise it returns at once.
// It must be the first call of main and of TestMain.
func RunChildIfRequested() {
	library := os.Getenv(libraryEnv)
	if library == "" {
		return
	}
	if err := runChild(library, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "run clickhouse:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// runChild returns when the engine has shut down, which it does when standard
// input ends.
func runChild(library string, args []string) error {
	// The server outlives the signals that a terminal or a service manager
	// sends to all processes at once: the parent needs it while it drains.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	go exitAfterParent()
	runtime.LockOSThread()

	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return fmt.Errorf("open library: %w", err)
	}
	var setSignalHandlersEnabled func(enabled int32)
	var queryCmdline func(argc int32, argv []*byte) uintptr
	var resultError func(result uintptr) string
	for name, function := range map[string]any{
		"chdb_set_signal_handlers_enabled": &setSignalHandlersEnabled,
		"chdb_query_cmdline":               &queryCmdline,
		"chdb_result_error":                &resultError,
	} {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return fmt.Errorf("find function %s: %w", name, err)
		}
		purego.RegisterFunc(function, symbol)
	}

	argv := make([]*byte, 0, len(args)+2)
	for _, arg := range append([]string{"clickhouse"}, args...) {
		text, err := unix.BytePtrFromString(arg)
		if err != nil {
			return fmt.Errorf("pass argument: %w", err)
		}
		argv = append(argv, text)
	}
	argc := int32(len(argv))
	argv = append(argv, nil)

	// The engine's handlers would replace those of the Go runtime.
	setSignalHandlersEnabled(0)
	result := queryCmdline(argc, argv)
	runtime.KeepAlive(argv)
	if result == 0 {
		return nil
	}
	if message := resultError(result); message != "" {
		return fmt.Errorf("engine stopped: %s", message)
	}
	return nil
}

// exitAfterParent ends this process some time after the writing end of standard
// input was closed, which the kernel does when the parent dies. It does not
// read: that is the engine's part.
func exitAfterParent() {
	input := []unix.PollFd{{Fd: 0}}
	for {
		_, err := unix.Poll(input, -1)
		if err == unix.EINTR {
			continue
		}
		time.Sleep(lingerAfterParent)
		fmt.Fprintln(os.Stderr, "run clickhouse: shutdown took too long, exiting")
		os.Exit(1)
	}
}
