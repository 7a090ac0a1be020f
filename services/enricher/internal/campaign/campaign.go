// Package campaign says how a visit was won: the acquisition channel, by the
// campaign parameters of the page, by the site that referred to it, or by neither.
//
// It reads URL, Referrer, the UTM fields, ClickIDName, Kind and the domains of the
// project, and writes AcquisitionChannel: on events that begin a visit or carry the
// data of a campaign, and nowhere else. That is
//
//   - an event with a campaign: a UTM source, medium or name, or a click id;
//   - an event whose page was referred to by another site, or by ?source= or ?ref=;
//   - a page view that nobody referred to: Direct.
//
// An event whose page was referred to by the site itself goes on with a visit, and
// one without a page (of a server, mostly) says nothing about a visit: both have
// none. So the channel of a visit is that of its first event that has one. Sites
// that tell browsers to send no referrer at all have Direct on all their pages;
// after another channel in the same visit it says nothing.
//
// The step refuses nothing, does no I/O and allocates nothing.
package campaign

import (
	"strings"

	"touchline.dev/services/enricher/internal/pipeline"
)

// Table knows the sites that bring visitors. It never changes, and may be used
// from any number of goroutines.
type Table struct {
	hosts       map[string]*source // by host name, without www.
	domains     map[string]*source // by the label before a public suffix
	aliases     map[string]*source // by what campaigns call them
	advertising map[string]*source // by what campaigns call their advertising
	clicks      map[string]*source // by the parameter of their click ids
}

// Visit is what is known of how a visitor came.
type Visit struct {
	// Source, Medium and Campaign are the UTM parameters as they were written.
	Source, Medium, Campaign string
	// ClickID is the name of the click id's parameter.
	ClickID string
	// Referrer is the URL of the page before.
	Referrer string
	// URL is the page itself.
	URL string
	// Domains are the host names of the site's own besides that of the page.
	Domains []string
}

// Step returns the step "campaign".
func (t *Table) Step() pipeline.Step {
	return pipeline.Step{Name: "campaign", Run: func(e *pipeline.Event) pipeline.Verdict {
		p := e.Touchpoint
		if p.URL == "" && p.Referrer == "" && p.UTMSource == "" && p.UTMMedium == "" && p.UTMCampaign == "" && p.ClickIDName == "" {
			return pipeline.Verdict{} // no page and no campaign
		}
		v := Visit{p.UTMSource, p.UTMMedium, p.UTMCampaign, p.ClickIDName, p.Referrer, p.URL, e.Project.Domains}
		p.AcquisitionChannel, e.Scratch = t.Channel(&v, p.Kind == "page_view", e.Scratch)
		return pipeline.Verdict{}
	}}
}

// Channel returns how the visit was won: one of Channels, or "" where v neither
// begins one nor has a campaign. entry says whether to take a page that nobody
// referred to for the beginning of a visit. It works in the room behind scratch,
// and returns it grown.
func (t *Table) Channel(v *Visit, entry bool, scratch []byte) (string, []byte) {
	var r request
	r.tagged, scratch = lower(v.Source, scratch)
	r.medium, scratch = lower(v.Medium, scratch)
	r.campaign, scratch = lower(v.Campaign, scratch)
	r.clickID = v.ClickID
	var referrer string
	var from *source
	if r.tagged == "" { // else it does not matter who referred
		var own bool
		referrer, from, own, scratch = t.referrer(v, scratch)
		if !own {
			r.tagged, scratch = parameter(v.URL, scratch)
		}
		tagged := r.tagged != "" || r.medium != "" || r.campaign != "" || r.clickID != ""
		if !tagged && (own || referrer == "" && !entry) {
			return "", scratch
		}
	}
	switch r.source = r.tagged; {
	case r.source != "":
		r.known, r.advertising = t.named(r.source)
	case referrer != "":
		r.source, r.known = referrer, from
	default:
		if r.known = t.clicks[r.clickID]; r.known != nil {
			r.source = r.known.name
		}
	}
	return r.channel(), scratch
}

// referrer returns the host of the page before and what is known of it; where that
// is the site itself, own and no host.
func (t *Table) referrer(v *Visit, scratch []byte) (referrer string, known *source, own bool, grown []byte) {
	referrer, scratch = hostOf(v.Referrer, scratch)
	if referrer == "" {
		return "", nil, false, scratch
	}
	host, scratch := hostOf(v.URL, scratch)
	if referrer == host {
		return "", nil, true, scratch
	}
	if known = t.host(referrer); isOwn(referrer, host, v.Domains, known) {
		return "", nil, true, scratch
	}
	return referrer, known, false, scratch
}

// maxParameters is how many parameters of a query are looked at, maxTag how long
// what they say may be.
const (
	maxParameters = 64
	maxTag        = 256
)

// parameter returns what the query of a URL says of its source besides UTM: the
// first of source and ref, in lower case and without escapes.
func parameter(url string, scratch []byte) (string, []byte) {
	_, query, found := strings.Cut(url, "?")
	if !found {
		return "", scratch
	}
	query, _, _ = strings.Cut(query, "#")
	best := ""
	for n := 0; query != "" && n < maxParameters; n++ {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if value, ok := strings.CutPrefix(pair, "source="); ok && value != "" {
			best = value
			break
		}
		if value, ok := strings.CutPrefix(pair, "ref="); ok && best == "" {
			best = value
		}
	}
	return lower(unescaped(best, &scratch), scratch)
}

// unescaped decodes percent signs and pluses; what is no escape stays as it is.
func unescaped(s string, scratch *[]byte) string {
	s = s[:min(len(s), maxTag)]
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	from := len(*scratch)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s) && hex(s[i+1]) < 16 && hex(s[i+2]) < 16:
			c = hex(s[i+1])<<4 | hex(s[i+2])
			i += 2
		}
		*scratch = append(*scratch, c)
	}
	return alias((*scratch)[from:])
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
