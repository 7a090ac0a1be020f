//go:build mutations

package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tries is how often the kill test may run before a mutation counts as not found:
// some need a kill at a certain moment.
const tries = 4

// TestMutations shows that the kill test can fail: it runs on programs in which
// one thing is wrong, and its audit has to find that events were lost or doubled.
// A failure that is no finding does not count, and is reported. Where programs
// have trouble that they promise to get over, the audit must find nothing.
func TestMutations(t *testing.T) {
	for _, m := range mutations(t) {
		t.Run(m.name, func(t *testing.T) {
			s := newSite(t, "")
			programs := s.path("programs")
			if err := os.Mkdir(programs, 0o700); err != nil {
				t.Fatal(err)
			}
			build(t, s.dir, m.edits, programs+string(filepath.Separator), packages()...)
			if !m.found {
				if failed, output := killTest(t, s, m, 1); failed {
					t.Errorf("the kill test fails:\n%s", output)
				}
				return
			}
			for try := uint64(1); try <= tries; try++ {
				began := time.Now()
				failed, output := killTest(t, s, m, try)
				if !failed {
					t.Logf("try %d found nothing in %s", try, time.Since(began).Round(time.Second))
					continue
				}
				found := findings(output)
				if len(found) == 0 {
					t.Fatalf("the kill test fails, but not because events were lost or doubled:\n%s", output)
				}
				t.Logf("try %d, after %s, found:\n%s", try, time.Since(began).Round(time.Second), strings.Join(found, "\n"))
				return
			}
			t.Errorf("the kill test found nothing in %d tries", tries)
		})
	}
}

// killTest runs the kill test on the programs of a site, which also keeps what
// it leaves.
func killTest(t *testing.T, s *site, m mutation, seed uint64) (failed bool, output string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestChaos$", "-test.v", "-test.timeout", "10m")
	cmd.Env = append(os.Environ(), programsEnv+"="+s.path("programs"), "TMPDIR="+s.dir, "E2E_MIX="+m.mix,
		fmt.Sprintf("E2E_FAULTS=%d", m.faults), fmt.Sprintf("E2E_SEED=%d", seed))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = noOrphans()
	return cmd.Run() != nil, out.String()
}

// findings are the lines in which the audit says what it found.
func findings(output string) (lines []string) {
	for line := range strings.Lines(output) {
		if _, what, ok := strings.Cut(line, findingMark); ok && len(lines) < 5 {
			lines = append(lines, strings.TrimSpace(what))
		}
	}
	return lines
}
