package standalone

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestReset_answersAWrongCall(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 1, "want brokers, or dir"},
		{[]string{"--dir", nowhere, "--brokers", "127.0.0.1:1"}, 1, "want dir or brokers, not both"},
		{[]string{"--dir", nowhere}, 1, "find data directory"},
		{[]string{"--brokers", "127.0.0.1:1"}, 1, "connect to Kafka"},
		{[]string{"--brokers", "127.0.0.1:1", "--group", "another"}, 2, `there is no consumer group "another"`},
		{[]string{"--brokers", "127.0.0.1:1", "--clickhouse.url", "nowhere"}, 2, "clickhouse.url"},
	} {
		code, out, errs := run(t, append([]string{"reset"}, c.args...)...)
		if code != c.code || !strings.Contains(out+errs, c.says) {
			t.Errorf("touchline reset %s: exit %d, want %d; said %q%q, want %q", strings.Join(c.args, " "), code, c.code, out, errs, c.says)
		}
	}
}
