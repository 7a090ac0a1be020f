package standalone

import (
	"context"
	"fmt"
	"io"

	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/version"
)

// command is one of the commands of the program.
type command struct {
	name, usage string
	run         func(c *call) error
}

// call is one invocation of a command.
type call struct {
	ctx            context.Context
	args, env      []string
	stdout, stderr io.Writer
	// code is the exit code when run returns nil.
	code int
}

func commands() []command {
	return []command{
		{"up", "run the whole pipeline in this process", up},
		{"tail", "print the records of a topic as JSON", tail},
		{"topics", "apply: create and check the topics; list: show them", topicsCommand},
		{"lag", "show how far each consumer group is behind, in records and seconds", lag},
		{"query", "ask for a funnel, drop-off, retention, ...; list: show what there is to ask", queryCommand},
		{"funnel", "save, list, show, drop: keep a funnel or a retention table of your own as a view", funnelCommand},
		{"bi", "user: make and remove users of BI tools; check: try as one what a tool does", biCommand},
		{"audit", "keep the ledger: count the log, compare it with what is in ClickHouse", auditCommand},
		{"reset", "find the way back when a service has stopped for good", resetCommand},
		{"keys", "new: make a write key; hash: print the entry of one for the projects file", keysCommand},
		{"migrate", "bring the ClickHouse schema up to date", migrate},
		{"import", "send a file of historical events to a collector", importCommand},
		{"sdk", "fetch: bring the scripts of SDKs that the collector serves to browsers", sdkCommand},
		{"version", "print the version", func(c *call) error {
			_, err := fmt.Fprintln(c.stdout, version.String())
			return err
		}},
	}
}

// Main runs the command that args name and returns the exit code: 0 when it did
// what it was asked to, 1 when that failed, 2 for a wrong call or configuration.
func Main(ctx context.Context, args, env []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		usage(stdout)
		if len(args) == 0 {
			return config.ExitBadConfig
		}
		return 0
	}
	for _, cmd := range commands() {
		if cmd.name != args[0] {
			continue
		}
		c := &call{ctx: ctx, args: args[1:], env: env, stdout: stdout, stderr: stderr}
		if err := cmd.run(c); err != nil {
			// The exit code tells it too when this cannot be written.
			_, _ = fmt.Fprintf(stderr, "touchline %s: %v\n", cmd.name, err)
			return max(c.code, 1)
		}
		return c.code
	}
	_, _ = fmt.Fprintf(stderr, "touchline: there is no command %q\n\n", args[0])
	usage(stderr)
	return config.ExitBadConfig
}

func usage(w io.Writer) {
	_, _ = fmt.Fprintln(w, "Usage: touchline COMMAND [FLAGS]")
	_, _ = fmt.Fprintln(w)
	for _, cmd := range commands() {
		_, _ = fmt.Fprintf(w, "  %-8s %s\n", cmd.name, cmd.usage)
	}
	_, _ = fmt.Fprintln(w, "\ntouchline COMMAND --help lists the flags of a command.")
}

// load reads a command's settings. done means that the call was answered (--help
// and the like); a wrong call gives exit code 2.
func (c *call) load(name string, settings any) (done bool, err error) {
	res, err := config.Load(name, c.args, c.env, settings, c.stdout)
	if err != nil {
		c.code = config.ExitBadConfig
	}
	return res.Done, err
}
