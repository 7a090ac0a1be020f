// Package enrichment is the list of what the enricher does to an event, in order.
//
//	adapt       the SDK's event becomes a canonical touchpoint, or is rejected
//	time        when it happened: skew of the device's clock, clamping, the day
//	dedup       a retry of an event that was accepted before is a duplicate
//	user_agent  device, system, browser; crawlers are flagged
//	kind        what sort of touchpoint it is, whatever its author calls it
//	channel     where it took place: web, app, e-mail, ...
//	campaign    how the visit was won
//	commerce    which amounts are revenue
//	session     the session it belongs to: the SDK's own, else by gaps of the device's events
//	link        the user of an event of his device that names nobody
//
// Identity comes with adapt. Dedup stands before what is only worth doing for an
// event that will be stored, and after what may reject one: a rejected event does
// not make its corrected retry a duplicate. Session and link are last: nothing
// refuses an event that has moved a session or linked a device.
package enrichment

import (
	"touchline.dev/schemas/ids"
	"touchline.dev/services/enricher/internal/adapt"
	"touchline.dev/services/enricher/internal/campaign"
	"touchline.dev/services/enricher/internal/channel"
	"touchline.dev/services/enricher/internal/commerce"
	"touchline.dev/services/enricher/internal/eventtime"
	"touchline.dev/services/enricher/internal/kind"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/enricher/internal/useragent"
)

// Version is the version of these rules, stamped on every result. It goes up
// with every change after which the same raw record may give another result.
const Version uint32 = 3

// Deps is what the steps share between partitions.
type Deps struct {
	// Secret keys the ids of persons and sessions.
	Secret ids.Secret
	Agents *useragent.Parser
}

// Steps returns the steps for one partition. dedup and the last ones, session and
// link, own state of that partition; the others have none, so the list is as safe for
// concurrent use as those are.
func Steps(deps Deps, dedup pipeline.Step, last ...pipeline.Step) []pipeline.Step {
	kinds := kind.New()
	return append([]pipeline.Step{
		adapt.Step(deps.Secret, adapt.All()),
		eventtime.Step(),
		dedup,
		deps.Agents.Step(),
		kinds.Step(),
		channel.Step(),
		campaign.New().Step(),
		commerce.Step(kinds),
	}, last...)
}
