package rules

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/scorer/internal/fragment"
)

// LeadModel is the name of the lead score.
const LeadModel = "lead"

// Score computes the lead score of a person from all its fragments in one, at
// asOf milliseconds since 1970.
func (r *Rules) Score(f *pb.Fragment, asOf int64) *pb.Score {
	s := &pb.Score{Model: LeadModel, ModelVersion: uint32(r.Version)}
	sum := 0
	add := func(feature string, points int) {
		if points != 0 {
			sum += points
			s.Reasons = append(s.Reasons, &pb.Reason{Feature: feature, Contribution: float64(points)})
		}
	}
	for i := range r.Lead.Rules {
		add(r.Lead.Rules[i].Name, r.Lead.Rules[i].points(r, f, asOf))
	}
	add(limit, max(r.Lead.Minimum, min(r.Lead.Maximum, sum))-sum)
	s.Score = float64(sum)
	for _, g := range r.Lead.Grades {
		if sum >= g.From {
			s.Grade = g.Grade
			break
		}
	}
	return s
}

// points returns what the rule gives.
func (rule *Rule) points(r *Rules, f *pb.Fragment, asOf int64) int {
	amount, holds := rule.When.holds(r, f, asOf)
	if !holds {
		return 0
	}
	if rule.When.FewerThan > 0 || rule.Cap == 0 {
		return rule.Points
	}
	// The cap is reached after at most cap times, so the product stays small.
	times := int(min(math.Floor(amount/rule.When.least()), float64(rule.Cap)))
	return max(-rule.Cap, min(rule.Cap, times*rule.Points))
}

// least is the lower bound of the condition.
func (c *Condition) least() float64 {
	if c.AtLeast == 0 && c.FewerThan == 0 {
		return 1
	}
	return c.AtLeast
}

// holds returns how much there is of the fact, and whether the condition holds.
func (c *Condition) holds(r *Rules, f *pb.Fragment, asOf int64) (amount float64, ok bool) {
	if amount, ok = c.amount(r, f, asOf); !ok {
		return 0, false
	}
	return amount, amount >= c.least() && (c.FewerThan == 0 || amount < c.FewerThan)
}

// amount returns how much there is of the fact; ok is false when nobody knows.
func (c *Condition) amount(r *Rules, f *pb.Fragment, asOf int64) (amount float64, ok bool) {
	switch c.Fact {
	case EventCount:
		var n uint64
		for _, name := range c.Events {
			n += f.EventCounts[name]
		}
		return float64(n), true
	case Events:
		return float64(f.Events), true
	case Pages:
		return float64(f.Pages), true
	case ActiveDays:
		return float64(len(c.days(f, asOf))), true
	case DaysSinceFirst:
		return days(f.FirstSeenMs, asOf), true
	case DaysSinceLast:
		return days(f.LastSeenMs, asOf), true
	case Orders:
		return float64(f.Orders), true
	case Revenue:
		return float64(f.RevenueE4) / 1e4, true
	case Trait:
		value := f.Traits[c.Trait].GetValue()
		return truth(value != "" && (len(c.Values) == 0 || containsAny(value, c.Values))), true
	case TraitOther:
		value := f.Traits[c.Trait].GetValue()
		return truth(value != "" && !containsAny(value, c.Values)), true
	case TraitNumber:
		n, err := strconv.ParseFloat(f.Traits[c.Trait].GetValue(), 64)
		return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
	case BusinessEmail:
		domain := r.domain(f)
		return truth(domain != "" && !r.free(domain)), true
	case FreeEmail:
		domain := r.domain(f)
		return truth(domain != "" && r.free(domain)), true
	}
	return 0, false
}

const day = int64(24 * time.Hour / time.Millisecond)

// days returns the whole days from one time to a later one, else 0.
func days(from, to int64) float64 { return float64(max(0, to-from) / day) }

// days returns the active days that the condition looks at. They are days of the
// project's time zone, the window ends with the day of asOf in UTC; so the oldest
// day is in or out by up to a day's difference of the two.
func (c *Condition) days(f *pb.Fragment, asOf int64) []int32 {
	if c.WithinDays == 0 {
		return f.ActiveDays
	}
	after := floorDay(asOf) - int64(c.WithinDays)
	for i, d := range f.ActiveDays {
		if int64(d) > after {
			return f.ActiveDays[i:]
		}
	}
	return nil
}

func floorDay(ms int64) int64 {
	d := ms / day
	if ms%day < 0 {
		d--
	}
	return d
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// domain returns the domain of the e-mail address, in lower case.
func (r *Rules) domain(f *pb.Fragment) string {
	address := f.Traits[fragment.Email].GetValue()
	user, domain, ok := strings.Cut(address, "@")
	if !ok || user == "" || !strings.Contains(strings.Trim(domain, "."), ".") {
		return ""
	}
	return strings.ToLower(strings.TrimRight(domain, "."))
}

func (r *Rules) free(domain string) bool {
	return slices.Contains(r.FreeMail, domain)
}

// containsAny reports whether text contains one of the values as whole words, in
// any case.
func containsAny(text string, values []string) bool {
	text = strings.ToLower(text)
	for _, value := range values {
		if containsWords(text, strings.ToLower(value)) {
			return true
		}
	}
	return false
}

func containsWords(text, words string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], words)
		if i < 0 {
			return false
		}
		i += from
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+len(words):])
		if !inWord(before) && !inWord(after) {
			return true
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		from = i + size
	}
}

// inWord reports whether a character continues a word; the end of a text does
// not, nor does what DecodeRune returns there.
func inWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}
