package cohorts

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
	"touchline.dev/services/internal/clickhouse"
)

func timeToValue(q analytics.TimeToValueQuery) question {
	return question{view: "time_to_value", parameters: fmt.Sprintf("sign_up = %s, activation = %s, first_use = %s, window_seconds = %d, from = %s, to = %s, as_of = %s",
		clickhouse.Literal(q.SignUp), clickhouse.Literal(q.Activation), clickhouse.Literal(q.FirstUse), q.WindowSeconds,
		oracle.Instant(q.From), oracle.Instant(q.To), oracle.Instant(q.AsOf)), reference: answer(analytics.TimeToValue, q)}
}

func randomTimeToValue(r *rand.Rand, projects []oracle.Project) analytics.TimeToValueQuery {
	names := append([]string{}, oracle.Names[:4]...)
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	q := analytics.TimeToValueQuery{SignUp: names[0], Activation: names[1], FirstUse: names[2]}
	q.From, q.To = oracle.Span(r, projects)
	q.WindowSeconds = oracle.Pick[int64](r, 1, 60, 7200, 86400, 30*86400, 366*86400)
	q.AsOf = oracle.Border(r, projects) + q.WindowSeconds*1000
	return q
}

func onboarding(q analytics.OnboardingQuery) question {
	return question{view: "onboarding", parameters: fmt.Sprintf("activation = %s, from = %s, to = %s, as_of = %s",
		clickhouse.Literal(q.Activation), day(q.From), day(q.To), oracle.Instant(q.AsOf)), reference: answer(analytics.Onboarding, q)}
}

func randomOnboarding(r *rand.Rand, projects []oracle.Project) analytics.OnboardingQuery {
	q := analytics.OnboardingQuery{
		Activation: oracle.Pick(r, oracle.Names[:4]...),
		From:       oracle.Pick(r, randomDay(r, projects), oracle.DayOf(oracle.Start, time.UTC)-2),
		AsOf:       randomAsOf(r, projects) + int64(r.IntN(20*24))*time.Hour.Milliseconds(),
	}
	q.To = q.From + 1 + int32(r.IntN(30))
	return q
}

var onboardingReaders = map[string]oracle.Reader{
	"time_to_value": func(p oracle.Params) (oracle.Question, error) {
		var q analytics.TimeToValueQuery
		err := errors.Join(p.Text("sign_up", &q.SignUp), p.Text("activation", &q.Activation), p.Text("first_use", &q.FirstUse),
			p.Number("window", &q.WindowSeconds), p.Time("from", &q.From), p.Time("to", &q.To), p.Time("as_of", &q.AsOf))
		return timeToValue(q), err
	},
	"onboarding": func(p oracle.Params) (oracle.Question, error) {
		var q analytics.OnboardingQuery
		err := errors.Join(p.Text("activation", &q.Activation), days(p, "from", &q.From), days(p, "to", &q.To), p.Time("as_of", &q.AsOf))
		return onboarding(q), err
	},
}
