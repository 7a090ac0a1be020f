package demo

// The libraries whose calls the visitors make.
const (
	webLibrary, webVersion       = "analytics.js", "next-1.81.0"
	serverLibrary, serverVersion = "analytics-node", "2.3.0"
)

// place is something that the shop shows: a page of the site, a screen of the app.
type place struct{ name, path, title string }

// context is what the SDK knows about the visitor by itself.
func (v *visitor) context() Context {
	l := v.shop.languages[v.language]
	c := Context{UserAgent: v.userAgent, Locale: l.locale, Timezone: l.timezone, IP: v.ip}
	if v.phone != nil {
		c.UserAgent, c.Library = v.phone.userAgent, v.phone.library
		c.App = &App{Name: "Tea shop", Version: "2.14.0", Build: "214"}
		c.Device, c.OS = &v.phone.device, &v.phone.os
		return c
	}
	page := v.page
	c.Library, c.Page, c.Campaign = Library{webLibrary, webVersion}, &page, v.campaign
	return c
}

func (v *visitor) add(e Event) {
	e.MessageID, e.AnonymousID, e.UserID = v.messageID(), v.device, v.user
	e.Context, e.At = v.context(), v.at
	v.events = append(v.events, e)
}

// track tells an event of the browser or the app.
func (v *visitor) track(event string, properties map[string]any) {
	v.add(Event{Type: "track", Event: event, Properties: properties})
}

// land shows the first page of a visit.
func (v *visitor) land(p place) {
	v.page = Page{}
	if v.phone != nil {
		v.show(p)
		return
	}
	query := v.source.query(v.id("click/" + v.at.String()))
	v.page.Referrer = v.source.referrer
	if campaign := v.source.campaign; campaign != (Campaign{}) {
		v.campaign = &campaign
	}
	v.load(p, query)
	v.campaign = nil
}

// show shows a further page or screen.
func (v *visitor) show(p place) {
	if v.phone != nil {
		v.add(Event{Type: "screen", Name: p.name, Properties: map[string]any{"name": p.name, "title": p.title}})
		return
	}
	v.page.Referrer = v.page.URL
	v.load(p, "")
}

// load makes a page call: analytics.js repeats the page in the properties.
func (v *visitor) load(p place, query string) {
	path := "/" + v.shop.languages[v.language].tag + p.path
	v.page.Path, v.page.Search, v.page.Title, v.page.URL = path, query, p.title, site+path+query
	v.add(Event{Type: "page", Name: p.name, Properties: map[string]any{
		"name": p.name, "path": path, "referrer": v.page.Referrer, "search": query, "title": p.title, "url": v.page.URL,
	}})
}

// record tells an event that the shop's server learns of, in a channel such as
// support: there is no browser.
func (v *visitor) record(channel, event string, properties map[string]any) {
	e := Event{
		Type: "track", MessageID: v.messageID(), UserID: v.user, Event: event, Properties: properties, At: v.at,
		Context: Context{Library: Library{serverLibrary, serverVersion}, Channel: channel},
	}
	if v.user == "" {
		e.AnonymousID = v.device
	}
	v.events = append(v.events, e)
}
