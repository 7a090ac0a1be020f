package campaign

import "strings"

// Channels returns the closed list of acquisition channels. All but AI Assistants
// are called as in Google Analytics 4.
func Channels() []string {
	return []string{
		"Cross-network", "Paid Shopping", "Paid Search", "Paid Social", "Paid Video", "Display", "Paid Other",
		"Organic Shopping", "Organic Social", "Organic Video", "AI Assistants", "Organic Search",
		"Email", "Affiliates", "Audio", "SMS", "Mobile Push", "Referral", "Direct",
	}
}

// request is what the rules look at, in lower case.
type request struct {
	// source is where the visitor came from, as the campaign, the referrer or the
	// click id says; tagged is the source that the page's address names.
	source, tagged   string
	medium, campaign string
	clickID          string
	// known is the source in the table, nil when it is not there; advertising says
	// that it stands there as a name for advertising ("adwords").
	known       *source
	advertising bool
}

// channel is the rules: the first that holds counts.
func (r *request) channel() string {
	category := none
	if r.known != nil {
		category = r.known.category
	}
	paid := isPaid(r.medium)
	bought := paid || r.advertising
	shopping := category == shopping || isShopping(r.campaign)
	switch {
	case strings.Contains(r.campaign, "cross-network"):
		return "Cross-network"
	case shopping && paid:
		return "Paid Shopping"
	case category == search && bought, r.clicked():
		return "Paid Search"
	case category == social && bought:
		return "Paid Social"
	case category == video && bought:
		return "Paid Video"
	}
	switch r.medium {
	case "display", "banner", "expandable", "interstitial", "cpm":
		return "Display"
	}
	if paid {
		return "Paid Other"
	}
	if shopping {
		return "Organic Shopping"
	}
	switch r.medium {
	case "social", "social-network", "social-media", "sm", "social network", "social media":
		return "Organic Social"
	}
	switch {
	case category == social:
		return "Organic Social"
	case category == video, strings.Contains(r.medium, "video"):
		return "Organic Video"
	case category == assistant:
		return "AI Assistants"
	case category == search:
		return "Organic Search"
	case category == mail, isMail(r.tagged), isMail(r.medium):
		return "Email"
	}
	switch {
	case r.medium == "affiliate", r.medium == "affiliates":
		return "Affiliates"
	case r.medium == "audio":
		return "Audio"
	case r.source == "sms", r.medium == "sms":
		return "SMS"
	case strings.HasSuffix(r.medium, "push"), strings.Contains(r.medium, "mobile"), strings.Contains(r.medium, "notification"),
		r.source == "firebase":
		return "Mobile Push"
	case r.medium == "referral", r.medium == "app", r.medium == "link", r.source != "":
		return "Referral"
	}
	return "Direct"
}

// clicked reports whether the click was on a search engine's advertisement: only
// those carry these ids. gbraid and wbraid are gclid where a device forbids it.
func (r *request) clicked() bool {
	if r.known == nil {
		return false
	}
	switch r.clickID {
	case "gclid", "gbraid", "wbraid":
		return r.known.name == "Google"
	case "msclkid":
		return r.known.name == "Bing"
	}
	return false
}

// isPaid reports whether a medium is paid for: ^(.*cp.*|ppc|retargeting|paid.*)$.
// So cpc, cpm and cpa are, and podcast is not.
func isPaid(medium string) bool {
	return medium == "ppc" || medium == "retargeting" || strings.HasPrefix(medium, "paid") || strings.Contains(medium, "cp")
}

// isShopping reports whether a campaign is about shopping:
// ^(.*(([^a-df-z]|^)shop|shopping).*)$. Before "shop" stands the start, the letter
// e or no letter: shop, eshop, big_shop; neither workshop nor discoshop.
func isShopping(campaign string) bool {
	for rest := campaign; ; {
		i := strings.Index(rest, "shop")
		if i < 0 {
			return false
		}
		at := len(campaign) - len(rest) + i
		if rest = rest[i+len("shop"):]; strings.HasPrefix(rest, "ping") || at == 0 {
			return true
		}
		if before := campaign[at-1]; before == 'e' || before-'a' >= 26 {
			return true
		}
	}
}

// isMail reports whether a source or medium says that it is e-mail.
func isMail(s string) bool {
	return strings.Contains(s, "newsletter") || strings.Contains(s, "mail") &&
		(strings.Contains(s, "email") || strings.Contains(s, "e-mail") || strings.Contains(s, "e_mail") || strings.Contains(s, "e mail"))
}
