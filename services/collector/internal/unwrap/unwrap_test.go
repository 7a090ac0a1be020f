package unwrap_test

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"testing"

	"touchline.dev/services/collector/internal/unwrap"
)

func TestField(t *testing.T) {
	for _, c := range []struct {
		form, name, want string
		ok               bool
	}{
		{"data=abc&x=1", "data", "abc", true},
		{"x=1&data=abc", "data", "abc", true},
		{"data=a=b", "data", "a=b", true},
		{"data=", "data", "", true},
		{"data", "data", "", true},
		{"x&data&y", "data", "", true},
		{"data=1&data=2", "data", "1", true},
		{"metadata=1", "data", "", false},
		{"data2=1", "data", "", false},
		{"", "data", "", false},
		{"&&data=1&&", "data", "1", true},
	} {
		value, ok := unwrap.Field(c.form, c.name)
		raw, okBytes := unwrap.Field([]byte(c.form), c.name)
		if value != c.want || ok != c.ok || string(raw) != c.want || okBytes != c.ok {
			t.Errorf("Field(%q, %q) = %q, %v; want %q, %v", c.form, c.name, value, ok, c.want, c.ok)
		}
	}
}

func TestBase64(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"eyJhIjoxfQ==", `{"a":1}`}, {"eyJhIjoxfQ", `{"a":1}`}, {"eyJh\r\nIjoxfQ==\n", `{"a":1}`},
		{"+/+/", "\xfb\xff\xbf"}, {"-_-_", "\xfb\xff\xbf"}, {" / /", "\xfb\xff\xbf"}, {"", ""},
	} {
		got, err := unwrap.Base64([]byte("x"), []byte(c.text))
		if err != nil || string(got) != "x"+c.want {
			t.Errorf("Base64(%q) = %q, %v; want %q", c.text, got, err, c.want)
		}
	}
	for _, text := range []string{"a", "{}", "ab=c", "äö"} {
		if got, err := unwrap.Base64(nil, []byte(text)); err == nil {
			t.Errorf("Base64(%q) = %q", text, got)
		}
	}
}

func FuzzUnwrap(f *testing.F) {
	for _, seed := range []string{"data=eyJhIjoxfQ%3D%3D", "a+b%zz%4", "eyJh_-+/", "%F0%9F%8E%89"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		decoded := unwrap.Percent(nil, text)
		if want, err := url.QueryUnescape(string(text)); err == nil && want != string(decoded) {
			t.Errorf("Percent(%q) = %q, want %q", text, decoded, want)
		}
		if len(decoded) > len(text) || !bytes.Equal(before, text) {
			t.Errorf("Percent(%q) = %q", text, decoded)
		}
		if want, err := base64.StdEncoding.DecodeString(string(before)); err == nil && len(before) > 0 {
			got, err := unwrap.Base64(nil, text)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("Base64(%q) = %q, %v; want %q", before, got, err, want)
			}
		}
	})
}
