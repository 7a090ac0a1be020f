package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	server "touchline.dev/services/internal/embedded/clickhouse"
	// The programs are built from it and from what it imports: a result that the
	// go command has kept must not outlive a change of them.
	_ "touchline.dev/services/standalone"
)

// binaries is where TestMain has built the programs; it is set before the first
// test and never changed.
var binaries string

func TestMain(m *testing.M) {
	server.RunChildIfRequested()
	runBrokerIfRequested()
	os.Exit(run(m))
}

// programsEnv names a directory of programs to test instead of building them.
const programsEnv = "E2E_PROGRAMS"

func run(m *testing.M) int {
	if binaries = os.Getenv(programsEnv); binaries != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "touchline-e2e-programs-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "make directory for programs:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	binaries = dir
	build := exec.Command("go", append([]string{"build", "-o", dir + string(filepath.Separator)}, packages()...)...)
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build programs:", err)
		return 1
	}
	return m.Run()
}

// packages are those of the programs.
func packages() []string {
	return []string{
		"touchline.dev/services/standalone/cmd/touchline",
		"touchline.dev/services/collector/cmd/collector",
		"touchline.dev/services/enricher/cmd/enricher",
		"touchline.dev/services/scorer/cmd/scorer",
	}
}

func program(name string) string { return filepath.Join(binaries, name) }

// each runs a test against the deployments of the same programs, with the
// projects file given. At its end all must stop cleanly.
func each(t *testing.T, projects string, test func(t *testing.T, d deployment)) {
	for name, make := range deployments() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := make(newSite(t, projects))
			t.Cleanup(d.kill)
			d.start(t)
			test(t, d)
			d.stop(t)
		})
	}
}
