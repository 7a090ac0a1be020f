package adapt

import (
	"strings"
	"unicode/utf8"

	"touchline.dev/services/enricher/internal/pipeline"
)

// clickIDRank tells the parameters by which ad networks recognise a click; of
// several the one with the lowest rank counts. Other names have noClickID.
func clickIDRank(name string) int {
	switch name {
	case "gclid":
		return 0
	case "fbclid":
		return 1
	case "msclkid":
		return 2
	case "ttclid":
		return 3
	case "li_fat_id":
		return 4
	case "twclid":
		return 5
	case "dclid":
		return 6
	case "gbraid":
		return 7
	case "wbraid":
		return 8
	case "yclid":
		return 9
	}
	return noClickID
}

const noClickID = 10

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
	best := noClickID
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
			if rank := clickIDRank(name); rank < best {
				best = rank
				t.ClickIDName, t.ClickID = name, unescape(e, value, maxTag)
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
	e.Scratch = appendUnescaped(e.Scratch, s)
	decoded := alias(e.Scratch[from:])
	if utf8.ValidString(decoded) {
		return cut(decoded, limit)
	}
	return limited(e, decoded, limit)
}

// appendUnescaped appends a piece of a query with its percent signs and pluses
// decoded; what is no escape stays as it is.
func appendUnescaped(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s) && hex(s[i+1]) < 16 && hex(s[i+2]) < 16:
			c = hex(s[i+1])<<4 | hex(s[i+2])
			i += 2
		}
		dst = append(dst, c)
	}
	return dst
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
