package analytics

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Shares compares two groups of persons by the share of them that converted.
type Shares struct {
	// Persons and Converted are of the group, Others and OthersConverted of those
	// that it is compared with.
	Persons, Converted, Others, OthersConverted int64
}

// SignificanceRow is a row of analytics.funnel_significance.
type SignificanceRow struct {
	Value string
	Shares
	// Undecided entered with the value and are left out.
	Undecided int64
	// Rate and OthersRate are the shares, 0 of nobody.
	Rate, OthersRate float64
	Interval         Interval
	// Difference is Rate - OthersRate, 0 where one of the groups is empty.
	Difference         float64
	DifferenceInterval Interval
	PValue             float64
	// Adjusted is PValue for as many comparisons as there are rows.
	Adjusted float64
	Test     string
}

// Interval holds the true value with 95 % confidence.
type Interval struct{ Low, High float64 }

// String returns the bounds as text.
func (i Interval) String() string { return fmt.Sprintf("%.9g %.9g", i.Low, i.High) }

// String returns the columns as text.
func (r SignificanceRow) String() string {
	return fmt.Sprintf("%s %d %d %d %.9g %v %d %d %.9g %.9g %v %.9g %.9g %s", r.Value, r.Persons, r.Converted, r.Undecided, r.Rate, r.Interval,
		r.Others, r.OthersConverted, r.OthersRate, r.Difference, r.DifferenceInterval, r.PValue, r.Adjusted, r.Test)
}

// FunnelSignificance compares the conversion from the first step of d to the last
// between the groups of its breakdown: each with all others together, or with the
// group of the value baseline, which then has no row.
//
// Only those take part whose latest attempt's window has closed at AsOf. Of the
// others those who converted are known sooner than those who will not, so a group
// with more newcomers would look better than it is; hence they are left out whether
// they have converted or not.
func FunnelSignificance(s Stream, d FunnelDefinition, top int, baseline string) []SignificanceRow {
	var rows []SignificanceRow
	for _, g := range d.Breakdown(d.Entrants(s), top) {
		r := SignificanceRow{Value: g.Value}
		for _, e := range g.Entrants {
			switch {
			case e.LastEntry+d.window() >= d.AsOf:
				r.Undecided++
			case e.Level == len(d.Steps):
				r.Converted++
				fallthrough
			default:
				r.Persons++
			}
		}
		rows = append(rows, r)
	}
	groups := slices.Clone(rows)
	rows = slices.DeleteFunc(rows, func(r SignificanceRow) bool { return baseline != "" && r.Value == baseline })
	for i := range rows {
		r := &rows[i]
		for _, g := range groups {
			if g.Value == baseline || baseline == "" && g.Value != r.Value {
				r.Others += g.Persons
				r.OthersConverted += g.Converted
			}
		}
		r.Rate, r.OthersRate = ratio(r.Converted, r.Persons), ratio(r.OthersConverted, r.Others)
		r.Interval = wilson(r.Converted, r.Persons)
		r.Difference, r.DifferenceInterval = r.difference()
		r.PValue, r.Test = r.test()
	}
	adjust(rows)
	return rows
}

// z95 is the 0.975 quantile of the standard normal distribution.
const z95 = 1.959963984540054

// wilson returns the score interval of a share (Wilson 1927, Journal of the American
// Statistical Association 22:209): the shares that a two-sided test at 5 % would not
// refuse. It is right for few persons, and for shares of 0 and 1.
func wilson(converted, persons int64) Interval {
	if persons == 0 {
		return Interval{0, 1}
	}
	n := float64(persons)
	share := float64(converted) / n
	middle := (share + z95*z95/(2*n)) / (1 + z95*z95/n)
	half := z95 / (1 + z95*z95/n) * math.Sqrt(share*(1-share)/n+z95*z95/(4*n*n))
	return Interval{max(0, middle-half), min(1, middle+half)}
}

// difference returns how much larger the group's share is, with the interval that is
// made of the score intervals of both shares (Newcombe 1998, Statistics in Medicine
// 17:873, method 10). If one group is empty nothing is known: -1 to 1.
func (s Shares) difference() (float64, Interval) {
	if s.Persons == 0 || s.Others == 0 {
		return 0, Interval{-1, 1}
	}
	p, q := ratio(s.Converted, s.Persons), ratio(s.OthersConverted, s.Others)
	a, b := wilson(s.Converted, s.Persons), wilson(s.OthersConverted, s.Others)
	return p - q, Interval{p - q - math.Hypot(p-a.Low, b.High-q), p - q + math.Hypot(a.High-p, q-b.Low)}
}

// test returns how probable it is, were the share of both groups the same, to see
// a difference as large as this one or larger, in either direction.
//
// Where each of the four cells is expected to hold 5 or more persons (Cochran 1954,
// Biometrics 10:417), it is the z test of two proportions with the pooled share,
// which is the chi-squared test of the four cells without correction. Else it is
// Fisher's exact test.
func (s Shares) test() (pValue float64, name string) {
	n, others := float64(s.Persons), float64(s.Others)
	converted := float64(s.Converted + s.OthersConverted)
	if min(n, others)*min(converted, n+others-converted) < 5*(n+others) || n+others == 0 {
		return s.exact(), "exact"
	}
	pooled := converted / (n + others)
	z := (float64(s.Converted)/n - float64(s.OthersConverted)/others) / math.Sqrt(pooled*(1-pooled)*(1/n+1/others))
	return math.Erfc(math.Abs(z) / math.Sqrt2), "z"
}

// exact is Fisher's exact test: given how many converted in all, the number in the
// group is hypergeometric; the probabilities of all numbers that are no more probable
// than the one that was seen are added up. Probabilities that differ by less than
// 1e-7 of themselves are equal. Where it is used it adds up few: an expected cell of
// less than 5 leaves at most sqrt(5 * everybody) numbers.
func (s Shares) exact() float64 {
	converted := s.Converted + s.OthersConverted
	low, high := max(0, converted-s.Others), min(converted, s.Persons)
	logs := make([]float64, 0, high-low+1)
	for k := low; k <= high; k++ {
		sum := 0.0
		for _, cell := range []int64{k, s.Persons - k, converted - k, s.Others - converted + k} {
			l, _ := math.Lgamma(float64(cell) + 1)
			sum += l
		}
		logs = append(logs, -sum)
	}
	most := slices.Max(logs)
	seen := math.Exp(logs[s.Converted-low] - most)
	var rarer, all float64
	for _, l := range logs {
		p := math.Exp(l - most)
		if all += p; p <= seen*(1+1e-7) {
			rarer += p
		}
	}
	return rarer / all
}

// adjust corrects p values for their number (Holm 1979, Scandinavian Journal of
// Statistics 6:65): the smallest of n times n, the next times n-1, and so on, none less
// than the one before. The chance that one or more adjusted values fall below 0.05
// although no group differs is at most 5 %.
func adjust(rows []SignificanceRow) {
	slices.SortFunc(rows, func(a, b SignificanceRow) int {
		return cmp.Or(cmp.Compare(a.PValue, b.PValue), cmp.Compare(a.Value, b.Value))
	})
	before := 0.0
	for i := range rows {
		before = max(before, min(1, rows[i].PValue*float64(len(rows)-i)))
		rows[i].Adjusted = before
	}
}
