package adapt

import (
	"bytes"

	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// tagObject returns the object of the fields whose names begin with text, for
// strings, and number, for numbers; with items as its last member, in the form of
// the Measurement Protocol, if there are any. Its members' names are without the
// prefix.
func tagObject(e *pipeline.Event, text, number string, items bool) []byte {
	from := beginObject(e)
	for _, fields := range [...][]byte{e.Raw.Context, e.Raw.Event} {
		for f := formOf(fields); f.next(); {
			name := decoded(e, bytesOf(f.rawName))
			rest, isText := bytes.CutPrefix(name, bytesOf(text))
			isNumber := false
			if !isText {
				rest, isNumber = bytes.CutPrefix(name, bytesOf(number))
			}
			if len(rest) == 0 || !isText && !isNumber || f.rawValue == "" {
				continue
			}
			e.Scratch = append(jsonscan.AppendString(e.Scratch, rest), ':')
			value := decoded(e, bytesOf(f.rawValue))
			if isNumber {
				e.Scratch = appendNumber(e.Scratch, alias(value))
			} else {
				e.Scratch = jsonscan.AppendString(e.Scratch, value)
			}
			e.Scratch = append(e.Scratch, ',')
		}
	}
	if items {
		e.Scratch = append(e.Scratch, `"items":[`...)
		for _, fields := range [...][]byte{e.Raw.Context, e.Raw.Event} {
			for f := formOf(fields); f.next(); {
				if isItem(f.rawName) && f.rawValue != "" {
					appendItem(e, decoded(e, bytesOf(f.rawValue)))
				}
			}
		}
		e.Scratch = append(bytes.TrimSuffix(e.Scratch, []byte{','}), ']', ',')
	}
	return endObject(e, from)
}

// appendItem appends an item, idp1~nmShirt~pr64.95~qt2, as an object with a comma.
// Parameters of one's own come as pairs: k0size~v0L.
func appendItem(e *pipeline.Event, item []byte) {
	from := len(e.Scratch)
	e.Scratch = append(e.Scratch, '{')
	var own []byte
	for len(item) > 0 {
		var part []byte
		part, item, _ = bytes.Cut(item, []byte{'~'})
		if len(part) < 2 {
			continue
		}
		name, number := itemMember(alias(part[:2]))
		key, value := bytesOf(name), part[2:]
		if digit := part[1]-'0' <= 9; digit && part[0] == 'k' {
			own = value
			continue
		} else if digit && part[0] == 'v' && len(own) > 0 {
			key, own = own, nil
		}
		e.Scratch = append(jsonscan.AppendString(e.Scratch, key), ':')
		if number {
			e.Scratch = appendNumber(e.Scratch, alias(value))
		} else {
			e.Scratch = jsonscan.AppendString(e.Scratch, value)
		}
		e.Scratch = append(e.Scratch, ',')
	}
	closeObject(e, from)
	e.Scratch = append(e.Scratch, ',')
}

// itemMember returns what the Measurement Protocol calls a member of an item, and
// whether it is a number. A short name that is not known stays as it is.
func itemMember(short string) (name string, number bool) {
	switch short {
	case "id":
		return "item_id", false
	case "nm":
		return "item_name", false
	case "br":
		return "item_brand", false
	case "ca":
		return "item_category", false
	case "c2":
		return "item_category2", false
	case "c3":
		return "item_category3", false
	case "c4":
		return "item_category4", false
	case "c5":
		return "item_category5", false
	case "va":
		return "item_variant", false
	case "pr":
		return "price", true
	case "qt":
		return "quantity", true
	case "ds":
		return "discount", true
	case "lp":
		return "index", true
	case "cp":
		return "coupon", false
	case "af":
		return "affiliation", false
	case "ln":
		return "item_list_name", false
	case "li":
		return "item_list_id", false
	case "lo":
		return "location_id", false
	case "pi":
		return "promotion_id", false
	case "pn":
		return "promotion_name", false
	case "cn":
		return "creative_name", false
	case "cs":
		return "creative_slot", false
	}
	return short, false
}
