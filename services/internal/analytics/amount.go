package analytics

import "math/bits"

// maxAmount is the largest Decimal(18, 4), in 1/10000.
const maxAmount = 999_999_999_999_999_999

// Amount is a sum of amounts in 1/10000, exact however large they are: as wide as
// the Decimal(38, 4) in which ClickHouse adds up. The zero value is 0.
type Amount struct {
	hi int64
	lo uint64
}

// Add adds an amount in 1/10000.
func (a *Amount) Add(x int64) { a.Plus(Amount{hi: x >> 63, lo: uint64(x)}) }

// Plus adds another sum.
func (a *Amount) Plus(b Amount) {
	var carry uint64
	a.lo, carry = bits.Add64(a.lo, b.lo, 0)
	a.hi += b.hi + int64(carry)
}

// narrow returns the sum if it fits into 64 bits.
func (a Amount) narrow() (int64, bool) { return int64(a.lo), a.hi == int64(a.lo)>>63 }

// Clamped returns the sum as a column of the type Decimal(18, 4) shows it, in
// 1/10000: what is beyond the bounds of the type is the bound.
func (a Amount) Clamped() int64 {
	x, ok := a.narrow()
	switch {
	case ok:
		return max(-maxAmount, min(maxAmount, x))
	case a.hi < 0:
		return -maxAmount
	default:
		return maxAmount
	}
}

// Float returns the sum, 1 for 10000, as near as a float64 comes.
func (a Amount) Float() float64 {
	if x, ok := a.narrow(); ok {
		return float64(x) / 10000
	}
	return (float64(a.hi)*(1<<64) + float64(a.lo)) / 10000
}
