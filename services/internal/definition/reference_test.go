package definition

import (
	"slices"
	"strconv"
	"strings"

	"touchline.dev/services/internal/analytics"
)

// columnOf returns a column of the event as text.
func columnOf(e analytics.Event, column string) string {
	return map[string]string{
		"event": e.Name, "kind": e.Kind, "type": e.Type, "name": e.Title, "channel": e.Channel, "acquisition_channel": e.Acquisition,
		"utm_source": e.Source, "utm_medium": e.Medium, "utm_campaign": e.Campaign, "device_type": e.Device, "country": e.Country,
		"referrer_host": e.Referrer, "user_id": e.User, "anonymous_id": e.Anonymous, "currency": e.Currency, "order_id": e.Order,
		"url_path": e.Path, "page": e.Page(),
	}[column]
}

// valueOf returns a value of the event as text.
func valueOf(e analytics.Event, v Value) string {
	if v.Property == "" {
		return columnOf(e, v.Column)
	}
	return analytics.Property(v.Property)(e)
}

// matches says whether the condition holds, by the words of its documentation.
func matches(c Condition, e analytics.Event) bool {
	return (c.Any || e.Name == c.Event) && !slices.ContainsFunc(c.Where, func(f Filter) bool { return !holds(f, e) })
}

func holds(f Filter, e analytics.Event) bool {
	if f.Column == revenue {
		want, err := strconv.ParseFloat(f.Value, 64)
		if err != nil {
			panic(err)
		}
		n := int64(want * 10000)
		return map[string]bool{"=": e.Revenue == n, "!=": e.Revenue != n, ">": e.Revenue > n, "<": e.Revenue < n}[f.Is]
	}
	text := valueOf(e, f.value())
	switch f.Is {
	case "=":
		return text == f.Value
	case "!=":
		return text != f.Value
	case "in":
		return slices.Contains(f.Values, text)
	case "contains":
		return strings.Contains(text, f.Value)
	case "starts with":
		return strings.HasPrefix(text, f.Value)
	case "is set":
		return text != ""
	case "is not set":
		return text == ""
	}
	have, err := strconv.ParseFloat(text, 64)
	want, _ := strconv.ParseFloat(f.Value, 64)
	return err == nil && (f.Is == ">" && have > want || f.Is == "<" && have < want)
}

// joinedOf returns several values as one text, as joined does.
func joinedOf(e analytics.Event, values []Value, every bool) string {
	var texts []string
	set := 0
	for _, v := range values {
		texts = append(texts, valueOf(e, v))
		if texts[len(texts)-1] != "" {
			set++
		}
	}
	if set == 0 || every && set < len(values) {
		return ""
	}
	return strings.Join(texts, "\x1f")
}

// reference returns the funnel as the reference knows it. Times are given, because those
// of the definition are texts.
func (f Funnel) reference(from, to, asOf int64) analytics.FunnelDefinition {
	d := analytics.FunnelDefinition{
		Mode: analytics.FunnelMode(f.Mode), Count: analytics.FunnelCount(f.Count), WindowSeconds: int64(f.Window.Seconds()),
		From: from, To: to, AsOf: asOf, Attribution: analytics.Attribution(f.Attribution), AttributionStep: f.AttributionStep,
	}
	for _, s := range f.Steps {
		base := Condition{Event: s.Event, Any: s.Any}
		d.Steps = append(d.Steps, analytics.FunnelStep{
			Name:     s.label(),
			Match:    func(e analytics.Event) bool { return matches(s.condition(), e) },
			Base:     func(e analytics.Event) bool { return matches(base, e) },
			Optional: s.Optional,
			First:    map[string]analytics.FunnelFirst{"matching": analytics.FirstMatching, "ever": analytics.FirstEver}[s.First],
		})
	}
	for _, x := range f.Exclude {
		after, before := x.bounds(len(f.Steps))
		d.Exclusions = append(d.Exclusions, analytics.FunnelExclusion{
			Match: func(e analytics.Event) bool { return matches(x.condition(), e) }, From: after, To: before,
		})
	}
	if len(f.Hold) > 0 {
		d.Hold = func(e analytics.Event) string { return joinedOf(e, f.Hold, true) }
	}
	if len(f.By) > 0 {
		d.By = func(e analytics.Event) string { return joinedOf(e, f.By, false) }
	}
	return d
}
