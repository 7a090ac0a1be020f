package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"touchline.dev/services/internal/config"
)

// load loads fresh defaults and returns them with what Load said.
func load(t *testing.T, args, env []string) (settings, config.Result, string, error) {
	t.Helper()
	cfg := defaults()
	var out bytes.Buffer
	res, err := config.Load("my-app", args, env, &cfg, &out)
	return cfg, res, out.String(), err
}

// problems returns the lines of a configuration error without its headline.
func problems(t *testing.T, err error) []string {
	t.Helper()
	var list config.Problems
	if !errors.As(err, &list) {
		t.Fatalf("want Problems, got %v", err)
	}
	return strings.Split(list.Error(), "\n")
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLoad_precedence(t *testing.T) {
	file := write(t, "listen: file\nmode: fast\nworkers: 5\nkafka: {linger: 1ms}")
	f := func(args, env []string, listen string, workers uint, linger time.Duration) {
		t.Helper()
		cfg, res, _, err := load(t, args, env)
		if err != nil {
			t.Fatal(err)
		}
		if res.Done || cfg.Listen != listen || cfg.Workers != workers || cfg.Kafka.Linger != linger {
			t.Errorf("got %v %q %d %v", res, cfg.Listen, cfg.Workers, cfg.Kafka.Linger)
		}
	}
	f(nil, nil, ":8080", 4, 2*time.Millisecond)
	f([]string{"--config", file}, nil, "file", 5, time.Millisecond)
	f(nil, []string{"MY_APP_CONFIG=" + file, "MY_APP_WORKERS=6"}, "file", 6, time.Millisecond)
	f([]string{"--config=" + file, "--workers", "7"}, []string{"MY_APP_CONFIG=/nowhere", "MY_APP_WORKERS=6", "MY_APP_LISTEN=env"}, "env", 7, time.Millisecond)
	f([]string{"--kafka.linger=3ms", "--kafka.linger", "4ms", "--listen="}, []string{"MY_APP_KAFKA_LINGER=2ms", "PATH=x", "MY_APPLE=x"}, "", 4, 4*time.Millisecond)
}

func TestLoad_kinds(t *testing.T) {
	cfg, _, _, err := load(t,
		[]string{"--verbose", "--kafka.brokers", "a:1, b:2", "--kafka.max-batch=16MiB", "--trusted-proxies="},
		[]string{"MY_APP_RATIO=0.25", "MY_APP_SMALL=-7", "MY_APP_TRUSTED_PROXIES=10.0.0.0/8", "MY_APP_MODE=fast", "MY_APP_KAFKA_LINGER=1d"})
	if err != nil && !strings.Contains(err.Error(), "kafka.linger: want at most 1s when verbose") {
		t.Fatal(err)
	}
	if got := problems(t, err); len(got) != 1 || got[0] != "MY_APP_KAFKA_LINGER: kafka.linger: want at most 1s when verbose" {
		t.Errorf("got %q", got)
	}
	want := defaults()
	want.Verbose, want.Ratio, want.Small, want.Mode = true, 0.25, -7, "fast"
	want.Kafka.Brokers, want.Kafka.MaxBatch, want.Kafka.Linger = []string{"a:1", "b:2"}, 16*config.MiB, 24*time.Hour
	want.Proxies = cfg.Proxies
	if len(cfg.Proxies) != 0 || !reflect.DeepEqual(cfg, want) {
		t.Errorf("got  %+v\nwant %+v", cfg, want)
	}
	if _, _, _, err := load(t, []string{"--verbose=false"}, []string{"MY_APP_VERBOSE=true"}); err != nil {
		t.Error(err)
	}
}

func TestLoad_reportsEverythingAtOnce(t *testing.T) {
	file := write(t, "kafka:\n  linger: fast\n  brokrs: []\nratio: 3\nlisten: x\n")
	args := []string{
		"--config", file, "--smal", "hunter2", "--small=300", "--kafka.pasword=hunter2", "stray", "--kafka.password", "hunter2",
		"--check-config=yes", "--rules", "x", "-x", "--kafka.max_batch", "1", "--listen",
	}
	env := []string{"MY_APP_WORKERS=many", "MY_APP_KAFKA_PASWORD=hunter2", "MY_APP_KAFKA_BROKERS=", "MY_APP_RULES=x", "MY_APP_VERBOSE="}
	_, _, _, err := load(t, args, env)
	want := []string{
		"unknown flag --smal, did you mean --small?",
		"unknown flag --kafka.pasword, did you mean --kafka.password?",
		"unexpected argument stray",
		"--kafka.password: kafka.password: arguments are visible to every user: use MY_APP_KAFKA_PASSWORD or --kafka.password-file",
		"--check-config: takes no value",
		"unknown flag --rules",
		"unknown flag -x",
		"unknown flag --kafka.max_batch, did you mean --kafka.max-batch?",
		"--listen: needs a value",
		"MY_APP_KAFKA_PASWORD: unknown variable, did you mean MY_APP_KAFKA_PASSWORD?",
		"MY_APP_RULES: unknown variable",
		file + `:2: kafka.linger: want a duration such as 250ms or 7d, got "fast"`,
		file + ":3: kafka.brokrs: unknown key, did you mean brokers?",
		`MY_APP_VERBOSE: verbose: want true or false, got ""`,
		`MY_APP_WORKERS: workers: want a whole number from 0, got "many"`,
		`--small: small: want a whole number from -128 to 127, got "300"`,
		"MY_APP_KAFKA_BROKERS: kafka.brokers: want at least one broker",
		file + ":4: ratio: want 0 to 1, got 3",
	}
	got := problems(t, err)
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("the error shows a secret")
	}
}

