// Package profile makes a person's profile of its fragments.
//
// It is pure: the profile is a function of the set of fragments, the time asked
// about and the rules. Without I/O, safe for concurrent use.
package profile

import (
	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/scorer/internal/fragment"
	"touchline.dev/services/scorer/internal/rules"
)

// Maker makes profiles under one set of rules.
type Maker struct {
	rules  *rules.Rules
	folder *fragment.Folder
}

// New returns a maker. folder must watch what the rules ask for.
func New(r *rules.Rules, folder *fragment.Folder) *Maker { return &Maker{rules: r, folder: folder} }

// Make returns the profile of the person that the fragments, one or more, are
// of, at asOf milliseconds since 1970; its version is left open. The fragments
// are used up.
func (m *Maker) Make(fragments []*pb.Fragment, asOf int64) *pb.Profile {
	all := fragments[0]
	for _, f := range fragments[1:] {
		m.folder.Merge(all, f)
	}
	stage, since := m.rules.Stage(all, asOf)
	trait := func(name string) string { return all.Traits[name].GetValue() }
	country := trait(fragment.Country)
	if country == "" {
		country = trait(fragment.GeoCountry)
	}
	return &pb.Profile{
		Project: all.Project, PersonId: all.PersonId, AsOfMs: asOf,
		UserId: all.UserId, Email: trait(fragment.Email), Name: trait(fragment.Name),
		Company: trait(fragment.Company), Role: trait(fragment.Role), Country: country,
		Stage: stage, StageSinceMs: since,
		FirstChannel: all.FirstChannel, FirstCampaign: all.FirstCampaign,
		FirstSeenMs: all.FirstSeenMs, LastSeenMs: all.LastSeenMs,
		Events: all.Events, Orders: all.Orders, RevenueE4: all.RevenueE4, Currency: all.Currency,
		Scores: []*pb.Score{m.rules.Score(all, asOf)},
	}
}
