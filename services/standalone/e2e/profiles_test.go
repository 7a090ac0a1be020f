package e2e_test

import (
	"fmt"
	"math"
	"os"
	"testing"
)

// rulesText is a rules file for the traffic. Its version changes what a score
// comes to, and not the stages.
func rulesText(version int) string {
	return fmt.Sprintf(`version: %d
orders: [Ordered]
lead:
  minimum: 0
  maximum: 100
  grades: [{grade: A, from: 60}, {grade: B, from: 30}, {grade: C, from: 0}]
  rules:
    - {name: viewed, when: {fact: event_count, events: [Viewed]}, points: %d, cap: 20}
    - {name: spent, when: {fact: revenue, at_least: 100}, points: 3, cap: 30}
    - {name: pro, when: {fact: trait, trait: plan, values: [pro]}, points: 15}
    - {name: busy, when: {fact: events, at_least: 20}, points: 10, cap: 20}
    - {name: regular, when: {fact: active_days, within_days: 30, at_least: 2}, points: 2, cap: 10}
    - {name: lapsed, when: {fact: days_since_last, at_least: 2}, points: -4, cap: 20}
stages:
  - name: new
  - name: active
    any: [{fact: event_count, events: [Viewed], at_least: 3}]
  - name: customer
    any: [{fact: orders}]
`, version, version)
}

func (s *site) rules() string { return s.path("rules.yaml") }