func TestLoad_missingFile(t *testing.T) {
	_, _, _, err := load(t, []string{"--config", "/nowhere/app.yaml"}, nil)
	if got := problems(t, err); len(got) != 1 || !strings.Contains(got[0], "/nowhere/app.yaml") {
		t.Errorf("got %q", got)
	}
}

// A Service named my-app, or my-app-admin, announces itself in each container.
func TestLoad_ignoresKubernetesServiceLinks(t *testing.T) {
	_, _, _, err := load(t, nil, []string{
		"MY_APP_SERVICE_HOST=10.0.0.1", "MY_APP_SERVICE_PORT=80", "MY_APP_SERVICE_PORT_HTTP=80", "MY_APP_PORT=tcp://10.0.0.1:80",
		"MY_APP_PORT_80_TCP=tcp://10.0.0.1:80", "MY_APP_PORT_80_TCP_PROTO=tcp", "MY_APP_PORT_80_TCP_PORT=80", "MY_APP_PORT_80_TCP_ADDR=10.0.0.1",
		"MY_APP_ADMIN_SERVICE_HOST=10.0.0.1", "MY_APP_ADMIN_PORT=tcp://10.0.0.1:80",
	})
	if err != nil {
		t.Error(err)
	}
	_, _, _, err = load(t, nil, []string{"MY_APP_PORT=80", "MY_APP_SERVICE=x", "MY_APP_PORT_80=x"})
	if got := problems(t, err); len(got) != 3 {
		t.Errorf("got %q", got)
	}
}

func TestLoad_requests(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h", "--nonsense"}} {
		_, res, out, err := load(t, args, []string{"MY_APP_NONSENSE=1"})
		if err != nil || !res.Done {
			t.Fatalf("%v: %v %v", args, res, err)
		}
		golden(t, "testdata/help.txt", out)
	}
	_, res, out, err := load(t, []string{"--version"}, nil)
	if err != nil || !res.Done || !strings.HasPrefix(out, "my-app ") || strings.Count(out, "\n") != 1 {
		t.Errorf("got %v %q %v", res, out, err)
	}
	_, res, out, err = load(t, []string{"--check-config"}, nil)
	if err != nil || !res.Done || out != "configuration of my-app is valid\n" {
		t.Errorf("got %v %q %v", res, out, err)
	}
	for _, request := range []string{"--check-config", "--print-config"} {
		if _, res, out, err := load(t, []string{request, "--ratio=2"}, nil); err == nil || res.Done || out != "" {
			t.Errorf("got %v %q %v", res, out, err)
		}
	}
	_, _, out, err = load(t, []string{"--print-config", "--kafka.user=me"}, []string{"MY_APP_KAFKA_PASSWORD=hunter2"})
	if err != nil || strings.Contains(out, "hunter2") {
		t.Errorf("got %v\n%s", err, out)
	}
	for _, line := range []string{`  user: "me" # --kafka.user`, `  password: "***" # MY_APP_KAFKA_PASSWORD`, `  linger: "2ms"`} {
		if !strings.Contains(out, line+"\n") {
			t.Errorf("no line %q in\n%s", line, out)
		}
	}
}

