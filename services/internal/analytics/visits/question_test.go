package visits

import (
	"fmt"
	"strings"
	"testing"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
	"touchline.dev/services/internal/clickhouse"
)

func TestMain(m *testing.M) { oracle.Main(m) }

// question is a call of a view, and the reference's answer to it.
type question struct {
	view string
	// parameters are those after the project, as SQL.
	parameters string
	// columns are those to compare, after the project.
	columns   string
	reference func(analytics.Stream) []string
}

func (q question) SQL(project string) string {
	return fmt.Sprintf("SELECT project, %s FROM analytics.%s(project = %s, %s)", q.columns, q.view, clickhouse.Literal(project), q.parameters)
}

func (q question) Reference(s analytics.Stream) []string { return q.reference(s) }

// answer returns the rows of a reference as text.
func answer[Q any, R fmt.Stringer](reference func(analytics.Stream, Q) []R, q Q) func(analytics.Stream) []string {
	return func(s analytics.Stream) []string { return oracle.Texts(reference(s, q)) }
}

// columns joins columns; of those that end in "?", an empty text is shown as "-".
func columns(list string) string {
	names := strings.Fields(list)
	for i, name := range names {
		if name, ok := strings.CutSuffix(name, "?"); ok {
			names[i] = fmt.Sprintf("if(%s = '', '-', %s)", name, name)
		}
	}
	return strings.Join(names, ", ")
}

func span(from, to int64) string {
	return fmt.Sprintf("from = %s, to = %s", oracle.Instant(from), oracle.Instant(to))
}

func timeline(person uint64) question {
	return question{
		view:       "timeline",
		parameters: fmt.Sprintf("person_id = '%016x'", person),
		columns:    columns("position event_time event kind? stage? page? channel? session_id? revenue currency?"),
		reference:  answer(analytics.Timeline, person),
	}
}

func timelinePersons(id string) question {
	return question{
		view:       "timeline_persons",
		parameters: "id = " + clickhouse.Literal(id),
		columns:    columns("person_id matched first_time last_time day events"),
		reference:  answer(analytics.PersonsOfID, id),
	}
}

func timelineOf(id string) question {
	return question{
		view:       "timeline_of",
		parameters: "id = " + clickhouse.Literal(id),
		columns:    columns("person_id position event_time event kind? stage? page? channel? session_id? revenue currency?"),
		reference:  answer(analytics.TimelineOf, id),
	}
}

func sessions(q analytics.SessionQuery) question {
	return question{
		view:       "sessions",
		parameters: span(q.From, q.To),
		columns: columns("started_at day ended_at duration_seconds events pages entry_page? exit_page? is_bounce is_new " +
			"acquisition_channel? utm_source? utm_medium? utm_campaign? device_type? country? conversions orders revenue currency?"),
		reference: answer(analytics.Sessions, q),
	}
}

// sessionColumns are what sessions are broken down by, with what the reference takes.
var sessionColumns = map[string]func(analytics.Session) string{
	"acquisition_channel": func(s analytics.Session) string { return s.Acquisition },
	"utm_campaign":        func(s analytics.Session) string { return s.Campaign },
	"entry_page":          func(s analytics.Session) string { return s.EntryPage },
	"exit_page":           func(s analytics.Session) string { return s.ExitPage },
	"device_type":         func(s analytics.Session) string { return s.Device },
	"country":             func(s analytics.Session) string { return s.Country },
	"visitor":             analytics.Session.Visitor,
}

func sessionDays(q analytics.SessionDaysQuery, by string) question {
	q.By = sessionColumns[by]
	return question{
		view:       "sessions_daily",
		parameters: fmt.Sprintf("%s, granularity = '%s', by = '%s', top = %d", span(q.From, q.To), q.Granularity, by, q.Top),
		columns: columns("day breakdown sessions visitors new_visitors returning_visitors bounces bounce_rate pages pages_per_session " +
			"avg_seconds median_seconds conversions conversions_per_session revenue currency?"),
		reference: answer(analytics.SessionDays, q),
	}
}

func paths(q analytics.PathQuery) question {
	return question{
		view: "paths",
		parameters: fmt.Sprintf("%s, start = %s, end = %s, only = %s, exclude = %s, gap_seconds = %d, max_steps = %d, top = %d",
			span(q.From, q.To), clickhouse.Literal(q.Start), clickhouse.Literal(q.End), oracle.Literals(q.Only), oracle.Literals(q.Exclude),
			q.GapSeconds, q.MaxSteps, q.Top),
		columns:   columns("position source target paths avg_seconds"),
		reference: answer(analytics.Paths, q),
	}
}

func pages(q analytics.PageQuery) question {
	return question{
		view:       "pages",
		parameters: fmt.Sprintf("%s, top = %d", span(q.From, q.To), q.Top),
		columns:    columns("page? views visitors entries exits bounces exit_rate bounce_rate avg_seconds median_seconds"),
		reference:  answer(analytics.Pages, q),
	}
}

// eventColumns are what events are broken down by, with what the reference takes.
var eventColumns = map[string]func(analytics.Event) string{
	"utm_campaign": func(e analytics.Event) string { return e.Campaign },
	"utm_source":   func(e analytics.Event) string { return e.Source },
	"country":      func(e analytics.Event) string { return e.Country },
	"channel":      func(e analytics.Event) string { return e.Channel },
}

func engagement(q analytics.EngagementQuery, by string) question {
	q.By = eventColumns[by]
	return question{
		view: "engagement",
		parameters: fmt.Sprintf("%s, match = '%s', shown = %s, clicked = %s, by = '%s', top = %d", span(q.From, q.To), q.Match,
			clickhouse.Literal(q.Shown), clickhouse.Literal(q.Clicked), by, q.Top),
		columns:   columns("breakdown shown clicked click_rate shown_persons clicked_persons person_rate"),
		reference: answer(analytics.Engagement, q),
	}
}

func features(q analytics.FeatureQuery) question {
	return question{
		view:       "engagement_features",
		parameters: fmt.Sprintf("%s, match = '%s', features = %s", span(q.From, q.To), q.Match, oracle.Literals(q.Features)),
		columns:    columns("feature uses persons active_persons adoption_rate uses_per_person"),
		reference:  answer(analytics.Features, q),
	}
}

// touchValues are what persons are broken down by, with what the reference takes.
var touchValues = map[string]func(analytics.Event) string{
	"channel":  func(e analytics.Event) string { return e.Acquisition },
	"source":   func(e analytics.Event) string { return e.Source },
	"medium":   func(e analytics.Event) string { return e.Medium },
	"campaign": func(e analytics.Event) string { return e.Campaign },
}

func acquisition(q analytics.AcquisitionQuery, by string) question {
	q.By = touchValues[by]
	return question{
		view:       "acquisition",
		parameters: fmt.Sprintf("%s, by = '%s', top = %d", span(q.From, q.To), by, q.Top),
		columns:    columns("touch breakdown persons customers conversion_rate orders revenue currency?"),
		reference:  answer(analytics.Acquisition, q),
	}
}
