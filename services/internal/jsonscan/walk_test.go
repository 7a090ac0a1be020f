package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"touchline.dev/services/internal/jsonscan"
)

// members reads an object the way callers do: the last of equal names counts.
func members(data []byte) (map[string]string, error) {
	got := map[string]string{}
	m := jsonscan.MembersOf(data)
	for m.Next() {
		name := string(m.Name())
		if value := m.Value(); value != nil {
			got[name] = string(value)
		}
	}
	return got, m.Err()
}

// entered reads an object by entering every value, object or not.
func entered(data []byte) (map[string]string, error) {
	got := map[string]string{}
	m := jsonscan.MembersOf(data)
	for m.Next() {
		name := string(m.Name())
		inner := m.Enter()
		m.Next() // leaves the rest to Leave
		m.Leave(inner)
		kind := m.Kind()
		if value := m.Value(); value != nil {
			got[name] = string(value)
			if kind != jsonscan.KindOf(value) {
				return got, errors.New("the kind changes with the value")
			}
		}
	}
	return got, m.Err()
}

func elements(data []byte) ([]string, error) {
	var got []string
	e := jsonscan.ElementsOf(data)
	for e.Next() {
		if value := e.Value(); value != nil {
			got = append(got, string(value))
		}
	}
	return got, e.Err()
}

