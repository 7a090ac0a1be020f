package jsonscan_test

import (
	"math/big"
	"strconv"
	"strings"
	"testing"

	"touchline.dev/services/internal/jsonscan"
)

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		text  string
		scale int
		want  int64
		ok    bool
	}{
		{"129.9", 4, 1299000, true},
		{"0.1", 4, 1000, true},
		{"1.00004", 4, 10000, true},
		{"1.00005", 4, 10001, true},
		{"-1.00005", 4, -10001, true},
		{"1.000049999999999999999999999999999999", 4, 10000, true},
		{"0.00004999", 4, 0, true},
		{"0.00005", 4, 1, true},
		{"0.000005e1", 4, 1, true},
		{"9.99999", 4, 100000, true},
		{"1.005", 2, 101, true}, // nearest float64 is below 1.005
		{"1e3", 4, 10000000, true},
		{"1E-3", 4, 10, true},
		{"12e-1", 0, 1, true},
		{"15e-1", 0, 2, true},
		{"-0", 4, 0, true},
		{"0e999999999999", 4, 0, true},
		{"1e-999999999999", 4, 0, true},
		{"1e999999999999", 4, 0, false},
		{"922337203685477.5807", 4, 9223372036854775807, true},
		{"922337203685477.58074", 4, 9223372036854775807, true},
		{"922337203685477.58075", 4, 0, false},
		{"922337203685477.5808", 4, 0, false},
		{"-922337203685477.5807", 4, -9223372036854775807, true},
		{"100000000000000000000000000000000000e-30", 4, 1000000000, true},
		{"", 4, 0, false}, {"-", 4, 0, false}, {".5", 4, 0, false}, {"5.", 4, 0, false}, {"1,5", 4, 0, false},
		{"0x1", 4, 0, false}, {"NaN", 4, 0, false}, {"1 ", 4, 0, false}, {"+1", 4, 0, false}, {"1e", 4, 0, false},
	} {
		if got, ok := jsonscan.Decimal([]byte(c.text), c.scale); got != c.want || ok != c.ok {
			t.Errorf("Decimal(%q, %d) = %d, %v; want %d, %v", c.text, c.scale, got, ok, c.want, c.ok)
		}
	}
}

func TestInt64(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"-7", -7, true}, {"9223372036854775807", 9223372036854775807, true}, {"9223372036854775808", 0, false},
		{"1.0", 0, false}, {"1e3", 0, false}, {"", 0, false}, {"01", 0, false}, {"a", 0, false},
	} {
		if got, ok := jsonscan.Int64([]byte(c.text)); got != c.want || ok != c.ok {
			t.Errorf("Int64(%q) = %d, %v; want %d, %v", c.text, got, ok, c.want, c.ok)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, text := range []string{"129.9", "1.00005", "1e3", "-0", "5e-5", "0.00005", "99999.99995", "922337203685477.5807", "1E+2", "123e-2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if jsonscan.KindOf([]byte(text)) == jsonscan.Number && jsonscan.Valid([]byte(text)) == nil && strings.TrimSpace(text) == text {
			compareNumber(t, []byte(text))
		} else if _, ok := jsonscan.Decimal([]byte(text), 4); ok {
			t.Fatalf("Decimal takes %q", text)
		}
	})
}

// compareNumber holds the readings of a JSON number against strconv and
// math/big.
func compareNumber(t *testing.T, text []byte) {
	want, err := strconv.ParseFloat(string(text), 64)
	if got, ok := jsonscan.Float64(text); ok != (err == nil) || ok && got != want {
		t.Fatalf("Float64(%q) = %v, %v; want %v, %v", text, got, ok, want, err)
	}
	// Beyond this the exact value is too large to write down, and the result is
	// an overflow or 0 anyway.
	if i := strings.IndexAny(string(text), "eE"); i >= 0 {
		if e, err := strconv.Atoi(string(text[i+1:])); err != nil || e > 500 || e < -500 {
			return
		}
	}
	exact, ok := new(big.Rat).SetString(string(text))
	if !ok {
		t.Fatalf("math/big does not take %q", text)
	}
	exact.Mul(exact, big.NewRat(10000, 1))
	half := big.NewRat(int64(exact.Sign()), 2)
	sum := exact.Add(exact, half)
	rounded := new(big.Int).Quo(sum.Num(), sum.Denom()) // towards zero, after half a unit away from it
	fits := rounded.IsInt64() && rounded.Int64() != -1<<63
	got, ok := jsonscan.Decimal(text, 4)
	if ok != fits || ok && got != rounded.Int64() {
		t.Fatalf("Decimal(%q, 4) = %d, %v; want %s", text, got, ok, rounded)
	}
}