func TestSecret_sources(t *testing.T) {
	file := write(t, "hunter2\r\n")
	f := func(args, env []string, want string) {
		t.Helper()
		cfg, _, _, err := load(t, append(args, "--kafka.user=me"), env)
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.Kafka.Password.Reveal(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(nil, []string{"MY_APP_KAFKA_PASSWORD=a=b"}, "a=b")
	f(nil, []string{"MY_APP_KAFKA_PASSWORD_FILE=" + file}, "hunter2")
	f([]string{"--kafka.password-file", file}, []string{"MY_APP_KAFKA_PASSWORD=env"}, "hunter2")
	yaml := write(t, "kafka: {password_file: "+file+"}")
	f([]string{"--config", yaml}, nil, "hunter2")
	f([]string{"--config", yaml}, []string{"MY_APP_KAFKA_PASSWORD=env"}, "env")

	g := func(env []string, want string) {
		t.Helper()
		_, _, _, err := load(t, []string{"--kafka.user=me"}, env)
		if got := problems(t, err); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	g([]string{"MY_APP_KAFKA_PASSWORD=a", "MY_APP_KAFKA_PASSWORD_FILE=" + file}, "MY_APP_KAFKA_PASSWORD_FILE: kafka.password: already given by MY_APP_KAFKA_PASSWORD")
	g([]string{"MY_APP_KAFKA_PASSWORD_FILE=/nowhere"}, "read secret: open /nowhere")
	g([]string{"MY_APP_KAFKA_PASSWORD_FILE=" + write(t, "\n")}, "is empty")
	g([]string{"MY_APP_KAFKA_PASSWORD_FILE=" + write(t, strings.Repeat("x", 64<<10+1))}, "is larger than 64KiB")
	g([]string{"MY_APP_KAFKA_PASSWORD_FILE=" + t.TempDir()}, "read secret")
}

func TestSecret_isNeverPrinted(t *testing.T) {
	secret := config.NewSecret("hunter2")
	type outer struct {
		Shown  config.Secret
		hidden config.Secret // fmt may not call methods here
	}
	v := outer{secret, secret}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{secret, &secret, v, &v, []config.Secret{secret}, map[string]any{"a": v}} {
			if got := fmt.Sprintf(verb, value); strings.Contains(got, "hunter2") || strings.Contains(got, "68756e74657232") {
				t.Errorf("%s of %T shows the secret", verb, value)
			}
		}
	}
	if text, err := json.Marshal(v); err != nil || string(text) != `{"Shown":"***"}` {
		t.Errorf("got %s %v", text, err)
	}
	if v.hidden.Reveal() != "hunter2" || fmt.Sprint(config.Secret{}) != "" || (config.Secret{}).Reveal() != "" {
		t.Error("want the text from Reveal only, and an empty zero value")
	}
}

func TestDecode(t *testing.T) {
	type projects struct {
		Projects []rule `yaml:"projects"`
	}
	var got projects
	if err := config.Decode("p.yaml", []byte("projects: [{name: a, weight: 3}]"), &got); err != nil {
		t.Fatal(err)
	}
	if want := (projects{[]rule{{"a", 3}}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	err := config.Decode("p.yaml", []byte("projects:\n- name: a\n  weigh: 3\n- weight: 1\n- {name: 1, weight: x}\n- name: [1]\n"), &got)
	want := []string{
		"p.yaml:3: projects[0].weigh: unknown key, did you mean weight?",
		`p.yaml:5: projects[2].weight: want a whole number, got "x"`,
		"p.yaml:6: projects[3].name: want a text, got a list",
		"p.yaml:4: projects[1].name: want a name",
	}
	if got := problems(t, err); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestProblems_areBounded(t *testing.T) {
	var p config.Problems
	for i := range 250 {
		p.Addf(fmt.Sprintf("rules[%d]", i), "wrong")
	}
	lines := problems(t, p.Err())
	if len(lines) != 101 || lines[99] != "rules[99]: wrong" || lines[100] != "and 150 more" {
		t.Errorf("got %q", lines)
	}
}

func TestCheck(t *testing.T) {
	if err := config.Check(defaults()); err != nil {
		t.Error(err)
	}
	cfg := defaults()
	cfg.Kafka.Brokers, cfg.Ratio = nil, 7
	if got := problems(t, config.Check(&cfg)); len(got) != 2 {
		t.Errorf("got %q", got)
	}
}

// One struct serves a separate binary and, as a section, the standalone one.
func TestLoad_sections(t *testing.T) {
	type standalone struct {
		Dir       string   `yaml:"dir" doc:"Data directory."`
		Collector settings `yaml:"collector"`
	}
	cfg := standalone{Collector: defaults()}
	_, err := config.Load("touchline", []string{"--collector.listen=:1", "--dir", "d"}, []string{"TOUCHLINE_COLLECTOR_KAFKA_BROKERS=a:1", "COLLECTOR_X=1"}, &cfg, nil)
	if err != nil || cfg.Dir != "d" || cfg.Collector.Listen != ":1" || !slices.Equal(cfg.Collector.Kafka.Brokers, []string{"a:1"}) {
		t.Errorf("got %+v, %v", cfg, err)
	}
	_, err = config.Load("touchline", []string{"--collector.ratio=2"}, nil, &cfg, nil)
	if got := problems(t, err); len(got) != 1 || got[0] != "--collector.ratio: collector.ratio: want 0 to 1, got 2" {
		t.Errorf("got %q", got)
	}
}

func TestEnvNames(t *testing.T) {
	got := config.EnvNames("my-app", defaults())
	want := []string{
		"MY_APP_CONFIG", "MY_APP_KAFKA_BROKERS", "MY_APP_KAFKA_LINGER", "MY_APP_KAFKA_MAX_BATCH", "MY_APP_KAFKA_PASSWORD",
		"MY_APP_KAFKA_PASSWORD_FILE", "MY_APP_KAFKA_USER", "MY_APP_LISTEN", "MY_APP_MODE", "MY_APP_RATIO", "MY_APP_SMALL",
		"MY_APP_TRUSTED_PROXIES", "MY_APP_VERBOSE", "MY_APP_WORKERS",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestReference(t *testing.T) {
	golden(t, "testdata/reference.md", config.Reference("my-app", defaults()))
}

func TestSchema_refusesWrongStructs(t *testing.T) {
	f := func(cfg any, want string) {
		t.Helper()
		defer func() {
			t.Helper()
			if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
				t.Errorf("got panic %q, want %q", got, want)
			}
		}()
		_, err := config.Load("app", nil, nil, cfg, nil)
		t.Errorf("accepted: %v", err)
	}
	f(3, "not a struct")
	f(&struct{ A int }{}, "yaml tag")
	f(&struct {
		A int `yaml:"Bad-Name" doc:"d"`
	}{}, "lower snake case")
	f(&struct {
		A int `yaml:"a"`
	}{}, "key a has no doc tag")
	f(&struct {
		A *int `yaml:"a" doc:"d"`
	}{}, "unsupported type *int")
	f(&struct {
		A map[int]string `yaml:"a" doc:"d"`
	}{}, "unsupported type map[int]string")
	f(&struct {
		A int `yaml:"a" doc:"d"`
		B int `yaml:"a" doc:"d"`
	}{}, "two fields are named a")
	f(&struct {
		A int `yaml:"config" doc:"d"`
	}{}, "share the variable APP_CONFIG")
	f(&struct {
		A int `yaml:"a_b" doc:"d"`
		B struct {
			B int `yaml:"b" doc:"d"`
		} `yaml:"a"`
	}{}, "share the variable APP_A_B")
	f(&struct {
		A config.Secret `yaml:"a" doc:"d"`
		B string        `yaml:"a_file" doc:"d"`
	}{}, "share the variable APP_A_FILE")
}
