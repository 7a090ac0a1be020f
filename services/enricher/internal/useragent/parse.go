package useragent

import (
	"strings"

	"github.com/ua-parser/uap-go/uaparser"
)

// maxWord bounds a name or version taken out of a user agent.
const maxWord = 128

// parse reads one user agent.
func (r *rules) parse(text string) result {
	text = ascii(text)
	var t trigrams
	t.fill(text)
	agent := r.agent(text, &t)
	system := r.system(text, &t)
	found := result{
		browser:        name(agent.Family),
		browserVersion: version(agent.Major, agent.Minor, agent.Patch),
		os:             name(system.Family),
		osVersion:      version(system.Major, system.Minor, system.Patch),
		bot:            r.spider(text, &t),
	}
	if found.os == "Mac OS X" {
		found.os = "macOS"
	}
	found.device = device(text, &found)
	return found
}

// agent returns the browser or other software that the text names.
func (r *rules) agent(text string, t *trigrams) uaparser.UserAgent {
	var found uaparser.UserAgent
	for i := range r.agents {
		if r.agents[i].filter.excludes(t) {
			continue
		}
		if r.agents[i].match(text, &found); found.Family != "" {
			break
		}
	}
	return found
}

// system returns the operating system that the text names.
func (r *rules) system(text string, t *trigrams) uaparser.Os {
	var found uaparser.Os
	for i := range r.systems {
		if r.systems[i].filter.excludes(t) {
			continue
		}
		if r.systems[i].match(text, &found); found.Family != "" {
			break
		}
	}
	return found
}

// ascii replaces everything else by question marks: user agents are ASCII, and
// the filters hold only there.
func ascii(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x80 {
			return '?'
		}
		return r
	}, text)
}

func name(family string) string {
	family = strings.TrimSpace(family)
	if family == "Other" {
		return ""
	}
	return strings.Clone(family[:min(len(family), maxWord)])
}

// version joins the parts up to the first that is missing.
func version(parts ...string) string {
	n := 0
	for n < len(parts) && parts[n] != "" {
		n++
	}
	v := strings.Join(parts[:n], ".")
	return strings.Clone(v[:min(len(v), maxWord)])
}

// device returns "bot", "desktop", "mobile", "tablet", or "" where that is not
// known or none of them (a television).
func device(text string, r *result) string {
	has := func(word string) bool { return strings.Contains(text, word) }
	switch {
	case r.bot:
		return "bot"
	case has("TV"), has("CrKey"), has("Roku"), has("BRAVIA"), has("AFTT"), has("Xbox"), has("PlayStation"), has("Nintendo"):
		return ""
	case has("iPad"), has("Tablet"), has("PlayBook"), has("Kindle"), r.os == "Android" && !has("Mobile"):
		return "tablet"
	case has("Mobile"), has("iPhone"), has("iPod"), has("Windows Phone"), has("Opera Mini"), has("Phone"),
		r.os == "iOS", r.os == "Android":
		return "mobile"
	case has("Windows"), has("Macintosh"), has("X11"), has("CrOS"), has("Linux x86_64"), has("Linux i686"):
		return "desktop"
	}
	return ""
}
