package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Event is one call of a Segment SDK.
type Event struct {
	// Type is track, identify, page or screen.
	Type        string         `json:"type"`
	MessageID   string         `json:"messageId"`
	AnonymousID string         `json:"anonymousId,omitempty"`
	UserID      string         `json:"userId,omitempty"`
	Event       string         `json:"event,omitempty"`
	Name        string         `json:"name,omitempty"`
	Properties  map[string]any `json:"properties,omitempty"`
	Traits      map[string]any `json:"traits,omitempty"`
	Context     Context        `json:"context"`
	// At is when it happened, in UTC, to the millisecond.
	At time.Time `json:"-"`
}

// Context is what an SDK says about the circumstances of an event.
type Context struct {
	Library   Library   `json:"library"`
	UserAgent string    `json:"userAgent,omitempty"`
	Locale    string    `json:"locale,omitempty"`
	Timezone  string    `json:"timezone,omitempty"`
	IP        string    `json:"ip,omitempty"`
	Channel   string    `json:"channel,omitempty"`
	Page      *Page     `json:"page,omitempty"`
	Campaign  *Campaign `json:"campaign,omitempty"`
	App       *App      `json:"app,omitempty"`
	Device    *Device   `json:"device,omitempty"`
	OS        *Library  `json:"os,omitempty"`
}

// Library is the name and version of a piece of software.
type Library struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Page is the page that a browser shows.
type Page struct {
	Path     string `json:"path"`
	Referrer string `json:"referrer"`
	Search   string `json:"search"`
	Title    string `json:"title"`
	URL      string `json:"url"`
}

// Campaign is what the address of the landing page said about it.
type Campaign struct {
	Name    string `json:"name,omitempty"`
	Source  string `json:"source,omitempty"`
	Medium  string `json:"medium,omitempty"`
	Term    string `json:"term,omitempty"`
	Content string `json:"content,omitempty"`
}

// App is the app that an event comes from.
type App struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Build   string `json:"build"`
}

// Device is the device that an app runs on.
type Device struct {
	Type         string `json:"type"`
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
}

// timeLayout is how JavaScript writes a time, and so most SDKs.
const timeLayout = "2006-01-02T15:04:05.000Z"

// JSON returns the event as the body of a single call. With a sentAt it is that
// of an SDK that notes when it sends; zero leaves that out.
func (e Event) JSON(sentAt time.Time) ([]byte, error) {
	wire := struct {
		Event
		Timestamp string `json:"timestamp"`
		SentAt    string `json:"sentAt,omitempty"`
	}{Event: e, Timestamp: e.At.UTC().Format(timeLayout)}
	if !sentAt.IsZero() {
		wire.SentAt = sentAt.UTC().Format(timeLayout)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	// SDKs do not escape the ampersands of addresses.
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(wire); err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// batchJSON returns the body of a batch of events that are JSON already.
func batchJSON(events [][]byte, sentAt time.Time) []byte {
	body := append([]byte(`{"batch":[`), bytes.Join(events, []byte{','})...)
	body = append(body, ']')
	if !sentAt.IsZero() {
		body = append(body, `,"sentAt":"`+sentAt.UTC().Format(timeLayout)+`"`...)
	}
	return append(body, '}')
}
