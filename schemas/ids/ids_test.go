package ids

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dchest/siphash"
	"github.com/google/uuid"
	"pgregory.net/rapid"
)

const secretText = "000102030405060708090a0b0c0d0e0f"

func mustSecret(t interface {
	Helper()
	Fatal(...any)
}, text string) Secret {
	t.Helper()
	s, err := ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestVectors holds every kind of id against testdata/ids.txt.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../testdata/ids.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		left, want, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if !ok {
			t.Fatalf("read line %q: no \" = \"", line)
		}
		args := words(t, left)
		var got string
		switch args[0] {
		case "device":
			got = PersonText(mustSecret(t, args[1]).Device(args[2], args[3]))
		case "user":
			got = PersonText(mustSecret(t, args[1]).User(args[2], args[3]))
		case "session":
			got = PersonText(mustSecret(t, args[1]).Session(args[2], args[3], args[4]))
		case "visit":
			person, err1 := strconv.ParseUint(args[3], 16, 64)
			start, err2 := strconv.ParseInt(args[4], 10, 64)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			got = PersonText(mustSecret(t, args[1]).SessionOf(args[2], person, start))
		case "message":
			h := MessageHash(args[1], []byte(args[2]))
			got = hex.EncodeToString(h[:])
		case "event":
			receipt, err := hex.DecodeString(args[3])
			if err != nil {
				t.Fatal(err)
			}
			id, sdk := EventID(args[1], args[2], nil, [16]byte(receipt))
			h := MessageHash(args[1], []byte(args[2]))
			if other, same := EventID(args[1], args[2], h[:], [16]byte(receipt)); other != id || same != sdk {
				t.Errorf("with its hash given the event %s has the id %x", left, other)
			}
			got = hex.EncodeToString(id[:]) + " made"
			if sdk {
				got = hex.EncodeToString(id[:]) + " sdk"
			}
		default:
			t.Fatalf("no id is named %s", args[0])
		}
		if got != want {
			t.Errorf("%s = %s, want %s", left, got, want)
		}
		seen[args[0]]++
	}
	for _, kind := range []string{"device", "user", "session", "visit", "message", "event"} {
		if seen[kind] < 10 {
			t.Errorf("%d vectors of %s, want 10 or more", seen[kind], kind)
		}
	}
}

// words splits a line at spaces; quoted words may hold some.
func words(t *testing.T, line string) []string {
	var all []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		word, rest, _ := strings.Cut(line, " ")
		if quoted, err := strconv.QuotedPrefix(line); err == nil {
			rest = line[len(quoted):]
			if word, err = strconv.Unquote(quoted); err != nil {
				t.Fatalf("unquote %s: %v", quoted, err)
			}
		}
		all, line = append(all, word), rest
	}
	return all
}

// TestSipHash holds the library against the vectors of the function's authors:
// key 00..0f, input 00, 01, 02, ... of each length.
func TestSipHash(t *testing.T) {
	s := mustSecret(t, secretText)
	if *s.k0 != 0x0706050403020100 || *s.k1 != 0x0f0e0d0c0b0a0908 {
		t.Fatalf("key words are %x and %x, want them little-endian", *s.k0, *s.k1)
	}
	for length, want := range map[int]uint64{
		0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 2: 0x0d6c8009d9a94f5a, 3: 0x85676696d7fb7e2d,
		7: 0xab0200f58b01d137, 8: 0x93f5f5799a932462, 15: 0xa129ca6149be45e5, 63: 0x958a324ceb064572,
	} {
		input := make([]byte, length)
		for i := range input {
			input[i] = byte(i)
		}
		if got := siphash.Hash(*s.k0, *s.k1, input); got != want {
			t.Errorf("%d bytes: %016x, want %016x", length, got, want)
		}
	}
}

