package rules

import (
	"maps"
	"math"
	"slices"
	"strings"

	"touchline.dev/services/internal/config"
	"touchline.dev/services/scorer/internal/fragment"
)

// Bounds of a rules file. Every rule and stage is looked at for every profile.
const (
	maxRules  = 100
	maxStages = 32
	maxName   = 64
	maxText   = 256
	maxPoints = 1000
	maxValues = 200
)

// limit is the reason by which a score is moved into its bounds.
const limit = "limit"

// Validate reports the problems that concern the file as a whole.
func (r *Rules) Validate() error {
	var p config.Problems
	if r.Version < 1 || r.Version > math.MaxUint32 {
		p.Addf("version", "is %d, want 1 or more: raise it with every change", r.Version)
	}
	checkTexts(&p, "orders", r.Orders)
	checkEvents(&p, "orders", r.Orders)
	checkTexts(&p, "free_mail", r.FreeMail)
	for i, domain := range r.FreeMail {
		if domain != strings.ToLower(domain) || !strings.Contains(domain, ".") || strings.Contains(domain, "@") {
			p.Addf(at("free_mail", i), "%q is not a domain in lower case", domain)
		}
	}
	r.checkStages(&p)
	w := r.Watch()
	names := len(w.Events)
	for name := range w.Orders {
		if !w.Events[name] {
			names++
		}
	}
	if names > fragment.MaxWatchedNames {
		p.Addf("", "names %d different events, want at most %d: that many are counted for each person", names, fragment.MaxWatchedNames)
	}
	if n := len(w.Traits); n > fragment.MaxWatchedTraits {
		p.Addf("", "names %d different traits, want at most %d", n, fragment.MaxWatchedTraits)
	}
	return p.Err()
}

func (r *Rules) checkStages(p *config.Problems) {
	if len(r.Stages) == 0 || len(r.Stages) > maxStages {
		p.Addf("stages", "has %d stages, want 1 to %d", len(r.Stages), maxStages)
	}
	names := make([]string, len(r.Stages))
	for i, s := range r.Stages {
		names[i] = s.Name
		switch bare := len(s.All)+len(s.Any) == 0; {
		case i == 0 && !bare:
			p.Addf("stages[0]", "want no condition: everybody is at least in the first stage")
		case i > 0 && bare:
			p.Addf(at("stages", i), "want a condition: without one it hides the stages before it")
		}
	}
	checkNames(p, "stages", "name", names)
}

// Validate reports every problem of the model.
func (l Lead) Validate() error {
	var p config.Problems
	if l.Minimum >= l.Maximum || l.Minimum < -maxPoints*maxRules || l.Maximum > maxPoints*maxRules {
		p.Addf("maximum", "is %d, want more than the minimum of %d", l.Maximum, l.Minimum)
	}
	if len(l.Grades) == 0 {
		p.Addf("grades", "want at least one grade")
	}
	for i, g := range l.Grades {
		if i > 0 && g.From >= l.Grades[i-1].From {
			p.Addf(at("grades", i)+".from", "is %d, want less than the %d of the better grade before it", g.From, l.Grades[i-1].From)
		}
	}
	if n := len(l.Grades); n > 0 && l.Grades[n-1].From > l.Minimum {
		p.Addf(at("grades", n-1)+".from", "is %d, want at most the minimum of %d: every score has a grade", l.Grades[n-1].From, l.Minimum)
	}
	grades := make([]string, len(l.Grades))
	for i, g := range l.Grades {
		grades[i] = g.Grade
	}
	checkNames(&p, "grades", "grade", grades)
	if len(l.Rules) > maxRules {
		p.Addf("rules", "has %d rules, want at most %d", len(l.Rules), maxRules)
	}
	rules := make([]string, len(l.Rules))
	for i, r := range l.Rules {
		rules[i] = r.Name
	}
	checkNames(&p, "rules", "name", rules)
	return p.Err()
}

