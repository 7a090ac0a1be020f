package adapt

import (
	"strings"

	"touchline.dev/services/enricher/internal/pipeline"
)

// rudderstack reads the calls of RudderStack's SDKs, which are Segment's, and its
// pixels, whose parameters are the members of a call.
type rudderstack struct{}

// Adapt reads one call.
func (rudderstack) Adapt(e *pipeline.Event) pipeline.Verdict {
	c := call{data: e.Raw.Event, endpoint: e.Raw.Endpoint}
	if kind, pixel := strings.CutPrefix(c.endpoint, "pixel_"); pixel {
		c.data, c.endpoint = queryObject(e, c.data), kind
	}
	return c.adapt(e)
}
