package event_test

import "touchline.dev/schemas/event"

// sampleRaw is an event as a browser sends it.
func sampleRaw() *event.Raw {
	return &event.Raw{
		Project: "shop", Protocol: "segment", Endpoint: "batch", Source: "web", ReceivedAt: 1_767_225_600_123,
		SentAt: "2026-01-01T00:00:00.100Z", ClientIP: "198.51.100.7",
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
		Headers:   []event.Header{{Name: "accept-language", Value: "de-DE,de;q=0.9"}, {Name: "sec-ch-ua-platform", Value: `"Linux"`}},
		Context:   []byte(`{"library":{"name":"analytics.js","version":"next-1.70.0"}}`),
		Index:     3,
		Event: []byte(`{"type":"track","event":"Product Added","messageId":"ajs-next-1767225600100-5f3c","anonymousId":"0b6f9b0e-5a4c-4b7e-9a54-6a2c1a1e2f3d",` +
			`"timestamp":"2026-01-01T00:00:00.090Z","properties":{"sku":"G-32","price":14.99,"currency":"EUR","quantity":1},` +
			`"context":{"page":{"path":"/p/g-32","url":"https://shop.example/p/g-32","title":"Mug","referrer":"https://www.google.com/"},"locale":"de-DE"}}`),
	}
}

// sampleStored is what becomes of it.
func sampleStored() *event.Enriched {
	raw := sampleRaw()
	return &event.Enriched{
		Outcome: event.Stored, Project: raw.Project, ReceivedAt: raw.ReceivedAt, EnrichmentVersion: 1,
		Touchpoint: event.Touchpoint{
			EventID: [16]byte([]byte("0123456789abcdef")), MessageID: "ajs-next-1767225600100-5f3c", ReceiptID: [16]byte([]byte("fedcba9876543210")),
			Type: "track", Event: "Product Added", Kind: "cart_add", Channel: "web", Source: "web", Protocol: "segment",
			AnonymousID: "0b6f9b0e-5a4c-4b7e-9a54-6a2c1a1e2f3d", PersonID: 0x0123456789abcdef, SessionID: 0xfedcba9876543210,
			EventTime: 1_767_225_600_113, Day: 20454, OriginalTimestamp: 1_767_225_600_090, HasOriginalTimestamp: true,
			SentAt: 1_767_225_600_100, HasSentAt: true, TimeSource: event.TimeCorrected,
			URL: "https://shop.example/p/g-32", PageTitle: "Mug", Referrer: "https://www.google.com/", AcquisitionChannel: "organic_search",
			DeviceType: "desktop", OS: "Linux", Browser: "Chrome", BrowserVersion: "131", Locale: "de-DE", IP: "198.51.100.0", UserAgent: raw.UserAgent,
			Library: "analytics.js", LibraryVersion: "next-1.70.0", Country: "DE", Region: "BE", City: "Berlin",
			RevenueE4: 149_900, Currency: "EUR",
			Properties:   []byte(`{"sku":"G-32","price":14.99,"currency":"EUR","quantity":1}`),
			Context:      []byte(`{"page":{"path":"/p/g-32","url":"https://shop.example/p/g-32","title":"Mug","referrer":"https://www.google.com/"},"locale":"de-DE"}`),
			SchemaStatus: "none",
		},
	}
}

// sampleRejected is what becomes of one without an identity.
func sampleRejected() *event.Enriched {
	raw := sampleRaw()
	raw.Event = []byte(`{"type":"track","event":"Product Added"}`)
	return &event.Enriched{
		Outcome: event.Rejected, Reason: event.MissingIdentity, Project: raw.Project, ReceivedAt: raw.ReceivedAt, EnrichmentVersion: 1,
		Rejection: event.Rejection{Stage: "adapt", Message: "neither anonymousId nor userId", Field: "anonymousId", Raw: *raw, ReceiptID: [16]byte([]byte("fedcba9876543210"))},
	}
}
