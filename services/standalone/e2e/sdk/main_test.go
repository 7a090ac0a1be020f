//go:build sdks

package sdk_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	server "touchline.dev/services/internal/embedded/clickhouse"
	// The programs are built from it and from what it imports: a result that the
	// go command has kept must not outlive a change of them.
	_ "touchline.dev/services/standalone"
)

// work holds what TestMain has made: programs in bin, drivers with their packages in
// drivers, scripts for pages in pages. It is set before the first test.
var work string

func TestMain(m *testing.M) {
	server.RunChildIfRequested()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "touchline-sdks-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "make directory:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	work = dir
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func at(names ...string) string { return filepath.Join(append([]string{work}, names...)...) }

func prepare() error {
	if _, err := output("go", "build", "-o", at("bin")+string(filepath.Separator),
		"touchline.dev/services/standalone/cmd/touchline",
		"touchline.dev/services/collector/cmd/collector",
		"touchline.dev/services/enricher/cmd/enricher"); err != nil {
		return fmt.Errorf("build programs: %w", err)
	}
	packages, err := output("../../../../scripts/sdks/sdks.sh", "fetch")
	if err != nil {
		return fmt.Errorf("fetch SDKs: %w", err)
	}
	// Packages are looked up beside the file that imports them.
	if err := os.CopyFS(at("drivers"), os.DirFS("drivers")); err != nil {
		return fmt.Errorf("copy drivers: %w", err)
	}
	if err := os.Symlink(filepath.Join(packages, "node_modules"), at("drivers", "node_modules")); err != nil {
		return fmt.Errorf("link packages: %w", err)
	}
	if _, err := output("node", at("drivers", "bundle.mjs"), at("pages")); err != nil {
		return fmt.Errorf("bundle drivers: %w", err)
	}
	return nil
}

// output runs a command to its end and returns what it printed, without the line end.
// What it says besides is passed on.
func output(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run %s: %w", name, err)
	}
	return strings.TrimSuffix(string(text), "\n"), nil
}
