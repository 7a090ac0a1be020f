package adapt

import (
	"strconv"

	"touchline.dev/schemas/ids"
	"touchline.dev/services/enricher/internal/pipeline"
)

// visitor names the visitor of an event that names nobody, for the protocols that
// give their visitors no ids (e.Site): the same for events of one site, address
// and user agent on one day of the project, by the time of receipt. It is no id of
// a device: after midnight, with another address or another browser the same
// person is another visitor, and who shares all three is the same one.
//
// Where the address is not kept every event is a visitor of its own: an id that
// unrelated people share would make them one person.
func visitor(e *pipeline.Event, secret ids.Secret) string {
	t := e.Touchpoint
	from := len(e.Scratch)
	e.Scratch = strconv.AppendInt(e.Scratch, int64(e.Project.Day(e.Raw.ReceivedAt)), 10)
	e.Scratch = append(e.Scratch, ' ')
	if t.IP == "" {
		e.Scratch = append(e.Scratch, e.Receipt[:]...)
	} else {
		e.Scratch = append(append(append(e.Scratch, t.IP...), ' '), t.UserAgent...)
	}
	id := secret.Visitor(e.Raw.Project, e.Site, alias(e.Scratch[from:]))
	e.Scratch = append(e.Scratch[:from], "daily-"...)
	for shift := 60; shift >= 0; shift -= 4 {
		e.Scratch = append(e.Scratch, "0123456789abcdef"[id>>shift&15])
	}
	return alias(e.Scratch[from:])
}