func TestMembers(t *testing.T) {
	got, err := members([]byte(" \n{\"a\" : [1, {\"b\":2}] ,\"c\":\"x\\\"y\",\t\"\\u0064\":null,\"e\":-1.5e3,\"f\":{},\"g\":[] } "))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": `[1, {"b":2}]`, "c": `"x\"y"`, "d": "null", "e": "-1.5e3", "f": "{}", "g": "[]"}
	if len(got) != len(want) {
		t.Errorf("members = %q", got)
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s = %q, want %q", name, got[name], value)
		}
	}
}

func TestLastOfEqualNamesCounts(t *testing.T) {
	got, err := members([]byte(`{"a":1,"b":2,"\u0061":3}`))
	if err != nil || got["a"] != "3" {
		t.Fatalf("members = %q, %v; want a = 3", got, err)
	}
}

func TestSpansBeforeTheFaultAreGood(t *testing.T) {
	got, err := members([]byte(`{"a":1,"b":tru}`))
	if !errors.Is(err, jsonscan.ErrSyntax) || got["a"] != "1" || len(got) != 1 {
		t.Fatalf("members = %q, %v; want a = 1 and a syntax error", got, err)
	}
}

func TestDepth(t *testing.T) {
	for _, c := range []struct {
		levels int
		want   error
	}{{1, nil}, {63, nil}, {64, nil}, {65, nil}, {128, nil}, {129, nil}, {jsonscan.MaxDepth, nil}, {jsonscan.MaxDepth + 1, jsonscan.ErrDepth}, {1 << 20, jsonscan.ErrDepth}} {
		for _, kind := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
			text := strings.Repeat(kind[0], c.levels-1) + "[]" + strings.Repeat(kind[1], c.levels-1)
			if err := jsonscan.Valid([]byte(text)); !errors.Is(err, c.want) {
				t.Errorf("%d levels of %s: %v, want %v", c.levels, kind[0], err, c.want)
			}
		}
	}
}

// corpus is JSON and what looks like it.
var corpus = []string{
	``, ` `, `{`, `}`, `{}`, `[]`, `[`, `]`, `{]`, `[}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `[1,]`, `[,1]`, `{,}`, `{"a" "b"}`, `{"a":1 "b":2}`,
	`{"a":1}x`, `{} {}`, `[1 2]`, `{a:1}`, `{'a':1}`, `{"a":1`, `{"a":"`, `{"a":"\`, `{"a":"\u`, `{"a":"\u12`, `{"a":"\u123g"}`, `{"a":"\x"}`,
	`true`, `tru`, `truex`, `false`, `nul`, `null`, `NaN`, `Infinity`, `-`, `-0`, `00`, `01`, `1.`, `.1`, `1e`, `1e+`, `1E5`, `-1.25e-7`, `+1`, `0x10`,
	`1e999`, `123456789012345678901234567890`, `"a"`, `"a`, `"\u0041\ud83d\ude00\ud83d\ud83d\ude00\udc00x"`, `"\ud800\u0041"`, "\"\x00\"", "\"\t\"", "\"\x1f\"",
	"\"\x7f\"", "\"\xff\"", "{\"\xc3\x28\":1}", "\ufeff{}", `{"a":{"b":[1,2,{"c":null}]},"a":2}`, `["0123456","01234567","012345678","0123456\n","01234567\\"]`,
	"{\"a\"\n:\r1\t,\n\"b\":[ ] }", `{"":""}`, `{"\u0000":"\u0000"}`, "[1]\x00", `"\/\b\f\n\r\t\"\\"`, strings.Repeat("[", 600), `{"a":[[[[[[]]]]]]}`,
}

func TestAgreesWithEncodingJSON(t *testing.T) {
	for _, text := range corpus {
		compare(t, []byte(text))
	}
}

// Strings are tested in words: every byte at every place of one.
func TestEveryByteOfAString(t *testing.T) {
	for before := range 18 {
		for c := range 256 {
			odd := string([]byte{byte(c)})
			for _, filler := range []string{"x", "\x7f", "\u00e9", "!"} {
				text := strings.Repeat(filler, before) + odd
				compare(t, []byte(`["`+text+`"]`))
				compare(t, []byte(`{"`+text+`y":"`+text+`0123456789abcdef","z":["`+text+`",1]}`))
			}
		}
	}
}

func FuzzWalk(f *testing.F) {
	for _, text := range corpus {
		f.Add([]byte(text))
	}
	f.Fuzz(compare)
}

// compare holds everything that can be read from data against encoding/json.
func compare(t *testing.T, data []byte) {
	before := bytes.Clone(data)
	err := jsonscan.Valid(data)
	if errors.Is(err, jsonscan.ErrDepth) {
		return
	}
	if valid := json.Valid(data); (err == nil) != valid {
		t.Fatalf("Valid(%q) = %v, encoding/json says %v", data, err, valid)
	}
	asMembers, objectErr := members(data)
	if other, err := entered(data); !errors.Is(err, objectErr) || !maps.Equal(asMembers, other) {
		t.Fatalf("%q: entering gives %q, %v; passing over %q, %v", data, other, err, asMembers, objectErr)
	}
	_, arrayErr := elements(data)
	kind := jsonscan.KindOf(bytes.TrimLeft(data, " \t\r\n"))
	if err == nil && ((objectErr == nil) != (kind == jsonscan.Object) || (arrayErr == nil) != (kind == jsonscan.Array)) {
		t.Fatalf("%q: as object %v, as array %v", data, objectErr, arrayErr)
	}
	if err != nil && (objectErr == nil || arrayErr == nil) {
		t.Fatalf("%q is not valid, but as object %v, as array %v", data, objectErr, arrayErr)
	}
	if err == nil && utf8.Valid(data) {
		compareValue(t, data)
	}
	if !bytes.Equal(before, data) {
		t.Fatalf("input was changed: %q, was %q", data, before)
	}
}

func compareValue(t *testing.T, data []byte) {
	data = bytes.Trim(data, " \t\r\n")
	switch jsonscan.KindOf(data) {
	case jsonscan.Object:
		want := map[string]json.RawMessage{}
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		got, _ := members(data)
		if len(got) != len(want) {
			t.Fatalf("%q has %d members, want %d", data, len(got), len(want))
		}
		for name, value := range want {
			if got[name] != string(value) {
				t.Fatalf("%q: member %q is %q, want %q", data, name, got[name], value)
			}
			compareValue(t, value)
		}
	case jsonscan.Array:
		var want []json.RawMessage
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		got, _ := elements(data)
		if len(got) != len(want) {
			t.Fatalf("%q has %d elements, want %d", data, len(got), len(want))
		}
		for i, value := range want {
			if got[i] != string(value) {
				t.Fatalf("%q: element %d is %q, want %q", data, i, got[i], value)
			}
			compareValue(t, value)
		}
	case jsonscan.String:
		var want string
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		if got, _ := jsonscan.Text(data, nil); string(got) != want {
			t.Fatalf("Text(%q) = %q, want %q", data, got, want)
		}
	case jsonscan.Number:
		compareNumber(t, data)
	}
}

var event = []byte(`{"timestamp":"2026-11-01T10:00:01.000Z","integrations":{},"event":"Signup Started","type":"track","properties":{"plan":"pro","nested":{"a":[1,null,"x"]},"big":9007199254740991},"context":{"page":{"url":"https://shop.example.com/pricing?utm_source=google&utm_medium=cpc","path":"/pricing","title":"Pricing","referrer":"https://www.google.com/"},"campaign":{"source":"google","medium":"cpc","name":"spring"},"ip":"203.0.113.7","userAgent":"Mozilla/5.0 (test)","locale":"fr-FR","timezone":"Europe/Paris","consent":{"categoryPreferences":{"Advertising":false,"Analytics":true}},"library":{"name":"@segment/analytics-node","version":"3.1.0"}},"anonymousId":"anon-1","messageId":"msg-track-1","_metadata":{"nodeVersion":"v20.20.2","jsRuntime":"node"}}`)

func BenchmarkMembers(b *testing.B) {
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		m := jsonscan.MembersOf(event)
		for m.Next() {
			if len(m.Name()) == 0 || len(m.Value()) == 0 {
				b.Fatal("empty")
			}
		}
		if m.Err() != nil {
			b.Fatal(m.Err())
		}
	}
}

func TestWalkAllocatesNothing(t *testing.T) {
	var scratch [64]byte
	if n := testing.AllocsPerRun(100, func() {
		m := jsonscan.MembersOf(event)
		for m.Next() {
			if jsonscan.KindOf(m.Value()) == jsonscan.String {
				jsonscan.Text(m.Value(), scratch[:0])
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations in a walk", n)
	}
}
