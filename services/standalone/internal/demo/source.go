package demo

import (
	"encoding/hex"
	"net/url"
)

// source is how a visitor finds the shop.
type source struct {
	referrer string
	// campaign is in the address of the landing page when it is not empty.
	campaign Campaign
	// clickID is the parameter that the advertising network adds, if any.
	clickID string
	// interest multiplies the chance that the visitor goes on.
	interest float64
	weight   float64
}

func sources() []source {
	return []source{
		{referrer: "https://www.google.com/", interest: 1, weight: 27},
		{referrer: "https://www.google.com/", campaign: Campaign{Source: "google", Medium: "cpc", Name: "herbal-teas", Term: "buy tea", Content: "ad-a"}, clickID: "gclid", interest: 1.1, weight: 12},
		{referrer: "https://www.google.com/", campaign: Campaign{Source: "google", Medium: "cpc", Name: "brand", Term: "tea example"}, clickID: "gclid", interest: 1.3, weight: 5},
		{interest: 1.05, weight: 17},
		{referrer: "https://l.facebook.com/", clickID: "fbclid", interest: 0.7, weight: 8},
		{referrer: "https://m.facebook.com/", campaign: Campaign{Source: "facebook", Medium: "paid_social", Name: "sügis 🍂", Content: "video"}, clickID: "fbclid", interest: 0.75, weight: 8},
		{campaign: Campaign{Source: "newsletter", Medium: "email", Name: "new-harvest"}, interest: 1.4, weight: 7},
		{referrer: "https://teeblogi.example/parimad-teed/", interest: 1.15, weight: 5},
		{referrer: "https://forum.example/t/kedvenc-te%C3%A1k", interest: 0.9, weight: 3},
		{referrer: "https://chatgpt.com/", campaign: Campaign{Source: "chatgpt.com"}, interest: 1.25, weight: 4},
		{referrer: "https://www.bing.com/", interest: 1, weight: 3},
		{referrer: "https://www.bing.com/", campaign: Campaign{Source: "bing", Medium: "cpc", Name: "teapots"}, clickID: "msclkid", interest: 1, weight: 1},
	}
}

// The sources of visitors who have been here before.
func bookmark() source { return source{interest: 1.1} }
func search() source   { return source{referrer: "https://www.google.com/", interest: 1} }
func newsletter() source {
	return source{campaign: Campaign{Source: "newsletter", Medium: "email", Name: "weekly", Content: "button"}, interest: 1.3}
}
func reminder() source {
	return source{campaign: Campaign{Source: "newsletter", Medium: "email", Name: "forgotten-cart"}, interest: 1.6}
}

// query returns what stands behind the path of the landing page, with the "?",
// or nothing. click makes the click id unique.
func (s source) query(click [16]byte) string {
	values := url.Values{}
	for name, value := range map[string]string{
		"utm_source": s.campaign.Source, "utm_medium": s.campaign.Medium, "utm_campaign": s.campaign.Name,
		"utm_term": s.campaign.Term, "utm_content": s.campaign.Content,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if s.clickID != "" {
		values.Set(s.clickID, "Cj0"+hex.EncodeToString(click[:]))
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode() // in the order of the names
}
