package slice

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var names = []string{"messageId", "anonymousId", "userId", "batch"}

// check holds the cursor against encoding/json: the same texts are valid, and
// what was sliced is what a decoder yields.
func check(t *testing.T, data []byte) {
	t.Helper()
	var c Cursor
	got := make([]Value, len(names))

	c.Reset(data)
	v, ok := c.Members(names, got)
	valid := ok && !v.Malformed && c.AtEnd()
	if v.Depth > 9_000 { // encoding/json gives up at 10,000 levels
		return
	}
	if want := json.Valid(data); valid != want {
		t.Fatalf("%q: valid = %v (%s), encoding/json says %v", data, valid, c.Problem(), want)
	}
	if !ok != (c.Problem() != "") {
		t.Fatalf("%q: ok = %v with problem %q", data, ok, c.Problem())
	}
	if c.Pos() > len(data) {
		t.Fatalf("%q: position %d behind the end", data, c.Pos())
	}

	// Value must see the same as Members.
	c.Reset(data)
	plain, plainOK := c.Value()
	if plainOK != ok || ok && plain != v && v.Kind == Object {
		t.Fatalf("%q: Value gives %+v, %v; Members %+v, %v", data, plain, plainOK, v, ok)
	}
	checkInner(t, data, v, ok, got)
	if !valid {
		return
	}
	switch v.Kind {
	case Object:
		checkMembers(t, &c, data, got)
	case Array:
		checkElements(t, &c, data)
	}
}

func checkMembers(t *testing.T, c *Cursor, data []byte, got []Value) {
	t.Helper()
	var want map[string]json.RawMessage
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	var scratch []byte
	for i, name := range names {
		raw, present := want[name]
		if present != (got[i].Kind != Absent) {
			t.Fatalf("%q: %s present = %v, want %v", data, name, got[i].Kind != Absent, present)
		}
		if !present {
			continue
		}
		if have := data[got[i].Start:got[i].End]; !bytes.Equal(have, raw) {
			t.Fatalf("%q: %s = %q, want %q", data, name, have, raw)
		}
		if got[i].Kind != String || !utf8.Valid(raw) {
			continue
		}
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		var have []byte
		if have, scratch = c.Text(got[i], scratch); string(have) != text {
			t.Fatalf("%q: text = %q, want %q", raw, have, text)
		}
	}
}

// checkInner holds MembersIn, for the members of each member, against two walks.
func checkInner(t *testing.T, data []byte, v Value, ok bool, got []Value) {
	t.Helper()
	inner := []string{"messageId", "a", "batch"}
	var c Cursor
	both, twice := make([]Value, len(names)+len(inner)), make([]Value, len(inner))
	for i := range names {
		both[len(names)].Kind = Unknown // from the event before
		c.Reset(data)
		if have, haveOK := c.MembersIn(names, i, inner, both); haveOK != ok || ok && have != v {
			t.Fatalf("%q: MembersIn gives %+v, %v; Members %+v, %v", data, have, haveOK, v, ok)
		}
		if !ok {
			continue
		}
		clear(twice)
		if got[i].Kind == Object {
			c.At(data, got[i].Start)
			c.Members(inner, twice)
		}
		if !slices.Equal(both[:len(names)], got) || !slices.Equal(both[len(names):], twice) {
			t.Fatalf("%q: in %s MembersIn notes %+v; two walks %+v and %+v", data, names[i], both, got, twice)
		}
	}
}

func checkElements(t *testing.T, c *Cursor, data []byte) {
	t.Helper()
	var want []json.RawMessage
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	c.Reset(data)
	c.Enter('[')
	n := 0
	for ; ; n++ {
		more, ok := c.Next(']', n == 0)
		if !ok {
			t.Fatalf("%q: %s", data, c.Problem())
		}
		if !more {
			break
		}
		v, ok := c.Value()
		if !ok || n >= len(want) || !bytes.Equal(data[v.Start:v.End], want[n]) {
			t.Fatalf("%q: element %d = %q, want %q", data, n, data[v.Start:v.End], want)
		}
	}
	if n != len(want) || !c.AtEnd() {
		t.Fatalf("%q: %d elements, want %d", data, n, len(want))
	}
}

