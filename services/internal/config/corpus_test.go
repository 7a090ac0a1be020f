package config_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"touchline.dev/services/internal/config"
)

var update = flag.Bool("update", false, "rewrite the expected answers in testdata")

// TestCorpus loads every file of testdata. Next to NAME.bad.yaml stands the
// exact error in NAME.bad.txt, next to NAME.good.yaml the effective
// configuration in NAME.good.txt.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		verdict := filepath.Ext(name)
		seen[verdict]++
		t.Run(name, func(t *testing.T) {
			cfg := defaults()
			var out bytes.Buffer
			_, err := config.Load("app", []string{"--config", file, "--print-config"}, nil, &cfg, &out)
			got := out.String()
			switch {
			case err == nil && verdict != ".good":
				t.Fatalf("accepted:\n%s", got)
			case err != nil && verdict != ".bad":
				t.Fatalf("refused: %v", err)
			case err != nil:
				got = err.Error() + "\n"
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", got)
		})
	}
	if seen[".good"] < 3 || seen[".bad"] < 10 || len(seen) != 2 {
		t.Errorf("corpus is incomplete: %v", seen)
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs\n--- got\n%s--- want\n%s", file, got, want)
	}
}

// TestPrintedConfigLoadsAgain proves that --print-config loses nothing but
// secrets: its output, loaded, prints itself.
func TestPrintedConfigLoadsAgain(t *testing.T) {
	dir := t.TempDir()
	printed := func(args ...string) string {
		cfg := defaults()
		var out bytes.Buffer
		if _, err := config.Load("app", append(args, "--print-config"), nil, &cfg, &out); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(out.String(), "\n")
		for i := range lines { // sources differ
			lines[i], _, _ = strings.Cut(lines[i], " # ")
		}
		return strings.Join(lines, "\n")
	}
	first := printed("--config", "testdata/full.good.yaml", "--listen", "a: \"b\" #c\u2028\t\x01é")
	withoutSecret := strings.NewReplacer(`"***"`, `""`, `user: "touchline"`, `user: ""`).Replace(first)
	file := filepath.Join(dir, "printed.yaml")
	if err := os.WriteFile(file, []byte(withoutSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	if second := printed("--config", file); second != withoutSecret {
		t.Errorf("got\n%s\nwant\n%s", second, withoutSecret)
	}
}
