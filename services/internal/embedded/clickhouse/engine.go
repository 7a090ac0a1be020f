package clickhouse

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// Engine is a program or library that can run a server.
type Engine struct {
	// Kind says what Path is.
	Kind EngineKind
	// Path is the file, absolute.
	Path string
	// Version is the version that the binary reports, or the version of the
	// library's package.
	Version string
}

// EngineKind tells the ways to run ClickHouse apart.
type EngineKind string

// The kinds of engines.
const (
	// Library is libchdb, loaded by a second process of this program.
	Library EngineKind = "library"
	// Binary is an installed clickhouse.
	Binary EngineKind = "binary"
)

// inherited are the variables that the engine gets from this process. It has no
// business with the others, some of which hold secrets or make it look for
// services on the network.
var inherited = [...]string{"PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}

// command returns the process of a server with these arguments, not started.
func (e Engine) command(args []string) (*exec.Cmd, error) {
	env := []string{"TZ=UTC"}
	for _, name := range inherited {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	var cmd *exec.Cmd
	if e.Kind == Binary {
		cmd = exec.Command(e.Path, append([]string{"local"}, args...)...)
	} else {
		self, err := executable()
		if err != nil {
			return nil, err
		}
		cmd = exec.Command(self, args...)
		cmd.Args[0] = os.Args[0]
		env = append(env, libraryEnv+"="+e.Path)
	}
	cmd.Env = env
	// A group of its own: an interrupt at the terminal is for the parent.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, nil
}

// executable returns this program's file. On Linux it is the one that runs,
// even when the file at its path has been replaced.
func executable() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}