// TestIdsAreApart: another project, kind, secret, or another split of the same
// bytes gives another id.
func TestIdsAreApart(t *testing.T) {
	one, other := mustSecret(t, secretText), mustSecret(t, strings.Repeat("5a", 16))
	rapid.Check(t, func(t *rapid.T) {
		projects := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9][a-z0-9_-]{0,9}`), 2, 2, rapid.ID).Draw(t, "projects")
		text := rapid.OneOf(rapid.String(), rapid.StringMatching("[\x00du]{0,4}"))
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		all := []uint64{
			one.Device(projects[0], a), one.Device(projects[1], a), other.Device(projects[0], a),
			one.User(projects[0], a), one.User(projects[1], a),
			one.Session(projects[0], a, b), one.Session(projects[1], a, b),
			one.Session(projects[0], a+"\x00", b), one.Session(projects[0], a, "\x00"+b),
			one.Visitor(projects[0], a, b), one.Visitor(projects[1], a, b), one.Visitor(projects[0], a+"\x00", b),
		}
		slices.Sort(all)
		if all[0] == 0 || len(slices.Compact(all)) != 12 {
			t.Fatalf("ids are not twelve, or one is 0: %x", all)
		}
		if MessageHash(projects[0], []byte(a)) == MessageHash(projects[1], []byte(a)) {
			t.Fatal("two projects share a message hash")
		}
		if one.Device(projects[0], a) != mustSecret(t, one.Hex()).Device(projects[0], a) {
			t.Fatal("the secret read again gives another id")
		}
	})
}

func TestSomeID(t *testing.T) {
	for h, want := range map[uint64]uint64{0: 1, 1: 1, 2: 2, 1<<64 - 1: 1<<64 - 1} {
		if got := someID(h); got != want {
			t.Errorf("someID(%d) = %d, want %d", h, got, want)
		}
	}
}

func TestPersonText(t *testing.T) {
	for id, want := range map[uint64]string{0: "", 1: "0000000000000001", 0xfedcba9876543210: "FEDCBA9876543210"} {
		if got := PersonText(id); got != want {
			t.Errorf("PersonText(%d) = %q, want %q", id, got, want)
		}
	}
}

func TestParseSecret(t *testing.T) {
	if got := mustSecret(t, " \t"+strings.ToUpper(secretText)+"\r\n").Hex(); got != secretText {
		t.Errorf("Hex = %s, want %s", got, secretText)
	}
	for _, text := range []string{"", "00", secretText[:31], secretText + "0", strings.Repeat(secretText, 100), secretText[:31] + "g", "0x" + secretText[:30]} {
		s, err := ParseSecret(text)
		if err == nil || s != (Secret{}) {
			t.Errorf("ParseSecret of %d characters: %v, want an error", len(text), err)
		} else if strings.Contains(err.Error(), "g\"") || strings.Contains(err.Error(), "0001") {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
}

func TestNewSecret(t *testing.T) {
	a, err := NewSecret()
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewSecret()
	if err != nil || a.Hex() == b.Hex() {
		t.Errorf("two secrets are the same (%v)", err)
	}
}

// TestSecretIsNeverPrinted prints it in every way, also where package fmt cannot
// call its methods.
func TestSecretIsNeverPrinted(t *testing.T) {
	s := mustSecret(t, secretText)
	type holder struct {
		Public Secret
		hidden Secret
	}
	h := holder{s, s}
	var prints []string
	for _, v := range []any{s, &s, h, &h, []Secret{s}, map[string]Secret{"k": s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			prints = append(prints, fmt.Sprintf(verb, v))
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		prints = append(prints, string(b))
	}
	for _, p := range prints {
		p = strings.ToLower(p)
		for _, leak := range []string{
			secretText, fmt.Sprint(*s.k0), fmt.Sprint(*s.k1), fmt.Sprintf("%x", *s.k0), fmt.Sprintf("%x", *s.k1), "0001020304",
		} {
			if strings.Contains(p, leak) {
				t.Errorf("printed as %s", p)
			}
		}
	}
}

func TestZeroSecret_panics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a secret that was never set gave an id")
		}
	}()
	Secret{}.Device("shop", "a")
}

func TestNewReceipt(t *testing.T) {
	before := time.Now().UnixMilli()
	var last uuid.UUID
	for range 1000 {
		id, err := NewReceipt()
		if err != nil {
			t.Fatal(err)
		}
		u := uuid.UUID(id)
		if u.Version() != 7 || u.Variant() != uuid.RFC4122 {
			t.Fatalf("%v is no UUIDv7", u)
		}
		if u.String() <= last.String() {
			t.Fatalf("%v comes after %v", u, last)
		}
		last = u
	}
	seconds, nanos := last.Time().UnixTime()
	if ms := seconds*1000 + nanos/1e6; ms < before || ms > time.Now().UnixMilli()+1000 {
		t.Errorf("the time in the last receipt is %d, want from %d to now", ms, before)
	}
}

func TestHashingAllocatesNothing(t *testing.T) {
	s, message := mustSecret(t, secretText), []byte("ajs-next-1767225600100-5f3c")
	if n := testing.AllocsPerRun(100, func() {
		s.Device("shop", "0b6f9b0e-5a4c-4b7e-9a54-6a2c1a1e2f3d")
		s.Session("shop", "0b6f9b0e-5a4c-4b7e-9a54-6a2c1a1e2f3d", "1767225600123")
		s.Visitor("shop", "shop.example", "20779 203.0.113.7 Mozilla/5.0")
		MessageHash("shop", message)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
