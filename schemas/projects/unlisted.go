package projects

import "time"

// Unlisted returns a project with every default, for the events of one that has
// left the projects file while they were on the way: they were accepted, so they
// are kept.
func Unlisted(id string) *Project {
	return &Project{
		ID: id, TimeZone: "UTC", zone: time.UTC,
		Limits: Limits{MaxEventBytes: DefaultMaxEventBytes, MaxEventsPerRequest: DefaultMaxEventsPerRequest, MaxAge: DefaultMaxAge},
	}
}
