package repotest

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestImports runs the import rules on the code as it is.
func TestImports(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "bash", filepath.Join(root(t), "scripts", "check-imports.sh")).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestImportRules shows that each rule refuses what it is about, and nothing
// near to it.
func TestImportRules(t *testing.T) {
	const ours = "touchline.dev/"
	for _, c := range []struct {
		line string
		ok   bool
	}{
		{"direct " + ours + "schemas/event " + ours + "schemas/ids", true},
		{"direct " + ours + "schemas/event " + ours + "services/internal/config", false},
		{"direct " + ours + "services/internal/landing " + ours + "schemas/topics", true},
		{"direct " + ours + "services/internal/landing " + ours + "services/enricher", false},
		{"direct " + ours + "services/collector " + ours + "services/internal/kafka", true},
		{"direct " + ours + "services/collector " + ours + "services/enricher", false},
		{"direct " + ours + "services/enricher " + ours + "services/scorer/internal/fold", false},
		{"direct " + ours + "services/scorer " + ours + "services/standalone", false},
		{"direct " + ours + "services/standalone " + ours + "services/collector", true},
		// Tests may use embedded servers, programs may not.
		{"direct " + ours + "services/collector github.com/twmb/franz-go/pkg/kfake", true},
		{"deep " + ours + "services/collector github.com/twmb/franz-go/pkg/kfake", false},
		{"deep " + ours + "services/enricher " + ours + "services/internal/embedded/clickhouse", false},
		{"deep " + ours + "services/enricher github.com/ebitengine/purego", false},
		{"deep " + ours + "services/enricher github.com/cockroachdb/pebble/v2", true},
		{"deep " + ours + "services/scorer " + ours + "services/standalone", false},
		{"deep " + ours + "services/scorer github.com/segmentio/kafka-go", false},
		{"deep " + ours + "services/standalone github.com/segmentio/kafka-go", true},
		{"deep " + ours + "services/standalone github.com/twmb/franz-go/pkg/kfake", true},
		{"deep " + ours + "services/standalone " + ours + "services/internal/kafkatest", false},
		{"deep " + ours + "services/scorer/internal/scorertest " + ours + "services/internal/embedded/broker", true},
		{"", false}, // nothing to check is no success
		{"something else", false},
	} {
		cmd := exec.CommandContext(t.Context(), "awk", "-f", filepath.Join(root(t), "scripts", "imports.awk"))
		if c.line != "" {
			cmd.Stdin = strings.NewReader(c.line + "\n")
		}
		out, err := cmd.CombinedOutput()
		if (err == nil) != c.ok {
			t.Errorf("%q: allowed %v, want %v\n%s", c.line, err == nil, c.ok, out)
		}
	}
}
