package jsonscan

import (
	"math"
	"strconv"
	"unsafe"
)

// Float64 returns the number nearest to the literal; ok is false when text is no
// JSON number or beyond the range of a float64.
func Float64(text []byte) (v float64, ok bool) {
	if !number(text) {
		return 0, false
	}
	v, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(text), len(text)), 64)
	return v, err == nil
}

// Int64 returns the value of a literal that is an integer as written: digits
// with an optional minus, no fraction, no exponent. ok is false for all others
// and beyond the range of an int64.
func Int64(text []byte) (v int64, ok bool) {
	if !Integer(text) {
		return 0, false
	}
	return Decimal(text, 0)
}

// Integer reports whether text is a JSON number written as digits with an
// optional minus, of any size.
func Integer(text []byte) bool {
	if !number(text) {
		return false
	}
	for _, c := range text {
		if c == '.' || c|0x20 == 'e' {
			return false
		}
	}
	return true
}

// Decimal returns the number times 10^scale, rounded half away from zero, with
// no binary fraction in between: Decimal("1.00005", 4) is 10001. scale is 0 to
// 18. ok is false when text is no JSON number or the result exceeds an int64.
func Decimal(text []byte, scale int) (v int64, ok bool) {
	if !number(text) {
		return 0, false
	}
	negative := text[0] == '-'
	if negative {
		text = text[1:]
	}
	// The number is the integer of all its digits times 10^shift; of the digits
	// the last -shift are behind the point.
	mantissa, shift := text, scale
	point := -1
	for i, c := range text {
		if c == '.' {
			point = i
		}
		if c|0x20 == 'e' {
			mantissa = text[:i]
			shift += exponent(text[i+1:])
			break
		}
	}
	digits := len(mantissa)
	if point >= 0 {
		digits--
		shift -= len(mantissa) - point - 1
	}
	keep := digits + min(shift, 0)
	if v, ok = leading(mantissa, keep); !ok {
		return 0, false
	}
	for ; shift > 0 && v != 0; shift-- {
		if v > math.MaxInt64/10 {
			return 0, false
		}
		v *= 10
	}
	if negative {
		v = -v
	}
	return v, true
}

// leading returns the integer of the first keep digits, rounded by the next one.
func leading(mantissa []byte, keep int) (v int64, ok bool) {
	seen := 0
	for _, c := range mantissa {
		if c == '.' {
			continue
		}
		d := int64(c - '0')
		if seen >= keep {
			if seen == keep && d >= 5 {
				if v == math.MaxInt64 {
					return 0, false
				}
				v++
			}
			break
		}
		if v > (math.MaxInt64-d)/10 {
			return 0, false
		}
		v = v*10 + d
		seen++
	}
	return v, true
}

// maxExponent is past every exponent that makes a difference for numbers of up
// to a million digits, and small enough that sums of two do not overflow.
const maxExponent = 1 << 24

func exponent(text []byte) int {
	negative := text[0] == '-'
	if negative || text[0] == '+' {
		text = text[1:]
	}
	e := 0
	for _, c := range text {
		if e = e*10 + int(c-'0'); e > maxExponent {
			e = maxExponent
		}
	}
	if negative {
		return -e
	}
	return e
}

func number(text []byte) bool {
	return len(text) > 0 && skipNumber(text, 0) == len(text)
}
