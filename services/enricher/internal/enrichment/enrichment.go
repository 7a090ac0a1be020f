// Package enrichment is the list of what the enricher does to an event, in order.
//
//	adapt       the SDK's event becomes a canonical touchpoint, or is rejected
//	time        when it happened: skew of the device's clock, clamping, the day
//	dedup       a retry of an event that was accepted before is a duplicate
//	user_agent  device, system, browser; crawlers are flagged
//
// Identity comes with adapt. Dedup stands before what is only worth doing for an
// event that will be stored, and after what may reject one: a rejected event does
// not make its corrected retry a duplicate.
package enrichment

import (
	"touchline.dev/schemas/ids"
	"touchline.dev/services/enricher/internal/adapt"
	"touchline.dev/services/enricher/internal/eventtime"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/enricher/internal/useragent"
)

// Version is the version of these rules, stamped on every result. It goes up
// with every change after which the same raw record may give another result.
const Version uint32 = 2

// Deps is what the steps share between partitions.
type Deps struct {
	// Secret keys the ids of persons and sessions.
	Secret ids.Secret
	Agents *useragent.Parser
}

// Steps returns the steps for one partition. dedup owns state of that partition;
// the others have none, so the list is as safe for concurrent use as dedup is.
func Steps(deps Deps, dedup pipeline.Step) []pipeline.Step {
	return []pipeline.Step{
		adapt.Step(deps.Secret, adapt.All()),
		eventtime.Step(),
		dedup,
		deps.Agents.Step(),
	}
}