func seeds() []string {
	return []string{
		``, ` `, `{}`, `[]`, `null`, `true`, `fals`, `"a"`, `"a`, `"\`, `1`, `-`, `-0`, `01`, `1.`, `1.5e+3`, `1e`, `.5`, `+1`, `NaN`, `Infinity`,
		`{"userId":{"messageId":"m","a":1,"a":[{}],"b":{}},"batch":{"a":tru},"messageId":{"a" : "\u0041"}}`, `{"userId":{"a":1},"userId":7}`, `{"userId":{"a":1`, `{"batch":{"a":[}}`,
		`{"messageId":"m","anonymousId":"a\u0041\n","userId":null}`, `{"messageId":1,"messageId":2.50}`, `{"message\u0049d":"x"}`,
		`{"anonymousId":"\ud83d\ude00 \ud83d \ude00 \ud83d\ud83d\ude00 \ud83d\u0041"}`, `{"userId":"\x"}`, `{"userId":"\u12"}`,
		"{\"userId\":\"a\x00b\"}", "{\"userId\":\"a\nb\"}", "{\"userId\":\"\xff\"}", "\xef\xbb\xbf{}", `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1 "b":2}`,
		`[1,2,,3]`, `[1 2]`, `[{"a":[1,{"b":null}]},"x",-1.0E-2]`, `[1]]`, `{}{}`, `[}`, `{]`, `[NaN,{"a":tru}]`, `{"batch":[{},{"userId":"u"}],"x":1}`,
		"\t\r\n {\"userId\" :\t\"u\" , \"x\" : [ ] } ", strings.Repeat("[", 200) + strings.Repeat("]", 200),
		strings.Repeat(`{"a":[`, 100) + strings.Repeat("]}", 100), strings.Repeat("[", 65) + strings.Repeat("]", 64),
		`{"userId":"0123456789abcdef\"0123456789é€😀\u00e9"}`, `"` + strings.Repeat("x", 33) + "\x1f\"", `'a'`, `// c`, `{"userId":"` + strings.Repeat(`\/`, 20) + `"}`,
	}
}

func TestSliceAgreesWithEncodingJSON(t *testing.T) {
	for _, s := range seeds() {
		check(t, []byte(s))
	}
}

func FuzzSlice(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	f.Fuzz(check)
}

func TestDepth(t *testing.T) {
	f := func(text string, want int) {
		t.Helper()
		var c Cursor
		c.Reset([]byte(text))
		v, ok := c.Members(names, make([]Value, len(names)))
		if !ok || v.Depth != want {
			t.Errorf("%.40s...: depth %d, %v; want %d", text, v.Depth, ok, want)
		}
	}
	f(`1`, 0)
	f(`{}`, 1)
	f(`{"a":{"b":[]},"c":[]}`, 3)
	f(strings.Repeat("[", 64)+strings.Repeat("]", 64), 64)
	f(strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000), 100_000)
	f(strings.Repeat(`{"a":[`, 1000)+strings.Repeat("]}", 1000), 2000)
}

func TestKeysAndLongest(t *testing.T) {
	for _, c := range []struct {
		text          string
		keys, longest int
	}{
		{`1`, 0, 0}, {`"abc"`, 0, 3}, {`{}`, 0, 0}, {`[[],"\u0041"]`, 0, 6},
		{`{"a":{"bcd":[{"e":1},{"e":"12345"}]},"userId":"x"}`, 5, 6},
		{`{"userId":"12345678901","a":{"b":{}}}`, 3, 11},
		{`{"a":"1234567","userId":{"b":"12"}}`, 3, 7},
	} {
		var walk, whole Cursor
		walk.Reset([]byte(c.text))
		whole.Reset([]byte("[" + c.text + "]"))
		got := make([]Value, len(names))
		v, ok := walk.Members(names, got)
		w, sound := whole.Value()
		if !ok || !sound || v.Keys != c.keys || v.Longest != c.longest || w.Keys != c.keys || w.Longest != c.longest {
			t.Errorf("%s: %d keys, longest %d; as a value %d, %d; want %d, %d", c.text, v.Keys, v.Longest, w.Keys, w.Longest, c.keys, c.longest)
		}
	}
}

// A fault inside a token marks its element and leaves the neighbours alone.
func TestTokenFaultsStayInTheirElement(t *testing.T) {
	for _, bad := range []string{
		`{"a":NaN}`, `{"a":01}`, `{"a":undefined}`, `{"a":"` + "\x00" + `"}`, `{"a":"\q"}`, `{"a":"\u12"}`, `{"\z":1}`, `{"a":+1}`, `{"a":1.}`, `TRUE`,
	} {
		data := []byte(`[{"userId":"x"},` + bad + `,{"userId":"y"}]`)
		var c Cursor
		c.Reset(data)
		c.Enter('[')
		got := make([]Value, len(names))
		for i := range 3 {
			if more, ok := c.Next(']', i == 0); !more || !ok {
				t.Fatalf("%s: no element %d: %s", data, i, c.Problem())
			}
			v, ok := c.Members(names, got)
			if !ok || v.Malformed != (i == 1) {
				t.Fatalf("%s: element %d: ok %v, %+v", data, i, ok, v)
			}
		}
		if more, ok := c.Next(']', false); more || !ok || !c.AtEnd() {
			t.Fatalf("%s: the end was not reached", data)
		}
	}
}

func TestTextOfOtherKinds(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		var c Cursor
		c.Reset([]byte(value))
		v, _ := c.Value()
		if text, _ := c.Text(v, nil); string(text) != want {
			t.Errorf("%s: text %q, want %q", value, text, want)
		}
	}
	f(`12.50`, "12.50")
	f(`-0`, "-0")
	f(`""`, "")
	f(`null`, "")
	f(`true`, "")
	f(`{"a":1}`, "")
	f(`["a"]`, "")
	f(`NaN`, "")
	f(`"\q"`, "")
}
