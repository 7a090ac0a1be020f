package clickhouse

import "testing"

func TestSplitURL(t *testing.T) {
	for _, c := range []struct{ url, origin, path, query string }{
		{"", "", "", ""},
		{"https://shop.example/pricing?a=b#c", "https://shop.example", "/pricing", "?a=b#c"},
		{"https://shop.example", "https://shop.example", "", ""},
		{"HTTPS://u:p@Shop.Example:8443/", "HTTPS://u:p@Shop.Example:8443", "/", ""},
		{"https://shop.example?x=1", "https://shop.example", "", "?x=1"},
		{"https://shop.example/#/route?x", "https://shop.example", "/", "#/route?x"},
		{"app://home/tab", "app://home", "/tab", ""},
		{"about:blank", "", "about:blank", ""},
		{"/pricing?back=https://a.b/c", "", "/pricing", "?back=https://a.b/c"},
		{"/go/https://a.b/c", "", "/go/https://a.b/c", ""},
		{"//cdn.example/x", "", "//cdn.example/x", ""},
		{"://x", "", "://x", ""},
		{"?", "", "", "?"},
		{"https://a.b/c#d?e", "https://a.b", "/c", "#d?e"},
		{"https://a.b/c?d#e?f#g", "https://a.b", "/c", "?d#e?f#g"},
		{"file:///home/x", "file://", "/home/x", ""},
	} {
		origin, path, query := SplitURL(c.url)
		if origin != c.origin || path != c.path || query != c.query {
			t.Errorf("SplitURL(%q) = %q, %q, %q; want %q, %q, %q", c.url, origin, path, query, c.origin, c.path, c.query)
		}
	}
}

func FuzzSplitURL(f *testing.F) {
	f.Add("https://shop.example/pricing?a=b#c")
	f.Add("a://b://c?://")
	f.Fuzz(func(t *testing.T, url string) {
		origin, path, query := SplitURL(url)
		if origin+path+query != url {
			t.Errorf("%q does not add up: %q %q %q", url, origin, path, query)
		}
		if origin, rest := SplitReferrer(url); origin+rest != url {
			t.Errorf("%q does not add up: %q %q", url, origin, rest)
		}
	})
}

func BenchmarkSplitURL(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		SplitURL("https://shop.example.com/pricing?utm_source=google&utm_medium=cpc&utm_campaign=spring")
		SplitReferrer("https://www.google.com/")
	}
}