// Validate reports every problem of the rule, apart from its condition's.
func (rule Rule) Validate() error {
	var p config.Problems
	if rule.Name == limit {
		p.Addf("name", "%q is the reason for moving a score into its bounds", limit)
	}
	points := max(rule.Points, -rule.Points)
	if points < 1 || points > maxPoints {
		p.Addf("points", "is %d, want 1 to %d, or as many less than 0", rule.Points, maxPoints)
	}
	switch {
	case rule.Cap == 0:
	case rule.When.FewerThan > 0:
		p.Addf("cap", "has no meaning with fewer_than: the points are given once")
	case rule.Cap < points || rule.Cap > maxPoints:
		p.Addf("cap", "is %d, want %d to %d: the most points that the rule gives or takes", rule.Cap, points, maxPoints)
	}
	return p.Err()
}

// Validate reports every problem of the condition.
func (c Condition) Validate() error {
	var p config.Problems
	takes, known := keys[c.Fact]
	if !known {
		p.Addf("fact", "is %q, want one of %s", c.Fact, facts())
		return p.Err()
	}
	given := map[string]bool{"events": len(c.Events) > 0, "trait": c.Trait != "", "values": len(c.Values) > 0, "within_days": c.WithinDays != 0}
	for _, key := range []string{"events", "trait", "values", "within_days"} {
		switch {
		case given[key] && !slices.Contains(takes, key) && !slices.Contains(takes, key+"?"):
			p.Addf(key, "has no meaning with fact %s", c.Fact)
		case !given[key] && slices.Contains(takes, key):
			p.Addf(key, "is needed with fact %s", c.Fact)
		}
	}
	checkTexts(&p, "events", c.Events)
	checkEvents(&p, "events", c.Events)
	checkTexts(&p, "values", c.Values)
	if len(c.Trait) > maxText {
		p.Addf("trait", "is longer than %d bytes", maxText)
	}
	if c.AtLeast < 0 || math.IsNaN(c.AtLeast) || math.IsInf(c.AtLeast, 0) {
		p.Addf("at_least", "is %v, want 0 or more", c.AtLeast)
	}
	if c.FewerThan < 0 || math.IsNaN(c.FewerThan) || math.IsInf(c.FewerThan, 0) || c.FewerThan > 0 && c.FewerThan <= c.AtLeast {
		p.Addf("fewer_than", "is %v, want more than at_least", c.FewerThan)
	}
	if c.WithinDays < 0 || c.WithinDays > 366 {
		p.Addf("within_days", "is %d, want 1 to 366", c.WithinDays)
	}
	return p.Err()
}

// keys are those that a fact needs, and with "?" those that it may have.
var keys = map[Fact][]string{
	EventCount: {"events"}, Events: nil, Pages: nil, ActiveDays: {"within_days?"}, DaysSinceFirst: nil, DaysSinceLast: nil,
	Orders: nil, Revenue: nil, Trait: {"trait", "values?"}, TraitOther: {"trait", "values"}, TraitNumber: {"trait"},
	BusinessEmail: nil, FreeEmail: nil,
}

// facts lists the facts for a message.
func facts() string {
	var names []string
	for _, fact := range slices.Sorted(maps.Keys(keys)) {
		names = append(names, string(fact))
	}
	return strings.Join(names, ", ")
}

// checkNames wants names that are given, short and different.
func checkNames(p *config.Problems, list, key string, names []string) {
	for i, name := range names {
		path := at(list, i) + "." + key
		switch {
		case strings.TrimSpace(name) == "" || len(name) > maxName:
			p.Addf(path, "want a name of at most %d bytes", maxName)
		case slices.Index(names, name) < i:
			p.Addf(path, "%q is the name of an earlier one", name)
		}
	}
}

func checkTexts(p *config.Problems, key string, texts []string) {
	if len(texts) > maxValues {
		p.Addf(key, "has %d entries, want at most %d", len(texts), maxValues)
	}
	for i, text := range texts {
		if strings.TrimSpace(text) == "" || len(text) > maxText {
			p.Addf(at(key, i), "want a text of at most %d bytes", maxText)
		}
	}
}

func checkEvents(p *config.Problems, key string, names []string) {
	for i, name := range names {
		if strings.HasPrefix(name, "#") {
			p.Addf(at(key, i), "%q begins with #, which is kept for names of ours", name)
		}
	}
}
