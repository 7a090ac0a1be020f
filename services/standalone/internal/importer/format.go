package importer

import (
	"encoding/json"
	"errors"

	"touchline.dev/services/internal/jsonscan"
)

// Format is the shape of exported events.
type Format string

// The formats.
const (
	Segment   Format = "segment"
	PostHog   Format = "posthog"
	Mixpanel  Format = "mixpanel"
	Amplitude Format = "amplitude"
)

// ErrUnknownFormat says that an input is in none of the formats, or in one of them
// that cannot be told.
var ErrUnknownFormat = errors.New("unknown format")

// Formats lists the formats for a message.
func Formats() string { return "segment, posthog, mixpanel, amplitude" }

// format is how events of a format are sent.
type format struct {
	name Format
	// path is that of the protocol's import; a request is open with the key, the
	// events, and closing. basic says that the key goes into the header.
	path    string
	open    func(key string) string
	closing string
	basic   bool
	// encode appends an event as the protocol wants it.
	encode func(dst, line []byte) []byte
}

func formats() []format {
	return []format{
		{Segment, "/segment/v1/import", func(string) string { return `{"batch":[` }, `]}`, true, asIs},
		{PostHog, "/posthog/batch", func(key string) string {
			return `{"api_key":` + quoted(key) + `,"historical_migration":true,"batch":[`
		}, `]}`, false, posthog},
		{Mixpanel, "/mixpanel/import?strict=0", func(string) string { return `[` }, `]`, true, asIs},
		{Amplitude, "/amplitude/2/import", func(key string) string { return `{"api_key":` + quoted(key) + `,"events":[` }, `]}`, false, amplitude},
	}
}

func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil { // texts always marshal
		panic(err)
	}
	return string(b)
}

func asIs(dst, line []byte) []byte { return append(dst, line...) }

// members tells what an object has.
type members struct {
	event, eventType, messageID, uuid, distinctID, timestamp, person bool
	call, amplitude, innerDistinct, innerTime                        bool
}

// detect returns the format of an event by its members, "" when none fits.
func detect(line []byte) Format {
	var has members
	for m := jsonscan.MembersOf(line); m.Next(); {
		switch string(m.Name()) {
		case "event":
			has.event = true
		case "event_type":
			has.eventType = true
		case "messageId":
			has.messageID = true
		case "anonymousId", "userId":
			has.person = true
		case "type":
			switch string(m.Value()) {
			case `"track"`, `"page"`, `"screen"`, `"identify"`, `"group"`, `"alias"`:
				has.call = true
			}
		case "uuid":
			has.uuid = true
		case "distinct_id":
			has.distinctID = true
		case "timestamp":
			has.timestamp = true
		case "$insert_id", "amplitude_id", "event_time", "device_id", "user_id":
			has.amplitude = true
		case "properties":
			inner := m.Enter()
			for m.Next() {
				switch string(m.Name()) {
				case "distinct_id":
					has.innerDistinct = true
				case "time":
					has.innerTime = m.Kind() == jsonscan.Number
				}
			}
			m.Leave(inner)
		}
	}
	switch {
	case has.eventType && has.amplitude:
		return Amplitude
	case has.call && (has.messageID || has.person):
		return Segment
	case has.event && has.innerTime && !has.timestamp:
		return Mixpanel
	case has.event && (has.distinctID || has.uuid && has.timestamp || has.innerDistinct && has.timestamp):
		return PostHog
	}
	return ""
}

// posthog appends an event whose properties may be written into a string, as in
// files of tables, and whose id may be called id.
func posthog(dst, line []byte) []byte {
	uuid := false
	var id []byte
	dst = append(dst, '{')
	for m := jsonscan.MembersOf(line); m.Next(); {
		value := m.Value()
		switch string(m.Name()) {
		case "uuid":
			uuid = true
		case "id":
			id = value
		case "properties":
			if text, _ := jsonscan.Text(value, nil); jsonscan.KindOf(value) == jsonscan.String &&
				jsonscan.KindOf(text) == jsonscan.Object && jsonscan.Valid(text) == nil {
				value = text
			}
		}
		dst = member(dst, m.RawName(), value)
	}
	if !uuid && jsonscan.KindOf(id) == jsonscan.String {
		dst = member(dst, []byte("uuid"), id)
	}
	return ended(dst)
}

// amplitude appends an event under the names that the API has for what an export
// calls otherwise: its id and its time, which is in UTC.
func amplitude(dst, line []byte) []byte {
	var insertID, at []byte
	known, timed := false, false
	dst = append(dst, '{')
	for m := jsonscan.MembersOf(line); m.Next(); {
		value := m.Value()
		switch string(m.Name()) {
		case "$insert_id":
			insertID = value
			continue
		case "insert_id":
			known = true
		case "event_time":
			at = value
		case "time":
			timed = true
		}
		dst = member(dst, m.RawName(), value)
	}
	if !known && insertID != nil {
		dst = member(dst, []byte("insert_id"), insertID)
	}
	if !timed && at != nil {
		dst = member(dst, []byte("time"), at)
	}
	return ended(dst)
}

func member(dst, rawName, value []byte) []byte {
	dst = append(append(append(dst, '"'), rawName...), '"', ':')
	return append(append(dst, value...), ',')
}

// ended ends an object whose members are each followed by a comma.
func ended(dst []byte) []byte {
	if dst[len(dst)-1] == ',' {
		dst[len(dst)-1] = '}'
		return dst
	}
	return append(dst, '}')
}
