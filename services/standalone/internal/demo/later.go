package demo

import "time"

// takePhone continues on a phone with the app: another device, whose anonymous id
// is another one.
func (v *visitor) takePhone() {
	p := pick(v, phones(), func(p phone) float64 { return p.weight })
	v.phone, v.device = &p, v.uuid("phone")
}

// writeTo makes what the shop hears from a customer in other channels, on the
// days after an order.
func (v *visitor) writeTo(day time.Time) {
	if v.bought.IsZero() {
		return
	}
	l := v.shop.languages[v.language]
	switch days := int(day.Sub(v.bought.Truncate(24*time.Hour)) / (24 * time.Hour)); {
	case days == 2 && v.chance(0.12):
		v.at = v.moment(day)
		text, topic := l.question, "delivery"
		if v.chance(0.4) {
			text, topic = l.complaint, "damage"
		}
		v.record("support", "Support Ticket Opened", map[string]any{"ticket_id": v.uuid("ticket/" + day.String()), "topic": topic, "text": text})
	case days == 4 && v.chance(0.35):
		v.at = v.moment(day)
		score := 10 - v.index(11, func(i int) float64 { return 1 / float64(1+i) })
		comment := l.praise
		if score < 7 {
			comment = l.complaint
		}
		v.record("survey", "NPS Survey Answered", map[string]any{"survey_id": "nps-after-order", "score": score, "comment": comment})
	case days == 7 && v.user != "" && v.phone == nil && v.chance(0.2):
		v.takePhone()
	}
}

// remind is the letter about a forgotten cart, and the visit that follows a click
// in it.
func (v *visitor) remind() {
	v.record("email", "Email Link Clicked", map[string]any{"campaign": "forgotten-cart", "link_url": site + "/" + v.shop.languages[v.language].tag + "/cart"})
	v.wait(2 * time.Second)
	v.source = reminder()
	v.land(place{"Cart", "/cart", v.shop.languages[v.language].cart})
	if v.chance(0.6) {
		v.checkOut()
	}
	v.abandoned = false
	v.cart = nil
}

// crawl is a search engine's robot: every page in turn, seconds apart, without a
// referrer.
func (v *visitor) crawl() {
	v.userAgent, v.phone = crawler, nil
	v.land(place{"Home", "/", v.shop.languages[v.language].home})
	for i := range 3 + v.rng.IntN(len(v.shop.products)-2) {
		v.at = v.at.Add(time.Second + time.Duration(v.rng.IntN(2000))*time.Millisecond)
		p := v.shop.products[i%len(v.shop.products)]
		v.show(place{"Product", "/products/" + p.category + "/" + p.slug, p.names[v.language]})
	}
}