func (s *site) writeRules(t *testing.T, version int) {
	t.Helper()
	if err := os.WriteFile(s.rules(), []byte(rulesText(version)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// history is what the rows of a person come to.
type history struct {
	Project      string  `json:"project"`
	Person       string  `json:"person"`
	UserID       string  `json:"user_id"`
	Events       int     `json:"events"`
	Viewed       int     `json:"viewed"`
	Orders       int     `json:"orders"`
	RevenueE4    int64   `json:"revenue_e4"`
	Currency     string  `json:"currency"`
	FirstSeen    int64   `json:"first_seen"`
	LastSeen     int64   `json:"last_seen"`
	FirstViewed  int64   `json:"first_viewed"`
	FirstOrdered int64   `json:"first_ordered"`
	Plan         string  `json:"plan"`
	Days         []int64 `json:"days"`
}

const historySQL = `
	SELECT project, leftPad(hex(person_id), 16, '0') AS person, max(touchpoints.user_id) AS user_id, count() AS events,
		countIf(event = 'Viewed') AS viewed, countIf(event = 'Ordered') AS orders,
		toInt64(sumIf(revenue, event = 'Ordered') * 10000) AS revenue_e4,
		if(countIf(event = 'Ordered' AND revenue != 0) > 0, 'EUR', '') AS currency,
		toUnixTimestamp64Milli(min(event_time)) AS first_seen, toUnixTimestamp64Milli(max(event_time)) AS last_seen,
		toUnixTimestamp64Milli(minIf(event_time, event = 'Viewed')) AS first_viewed,
		toUnixTimestamp64Milli(minIf(event_time, event = 'Ordered')) AS first_ordered,
		argMaxIf(JSONExtractString(traits, 'plan'), (event_time, JSONExtractString(traits, 'plan')), traits != '') AS plan,
		arraySort(groupUniqArray(toInt32(day))) AS days
	FROM touchline.touchpoints WHERE NOT is_bot GROUP BY project, person_id
	SETTINGS output_format_json_quote_64bit_integers = 0`

// judged is what analytics.profiles and analytics.scores say of a person.
type judged struct {
	Project      string  `json:"project"`
	Person       string  `json:"person"`
	UserID       string  `json:"user_id"`
	Events       int     `json:"events"`
	Orders       int     `json:"orders"`
	RevenueE4    int64   `json:"revenue_e4"`
	Currency     string  `json:"currency"`
	FirstSeen    int64   `json:"first_seen"`
	LastSeen     int64   `json:"last_seen"`
	Stage        string  `json:"stage"`
	StageSince   int64   `json:"stage_since"`
	Score        float64 `json:"score"`
	Grade        string  `json:"grade"`
	AsOf         int64   `json:"as_of"`
	ModelVersion int     `json:"model_version"`
	Version      int64   `json:"version"`
}

const judgedSQL = `
	SELECT p.project AS project, p.person_id AS person, p.user_id AS user_id, p.events AS events, p.orders AS orders,
		toInt64(p.revenue * 10000) AS revenue_e4, p.currency AS currency,
		toUnixTimestamp64Milli(p.first_seen) AS first_seen, toUnixTimestamp64Milli(p.last_seen) AS last_seen,
		p.stage AS stage, toUnixTimestamp64Milli(p.stage_since) AS stage_since,
		s.score AS score, s.grade AS grade, toUnixTimestamp64Milli(p.as_of) AS as_of, s.model_version AS model_version, p.version AS version
	FROM analytics.profiles AS p FULL JOIN analytics.scores AS s
		ON p.project = s.project AND p.person_id = s.person_id AND p.version = s.version
	WHERE s.model = 'lead' OR s.model = ''
	SETTINGS output_format_json_quote_64bit_integers = 0`

// auditProfiles computes every person's profile and score from the rows, by other
// means than the scorer does, and compares.
func auditProfiles(t *testing.T, d deployment) {
	t.Helper()
	want := map[string]history{}
	for _, h := range mustSelect[history](t, d.writer(), historySQL, nil) {
		want[h.Project+" "+h.Person] = h
	}
	have := mustSelect[judged](t, d.bi(), judgedSQL, nil)
	wrong := 0
	for _, p := range have {
		h, ok := want[p.Project+" "+p.Person]
		delete(want, p.Project+" "+p.Person)
		if !ok {
			finding(t, "a profile of somebody without rows: %+v", p)
		} else if expected := h.judge(p); p != expected {
			if wrong++; wrong <= 5 {
				finding(t, "a profile is\n%+v, its rows come to\n%+v", p, expected)
			}
		}
	}
	if wrong > 5 {
		finding(t, "%d of %d profiles do not agree with their rows", wrong, len(have))
	}
	if len(want) > 0 || len(have) == 0 {
		finding(t, "%d persons with rows have no profile, %d have", len(want), len(have))
	}
}

const dayMillis = 24 * 60 * 60 * 1000

// judge says what a profile should be. When it was made, and under which version
// of the rules, is its own.
func (h history) judge(p judged) judged {
	capped := func(times, points, most int) int { return max(-most, min(most, times*points)) }
	score := capped(h.Viewed, p.ModelVersion, 20) + capped(int(h.RevenueE4/1_000_000), 3, 30) + capped(h.Events/20, 10, 20)
	if h.Plan == "pro" {
		score += 15
	}
	recent := 0
	days := h.Days[max(0, len(h.Days)-64):] // as many as a profile remembers
	for _, day := range days {
		if day > int64(math.Floor(float64(p.AsOf)/dayMillis))-30 {
			recent++
		}
	}
	score += capped(recent/2, 2, 10)
	score += capped(int(max(0, p.AsOf-h.LastSeen)/dayMillis/2), -4, 20)
	score = max(0, min(100, score))

	out := judged{
		Project: h.Project, Person: h.Person, UserID: h.UserID, Events: h.Events, Orders: h.Orders, RevenueE4: h.RevenueE4,
		Currency: h.Currency, FirstSeen: h.FirstSeen, LastSeen: h.LastSeen, Stage: "new", StageSince: h.FirstSeen,
		Score: float64(score), Grade: "C", AsOf: p.AsOf, ModelVersion: p.ModelVersion, Version: p.Version,
	}
	if score >= 60 {
		out.Grade = "A"
	} else if score >= 30 {
		out.Grade = "B"
	}
	if h.Viewed >= 3 {
		out.Stage, out.StageSince = "active", h.FirstViewed
	}
	if h.Orders > 0 {
		out.Stage, out.StageSince = "customer", h.FirstOrdered
	}
	return out
}
