// Package rules holds what a team may say about its customers: the rules of the
// lead score and the stages of the life cycle, read from one YAML file.
//
// It reads the file, and computes score and stage from what is known of a person,
// merged into one fragment. Both are pure functions; the reasons of a score add up
// to it exactly, because points are whole numbers.
package rules

import (
	_ "embed"
	"fmt"
	"io"
	"os"

	"touchline.dev/services/internal/config"
	"touchline.dev/services/scorer/internal/fragment"
)

// Rules is the content of a rules file.
type Rules struct {
	// Version is stamped on every score; raise it with every change.
	Version int `yaml:"version"`
	// Orders are the names of events that are orders. Their revenue is what a
	// person has spent.
	Orders []string `yaml:"orders"`
	// FreeMail are the domains of e-mail providers for everybody.
	FreeMail []string `yaml:"free_mail"`
	Lead     Lead     `yaml:"lead"`
	// Stages of the life cycle: the last one that holds is the person's.
	Stages []Stage `yaml:"stages"`
}

// Lead is the model of the lead score.
type Lead struct {
	// Minimum and Maximum bound the score.
	Minimum int `yaml:"minimum"`
	Maximum int `yaml:"maximum"`
	// Grades from the best to the worst: the first whose From is reached.
	Grades []Grade `yaml:"grades"`
	Rules  []Rule  `yaml:"rules"`
}

// Grade is a range of scores.
type Grade struct {
	Grade string `yaml:"grade"`
	From  int    `yaml:"from"`
}

// Rule adds points, or takes them, when its condition holds.
type Rule struct {
	// Name is the reason that a score shows.
	Name string    `yaml:"name"`
	When Condition `yaml:"when"`
	// Points are given for every AtLeast of the fact, up to Cap; a Cap of 0 means
	// once. With FewerThan they are given once.
	Points int `yaml:"points"`
	Cap    int `yaml:"cap"`
}

// Stage is one of the life cycle. It holds when all conditions of All hold, and
// one of Any where there are any.
type Stage struct {
	Name string      `yaml:"name"`
	All  []Condition `yaml:"all"`
	Any  []Condition `yaml:"any"`
}

// Condition asks for one fact about a person: AtLeast of it (where neither bound
// is given, 1) and FewerThan of it (0 means no such bound).
type Condition struct {
	Fact Fact `yaml:"fact"`
	// Events are the names that event_count counts.
	Events []string `yaml:"events"`
	// Trait is what trait, trait_other and trait_number look at.
	Trait string `yaml:"trait"`
	// Values are words that the trait contains, in any case.
	Values    []string `yaml:"values"`
	AtLeast   float64  `yaml:"at_least"`
	FewerThan float64  `yaml:"fewer_than"`
	// WithinDays is how far back active_days looks; 0 means as far as is known.
	WithinDays int `yaml:"within_days"`
}

// Fact is something that is known about a person, as a number.
type Fact string

// The facts.
const (
	// EventCount is the number of events with certain names.
	EventCount Fact = "event_count"
	// Events is the number of all events, Pages that of page and screen views.
	Events Fact = "events"
	Pages  Fact = "pages"
	// ActiveDays is the number of days with an event, of the last 64 such days.
	ActiveDays Fact = "active_days"
	// DaysSinceFirst and DaysSinceLast are whole days before the profile's time.
	DaysSinceFirst Fact = "days_since_first"
	DaysSinceLast  Fact = "days_since_last"
	// Orders is the number of orders, Revenue their sum in the currency.
	Orders  Fact = "orders"
	Revenue Fact = "revenue"
	// Trait is 1 when the trait is set and, with values, contains one of them.
	Trait Fact = "trait"
	// TraitOther is 1 when the trait is set and contains none of the values.
	TraitOther Fact = "trait_other"
	// TraitNumber is the number that the trait says; without one the condition
	// does not hold.
	TraitNumber Fact = "trait_number"
	// BusinessEmail and FreeEmail are 1 when the e-mail address is at a domain
	// of its own, or at one of FreeMail.
	BusinessEmail Fact = "business_email"
	FreeEmail     Fact = "free_email"
)

//go:embed default.yaml
var defaultRules []byte

// maxFileBytes bounds a rules file.
const maxFileBytes = 1 << 20

// Load reads a rules file, or the rules that come with this release when file is
// empty. The error lists all problems with their paths and lines.
func Load(file string) (*Rules, error) {
	name, data := "default rules", defaultRules
	if file != "" {
		var err error
		if data, err = read(file); err != nil {
			return nil, err
		}
		name = file
	}
	return Parse(name, data)
}

func read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("open rules file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read rules file: %w", err)
	}
	if len(data) > maxFileBytes {
		return nil, fmt.Errorf("read rules file: %s is larger than %d bytes", file, maxFileBytes)
	}
	return data, nil
}

// Parse reads the text of a rules file; name stands for it in messages.
func Parse(name string, data []byte) (*Rules, error) {
	r := &Rules{}
	if err := config.Decode(name, data, r); err != nil {
		return nil, err
	}
	return r, nil
}

// Watch returns what folding has to keep for these rules.
func (r *Rules) Watch() fragment.Watch {
	w := fragment.Watch{Events: map[string]bool{}, Times: map[string]bool{}, Traits: map[string]bool{}, Orders: map[string]bool{}}
	note := func(c Condition, stage bool) {
		for _, name := range c.Events {
			w.Events[name] = true
			if stage {
				w.Times[name] = true
			}
		}
		if c.Trait != "" {
			w.Traits[c.Trait] = true
		}
	}
	for _, rule := range r.Lead.Rules {
		note(rule.When, false)
	}
	for _, s := range r.Stages {
		for _, c := range s.All {
			note(c, true)
		}
		for _, c := range s.Any {
			note(c, true)
		}
	}
	for _, name := range r.Orders {
		w.Orders[name] = true
	}
	return w
}
