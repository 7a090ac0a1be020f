package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"
)

// texts are words that software has broken before: case mappings, right-to-left
// script with joiners and marks, combining forms, characters beyond 16 bits.
func texts() []string {
	return []string{
		"Õunapuu šokolaad, žürii",
		"Árvíztűrő tükörfúrógép",
		"فروشگاه می\u200cخواهم ۱۲۳",
		"\u200fسلام\u200e (ltr) \u202bمتن\u202c",
		"Šķūņu glāžšķūņu rūķīši",
		"İstanbul ıı ẞß ǅ",
		"Cafe\u0301 and Caf\u00e9",
		"👩‍👩‍👧‍👦 🏳️‍🌈 🇪🇪 👍🏽",
		"𝒳 𠜎 \U0010ffff",
		"a\u2028b\u2029c\u0085d\ufeffe",
		`quotes " ' \ / & < > ; -- {}`,
		"tab\tline\nreturn\r end",
		"nul \u0000 inside",
	}
}

// TestUnicode sends such words as names, ids and properties, once as they are and
// once escaped, and wants the same bytes back.
func TestUnicode(t *testing.T) {
	each(t, "projects: [{id: shop, write_keys: [k]}]\n", func(t *testing.T, d deployment) {
		want := map[string]string{}
		for i, word := range texts() {
			for form, encode := range map[string]func(string) string{"plain": plain, "escaped": escaped} {
				id := fmt.Sprintf("%s-%d", form, i)
				w := encode(word)
				body := fmt.Sprintf(`{"messageId":"%s","anonymousId":%s,"userId":%s,"event":%s,"properties":{"word":%s,%s:1},"context":{"page":{"title":%s},"campaign":{"name":%s}}}`,
					id, w, w, w, w, w, w, w)
				post(t, d, "k", "/v1/track", body).want(t, 200, success)
				want[id] = word
			}
		}
		rows := rowsOf(t, d, "shop", len(want))
		person := map[string]string{}
		for _, r := range rows {
			word, ok := want[r.MessageID]
			if !ok {
				t.Errorf("nobody sent %q", r.MessageID)
				continue
			}
			for field, have := range map[string]string{
				"anonymous_id": r.AnonymousID, "user_id": r.UserID, "event": r.Event, "page_title": r.PageTitle, "utm_campaign": r.UTMCampaign,
			} {
				if have != word {
					t.Errorf("%s: %s = %+q, want %+q", r.MessageID, field, have, word)
				}
			}
			var properties map[string]any
			decode(t, []byte(r.Properties), &properties)
			if properties["word"] != word || properties[word] != float64(1) {
				t.Errorf("%s: properties = %s", r.MessageID, r.Properties)
			}
			// Both forms are the same person.
			if other, ok := person[word]; ok && other != r.PersonID {
				t.Errorf("%+q is two persons", word)
			}
			person[word] = r.PersonID
			delete(want, r.MessageID)
		}
		if len(person) != len(texts()) {
			t.Errorf("%d persons for %d words", len(person), len(texts()))
		}
	})
}

// plain is a JSON string with every character as it is that may be.
func plain(s string) string {
	out := `"`
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out += `\` + string(r)
		case r < ' ':
			out += fmt.Sprintf(`\u%04x`, r)
		default:
			out += string(r)
		}
	}
	return out + `"`
}

// escaped is a JSON string in ASCII, as encoders for old transports write it.
func escaped(s string) string {
	out := `"`
	for _, r := range s {
		if r > 0xffff {
			r -= 0x10000
			out += fmt.Sprintf(`\u%04X\u%04X`, 0xd800+r>>10, 0xdc00+r&0x3ff)
			continue
		}
		out += fmt.Sprintf(`\u%04X`, r)
	}
	return out + `"`
}

func TestUnicode_forms(t *testing.T) {
	for _, word := range texts() {
		for _, form := range []string{plain(word), escaped(word)} {
			var back string
			if err := json.Unmarshal([]byte(form), &back); err != nil || back != word {
				t.Errorf("%s reads as %+q (%v), want %+q", form, back, err, word)
			}
		}
	}
}
