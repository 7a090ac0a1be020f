package fragment

import (
	"strings"

	"touchline.dev/schemas/event"
	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/internal/jsonscan"
)

// Traits that every fragment keeps. GeoCountry is where the person was seen, for
// want of a country that was told.
const (
	Email      = "email"
	Name       = "name"
	Company    = "company"
	Role       = "role"
	Country    = "country"
	GeoCountry = "geo_country"
)

// traits notes what the event says about the person. A trait set to null or to
// nothing is unset from then on.
func (f *Folder) traits(into *pb.Fragment, t *event.Touchpoint) {
	if t.Country != "" {
		setTrait(into, GeoCountry, text(t.Country, maxValue), t.EventTime)
	}
	if jsonscan.KindOf(t.Traits) != jsonscan.Object {
		return
	}
	told := f.personTraits
	if t.Type == "group" {
		told = f.groupTraits
	}
	for name, value := range told(t.Traits) {
		setTrait(into, name, value, t.EventTime)
	}
}

// personTraits returns what traits say: what stands under its own name before
// what stands under a similar one.
func (f *Folder) personTraits(traits []byte) map[string]string {
	told, implied := map[string]string{}, map[string]string{}
	var firstName, lastName string
	m := jsonscan.MembersOf(traits)
	for m.Next() {
		name, value := string(m.Name()), m.Value()
		switch name {
		case Email, Name, Role:
			told[name] = scalar(value)
		case Company:
			told[Company] = scalar(value)
			if jsonscan.KindOf(value) == jsonscan.Object {
				told[Company] = scalar(member(value, "name"))
			}
		case Country:
			noteCountry(told, value)
		case "address":
			if jsonscan.KindOf(value) == jsonscan.Object {
				noteCountry(implied, member(value, "country"))
			}
		case "title", "jobTitle", "job_title", "position":
			implied[Role] = scalar(value)
		case "firstName", "first_name":
			firstName = scalar(value)
		case "lastName", "last_name":
			lastName = scalar(value)
		}
		if _, known := told[name]; !known && f.watch.Traits[name] {
			told[name] = scalar(value)
		}
	}
	if full := strings.TrimSpace(firstName + " " + lastName); full != "" {
		implied[Name] = text(full, maxValue)
	}
	for name, value := range implied {
		if _, known := told[name]; !known {
			told[name] = value
		}
	}
	return told
}

// groupTraits returns what the traits of a group say about its members.
func (f *Folder) groupTraits(traits []byte) map[string]string {
	told := map[string]string{}
	m := jsonscan.MembersOf(traits)
	for m.Next() {
		switch name := string(m.Name()); {
		case name == Name:
			told[Company] = scalar(m.Value())
		case f.watch.Traits[name]:
			told[name] = scalar(m.Value())
		}
	}
	return told
}

// noteCountry takes a country's code and passes over its name: names of countries
// have too many spellings to group by.
func noteCountry(into map[string]string, value []byte) {
	code := countryCode(scalar(value))
	if code != "" || jsonscan.KindOf(value) == jsonscan.Null {
		into[Country] = code
	}
}

// countryCode returns an ISO 3166 code of two letters in upper case, or "" for
// anything else.
func countryCode(s string) string {
	if len(s) != 2 {
		return ""
	}
	s = strings.ToUpper(s)
	if s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z' {
		return ""
	}
	return s
}

// member returns the value of an object's member, nil when there is none.
func member(object []byte, name string) (value []byte) {
	m := jsonscan.MembersOf(object)
	for m.Next() {
		if string(m.Name()) == name {
			value = m.Value()
		}
	}
	return value
}

// scalar returns what a string, number or boolean says, bounded.
func scalar(value []byte) string {
	switch jsonscan.KindOf(value) {
	case jsonscan.String:
		said, _ := jsonscan.Text(value, nil)
		return text(strings.TrimSpace(string(said)), maxValue)
	case jsonscan.Number, jsonscan.Bool:
		return text(string(value), maxValue)
	}
	return ""
}

func setTrait(into *pb.Fragment, name, value string, at int64) {
	known := into.Traits[name]
	if known != nil && (known.AtMs > at || known.AtMs == at && known.Value >= value) {
		return
	}
	if into.Traits == nil {
		into.Traits = make(map[string]*pb.Trait)
	}
	into.Traits[name] = &pb.Trait{Value: value, AtMs: at}
}
