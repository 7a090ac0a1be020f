package config_test

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"touchline.dev/services/internal/config"
)

func TestBytes(t *testing.T) {
	f := func(text string, want config.Bytes, canonical string) {
		t.Helper()
		var got config.Bytes
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want || got.String() != canonical {
			t.Errorf("got %d = %v, %v", got, got, err)
		}
		var again config.Bytes
		if err := again.UnmarshalText([]byte(got.String())); err != nil || again != got {
			t.Errorf("%v reads back as %d, %v", got, again, err)
		}
	}
	f("0", 0, "0B")
	f("1", 1, "1B")
	f("512B", 512, "512B")
	f("1024", 1024, "1KiB")
	f("16MiB", 16*config.MiB, "16MiB")
	f("16 MiB", 16*config.MiB, "16MiB")
	f("3GiB", 3*config.GiB, "3GiB")
	f("500KB", 500_000, "500KB")
	f("1MB", 1_000_000, "1MB")
	f("2GB", 2_000_000_000, "2GB")
	f("9223372036854775807", math.MaxInt64, "9223372036854775807B")

	g := func(text string) {
		t.Helper()
		got := config.Bytes(7)
		if err := got.UnmarshalText([]byte(text)); err == nil || got != 7 {
			t.Errorf("%q gives %d, %v", text, got, err)
		}
	}
	g("")
	g("MiB")
	g("-1")
	g("+1")
	g("1.5MiB")
	g("1mib")
	g("1K")
	g("1MiBB")
	g("0x10")
	g("1_000")
	g("9223372036854775808")
	g("9007199254740993KiB")
}

func TestDurations(t *testing.T) {
	f := func(text string, want time.Duration, canonical string) {
		t.Helper()
		got := struct {
			D time.Duration `yaml:"d" doc:"d"`
		}{}
		if _, err := config.Load("x", []string{"--d=" + text}, nil, &got, nil); err != nil || got.D != want {
			t.Errorf("got %v, %v", got.D, err)
		}
		if ref := config.Reference("x", got); !strings.Contains(ref, "| `d` | duration | `"+canonical+"` |") {
			t.Errorf("got %s", ref)
		}
	}
	f("0", 0, "0s")
	f("0d", 0, "0s")
	f("250ms", 250*time.Millisecond, "250ms")
	f("90s", 90*time.Second, "1m30s")
	f("5m", 5*time.Minute, "5m")
	f("2h", 2*time.Hour, "2h")
	f("2h0m5s", 2*time.Hour+5*time.Second, "2h0m5s")
	f("7d", 7*24*time.Hour, "7d")
	f("36h", 36*time.Hour, "36h")
	f("-1d", -24*time.Hour, "-1d")
	f("106751d", 106751*24*time.Hour, "106751d")

	g := func(text string) {
		t.Helper()
		got := struct {
			D time.Duration `yaml:"d" doc:"d"`
		}{7}
		if _, err := config.Load("x", []string{"--d=" + text}, nil, &got, nil); err == nil || got.D != 7 {
			t.Errorf("%q gives %v, %v", text, got.D, err)
		}
	}
	g("")
	g("5")
	g("d")
	g("1.5d")
	g("1d12h")
	g("106752d")
	g("99999999999999999999d")
}

// FuzzDecode: whatever the file holds, Decode returns, says something readable
// when it refuses, and accepts only what Check accepts.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("listen: a\nkafka: {linger: 1ms, brokers: [a, b]}\nrules: [{name: x}]\nnested: {a: {name: b}}\n"))
	f.Add([]byte("kafka:\n  brokers:\n  - a\n  linger: &a 1ms\n  user: *a\n? x\n: y\n--- \nlisten: |\n  a\n"))
	f.Add([]byte("kafka: {password_file: /dev/null, <<: {a: !!str b}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), "_file") {
			return // would read files that the fuzzer names
		}
		cfg := defaults()
		err := config.Decode("f", data, &cfg)
		if err == nil {
			err = config.Check(&cfg)
			if err != nil {
				t.Errorf("accepted what Check refuses: %v", err)
			}
			return
		}
		if text := err.Error(); text == "" || !utf8.ValidString(text) {
			t.Errorf("unreadable error %q", text)
		}
	})
}
