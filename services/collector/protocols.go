package collector

import (
	"time"

	"touchline.dev/services/collector/internal/amplitude"
	"touchline.dev/services/collector/internal/cloudevents"
	"touchline.dev/services/collector/internal/ga4"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/jitsu"
	"touchline.dev/services/collector/internal/matomo"
	"touchline.dev/services/collector/internal/mixpanel"
	"touchline.dev/services/collector/internal/plausible"
	"touchline.dev/services/collector/internal/posthog"
	"touchline.dev/services/collector/internal/rudderstack"
	"touchline.dev/services/collector/internal/segment"
	"touchline.dev/services/collector/internal/snowplow"
	"touchline.dev/services/collector/internal/touchline"
	"touchline.dev/services/collector/internal/umami"
	"touchline.dev/services/collector/internal/webhook"
)

// protocols returns what the collector speaks, in the order in which protocols are
// asked whether a request to a path that several of them have is theirs.
func protocols(lookup intake.Lookup, now func() time.Time) []intake.Protocol {
	return []intake.Protocol{
		segment.New(lookup),
		rudderstack.New(lookup),
		posthog.New(lookup),
		jitsu.New(),
		amplitude.New(now),
		mixpanel.New(lookup),
		cloudevents.New(),
		touchline.New(),
		webhook.New(),
		matomo.NewBulk(),
		matomo.New(),
		plausible.New(),
		umami.New(),
		umami.NewBatch(),
		snowplow.New(),
		ga4.NewMeasurement(),
		ga4.NewTag(),
	}
}
