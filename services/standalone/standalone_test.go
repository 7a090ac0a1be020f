package standalone

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	"touchline.dev/schemas/touchlinepb"
)

// call runs the program in this process.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Main(t.Context(), args, nil, &out, &errs)
	return code, out.String(), errs.String()
}

func TestMain_answersAWrongCall(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 2, "Usage: touchline COMMAND"},
		{[]string{"help"}, 0, "Usage: touchline COMMAND"},
		{[]string{"fly"}, 2, `there is no command "fly"`},
		{[]string{"topics"}, 2, "want apply or list"},
		{[]string{"tail"}, 2, "want touchline tail raw|enriched"},
		{[]string{"tail", "nothing", "--brokers", "127.0.0.1:1"}, 2, "want touchline tail raw|enriched"},
		{[]string{"lag"}, 1, "want brokers, or dir"},
		{[]string{"lag", "--dir", "/nowhere/at/all"}, 1, "find touchline up: none is ready"},
		{[]string{"topics", "list", "--brokers", "127.0.0.1:1"}, 1, "connect to Kafka"},
		{[]string{"up", "--listen", "nowhere", "--kafka", "here", "--dri", "x"}, 2, "unknown flag --dri"},
	} {
		code, out, errs := run(t, c.args...)
		if code != c.code || !strings.Contains(out+errs, c.says) {
			t.Errorf("touchline %s: exit %d, want %d; said %q%q, want %q", strings.Join(c.args, " "), code, c.code, out, errs, c.says)
		}
	}
}

func TestUp_reportsEveryMistakeOfAConfigurationFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "touchline.yaml")
	text := "listen: nowhere\nlanding:\n  flush_age: soon\n  max_row: 5\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := run(t, "up", "--config", file, "--check-config")
	if code != 2 {
		t.Errorf("exit %d, want 2", code)
	}
	for _, want := range []string{"listen", "landing.flush_age", "landing.max_row"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is not named in:\n%s", want, errs)
		}
	}
}

func TestLockDir_oneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockDir(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("second lock: %v, want ErrInUse", err)
	}
	unlock()
	unlock, err = lockDir(dir)
	if err != nil {
		t.Fatalf("lock after unlock: %v", err)
	}
	unlock()
}

func TestPlainKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.yaml")
	text := `projects:
  - {id: a, write_keys: [k1, k2]}
  - {id: b, write_keys: [{sha256: "00"}, {key: k3}]}
  - {id: c, write_keys: [{sha256: "00"}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := plainKeys(file)
	if want := map[string]string{"a": "k1", "b": "k3"}; err != nil || !reflect.DeepEqual(keys, want) {
		t.Errorf("plainKeys = %v, %v; want %v", keys, err, want)
	}
}

func TestServerURL_readsTheAccountAndHidesIt(t *testing.T) {
	var s ServerURL
	if _, ok := s.config(); ok {
		t.Error("the zero value names a server")
	}
	if err := s.UnmarshalText([]byte("https://me:se%20cret@ch.example:8443")); err != nil {
		t.Fatal(err)
	}
	cfg, ok := s.config()
	if !ok || cfg.URL != "https://ch.example:8443" || cfg.User != "me" || cfg.Password.Reveal() != "se cret" {
		t.Errorf("read %+v, %v", cfg, ok)
	}
	if text, err := s.MarshalText(); err != nil || strings.Contains(string(text), "cret") || !strings.Contains(string(text), "ch.example:8443") {
		t.Errorf("prints %s, %v", text, err)
	}
	for _, bad := range []string{"ch.example:8123", "http://me:secret@", "ftp://me:secret@h:1", "http://me:secret@h:1/db"} {
		if err := s.UnmarshalText([]byte(bad)); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: error %v", bad, err)
		}
	}
}

func TestRecordJSON_showsIdsTimesAndJSONAsSuch(t *testing.T) {
	value, err := proto.Marshal(&touchlinepb.Raw{
		Project: "shop", ReceivedAtMs: 1795290315405, Event: []byte(`{"event":"A","n":1.0}`), Context: []byte("{broken"),
		Headers: []*touchlinepb.Header{{Name: "dnt", Value: "1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &kgo.Record{
		Topic: "t", Partition: 3, Offset: 7, Timestamp: time.UnixMilli(1795290315405), Key: []byte("shop/d/\xff"), Value: value,
		Headers: []kgo.RecordHeader{{Key: "rid", Value: []byte("0123456789abcdef")}, {Key: "src", Value: []byte("12")}},
	}
	line, err := recordJSON(r, new(touchlinepb.Raw))
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	const want = `{"headers":{"rid":"30313233-3435-3637-3839-616263646566","src":"12"},"key":"c2hvcC9kL/8=","offset":7,"partition":3,` +
		`"timestamp":"2026-11-21T19:45:15.405Z","value":{"context":"{broken","event":{"event":"A","n":1.0},` +
		`"headers":[{"name":"dnt","value":"1"}],"project":"shop","received_at_ms":"2026-11-21T19:45:15.405Z"}}`
	if string(line) != want {
		t.Errorf("printed\n%s, want\n%s", line, want)
	}
	if _, err := recordJSON(&kgo.Record{Value: []byte{0xff}}, new(touchlinepb.Raw)); err == nil {
		t.Error("a value that is no message was printed")
	}
}
