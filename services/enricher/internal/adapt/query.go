package adapt

import (
	"strings"
	"unicode/utf8"

	"touchline.dev/services/enricher/internal/pipeline"
)

// clickIDs are the parameters by which ad networks recognise a click, the first
// that is present counts.
func clickIDs() [10]string {
	return [...]string{"gclid", "fbclid", "msclkid", "ttclid", "li_fat_id", "twclid", "dclid", "gbraid", "wbraid", "yclid"}
}

// maxParameters is how many parameters of a query are looked at.
const maxParameters = 256

// readQuery takes from the query of a URL ("https://a/b?x=1#c" or "?x=1") the
// campaign fields that the touchpoint does not have yet, and the click id. Of
// parameters of the same name the first counts. It reports whether there is a
// query.
func readQuery(e *pipeline.Event, url string) bool {
	t := e.Touchpoint
	_, query, found := strings.Cut(url, "?")
	if !found {
		return false
	}
	query, _, _ = strings.Cut(query, "#")
	names := clickIDs()
	best := len(names)
	for n := 0; query != "" && n < maxParameters; n++ {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		if value == "" || len(name) < len("gclid") {
			continue
		}
		var field *string
		switch name {
		case "utm_source":
			field = &t.UTMSource
		case "utm_medium":
			field = &t.UTMMedium
		case "utm_campaign":
			field = &t.UTMCampaign
		case "utm_content":
			field = &t.UTMContent
		case "utm_term":
			field = &t.UTMTerm
		default:
			for i := range best {
				if names[i] == name {
					best = i
					t.ClickIDName, t.ClickID = names[i], unescape(e, value, maxTag)
				}
			}
			continue
		}
		if *field == "" {
			*field = unescape(e, value, maxTag)
		}
	}
	return true
}

// unescape decodes percent signs and pluses of a query value, leaves what is no
// escape as it is, replaces bytes that are not UTF-8, and cuts.
func unescape(e *pipeline.Event, s string, limit int) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return cut(s, limit)
	}
	s = s[:min(len(s), 3*limit)]
	from := len(e.Scratch)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s) && hex(s[i+1]) < 16 && hex(s[i+2]) < 16:
			c = hex(s[i+1])<<4 | hex(s[i+2])
			i += 2
		}
		e.Scratch = append(e.Scratch, c)
	}
	decoded := alias(e.Scratch[from:])
	if utf8.ValidString(decoded) {
		return cut(decoded, limit)
	}
	return limited(e, decoded, limit)
}

// hex returns the value of a hex digit, 16 for anything else.
func hex(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}
