package standalone

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"touchline.dev/schemas/projects"
)

func keysOf(t *testing.T, want int, args ...string) (out, problems string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := Main(t.Context(), append([]string{"keys"}, args...), nil, &stdout, &stderr); code != want {
		t.Errorf("keys %q: exit %d, want %d\n%s", args, code, want, &stderr)
	}
	return stdout.String(), stderr.String()
}

// TestKeys_new puts the printed entry into a projects file, which the printed key
// then opens.
func TestKeys_new(t *testing.T) {
	seen := map[string]bool{}
	for range 20 {
		out, _ := keysOf(t, 0, "new", "--kind", "secret", "--source", "backend")
		first, second, _ := strings.Cut(out, "\n")
		key, entry := strings.TrimPrefix(first, "key   "), strings.TrimPrefix(strings.TrimSpace(second), "entry ")
		if len(key) != 32 || seen[key] || strings.Contains(entry, key) {
			t.Fatalf("printed %q", out)
		}
		seen[key] = true
		set, err := projects.Parse([]byte("projects:\n- id: shop\n  write_keys:\n  " + entry + "\n"))
		if err != nil {
			t.Fatalf("%s: %v", entry, err)
		}
		g, ok := set.Key([]byte(key), "segment", time.Now())
		if !ok || g.Kind != projects.Secret || g.Source != "backend" {
			t.Errorf("the entry opens %+v, %v", g, ok)
		}
	}
}

func TestKeys_hash(t *testing.T) {
	const entry = "entry - {sha256: 31cd1f5ce79b9794917d1181e6fada67fd8de31da559a86227b9369d8ff0e40c, kind: public}\n"
	if out, _ := keysOf(t, 0, "hash", "shop-backend-key"); out != entry {
		t.Errorf("printed %q", out)
	}
	line, err := firstLine(strings.NewReader("shop-backend-key\r\nmore\n"))
	if err != nil || line != "shop-backend-key" {
		t.Errorf("read %q, %v", line, err)
	}
	for _, bad := range [][]string{
		{}, {"list"}, {"hash"}, {"hash", "--source", "x"}, {"hash", "sesame word"}, {"hash", `sesame"]`, "--kind", "private"},
		{"hash", "sesame", "--kind", `secret, source: x`}, {"hash", "sesame", "--source", "A}"}, {"hash", strings.Repeat("sesame", 100)}, {"new", "--kind", "other"}, {"new", "more"},
	} {
		out, problems := keysOf(t, 2, bad...)
		if problems == "" || strings.Contains(out+problems, "entry") || strings.Contains(problems, "sesame") {
			t.Errorf("keys %q: printed %q, %q", bad, out, problems)
		}
	}
}
