package session_test

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"touchline.dev/schemas/ids"
	"touchline.dev/services/enricher/internal/session"
)

func secret(t testing.TB) ids.Secret {
	t.Helper()
	s, err := ids.ParseSecret("000102030405060708090a0b0c0d0e0f")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const hour = int64(60 * 60 * 1000)

// someDay is when the days of the vectors begin, in milliseconds since 1970.
const someDay = 20_000 * 24 * hour

var timeText = regexp.MustCompile(`^(?:(-?\d+)\+)?(-?)(\d\d):(\d\d):(\d\d)\.(\d\d\d)$`)

// span reads [DAYS+]TIME as milliseconds.
func span(t *testing.T, text string) int64 {
	t.Helper()
	parts := timeText.FindStringSubmatch(text)
	if parts == nil {
		t.Fatalf("%q is no time", text)
	}
	n := func(s string) int64 {
		if s == "" {
			return 0
		}
		i, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	ms := n(parts[1])*24*hour + n(parts[3])*hour + n(parts[4])*60_000 + n(parts[5])*1000 + n(parts[6])
	if parts[2] == "-" {
		return -ms
	}
	return ms
}

func TestVectors(t *testing.T) {
	file, err := os.Open("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var name string
	var lines []string
	blocks := 0
	flush := func() {
		if name != "" {
			blocks++
			t.Run(name, func(t *testing.T) { stream(t, lines) })
		}
		name, lines = "", nil
	}
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		switch line := strings.TrimSpace(scanner.Text()); {
		case strings.HasPrefix(line, "#"):
		case line == "":
			flush()
		case name == "":
			name = line
		default:
			lines = append(lines, line)
		}
	}
	flush()
	if blocks < 20 {
		t.Errorf("%d blocks were read, want 20 or more", blocks)
	}
}

// world is a stream of the vectors.
type world struct {
	sessions *session.Sessions
	clock    int64
	letters  map[string]uint64
	ids      map[uint64]string
}

func stream(t *testing.T, lines []string) {
	w := &world{session.New(secret(t)), 0, map[string]uint64{}, map[uint64]string{}}
	for _, line := range lines {
		left, want, ok := strings.Cut(line, " = ")
		if !ok {
			t.Fatalf("%q has no result", line)
		}
		words := strings.Fields(left)
		if words[0] != "repeat" {
			w.event(t, line, words, 0, want)
			continue
		}
		every, until := span(t, words[4]), span(t, words[6])
		for n, at := int64(0), span(t, words[2]); every > 0 && at <= until || every < 0 && at >= until; n, at = n+1, at+every {
			w.event(t, line, words[1:3], n*every, want)
		}
	}
}

func (w *world) event(t *testing.T, line string, words []string, later int64, want string) {
	t.Helper()
	v := session.Visit{Project: "shop", Device: uint64(words[0][0]), At: someDay + span(t, words[1]) + later}
	w.clock = max(w.clock, v.At)
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "passive":
			v.Role = session.Passive
		case "present":
			v.Role = session.Present
		case "own":
			v.Own = secret(t).Session("shop", words[0], value)
		case "clock":
			w.clock = someDay + span(t, value)
		default:
			t.Fatalf("%s: what is %q?", line, word)
		}
	}
	v.Clock = w.clock
	got := w.sessions.Find(v)
	letter, times, _ := strings.Cut(want, " ")
	if letter == "-" {
		if got != (session.Session{}) {
			t.Errorf("%s: is in %+v", line, got)
		}
		return
	}
	if got.ID == 0 {
		t.Fatalf("%s: is in none", line)
	}
	if id, ok := w.letters[letter]; ok && id != got.ID || w.ids[got.ID] != "" && w.ids[got.ID] != letter {
		t.Errorf("%s: is in %q", line, w.ids[got.ID])
	}
	w.letters[letter], w.ids[got.ID] = got.ID, letter
	if first, last, ok := strings.Cut(times, "-"); ok {
		if strings.HasPrefix(times, "-") {
			t.Fatalf("%s: times before the first day", line)
		}
		if start, end := someDay+span(t, first), someDay+span(t, last); got.Start != start || got.End != end {
			t.Errorf("%s: reaches from %s to %s", line, fmt.Sprint(got.Start-start), fmt.Sprint(got.End-end))
		}
	}
}
