package adapt

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

func compareIPv4(t *testing.T, s string) {
	addr, err := netip.ParseAddr(s)
	if want := err == nil && addr.Is4() && addr.String() == s; isIPv4(s) != want {
		t.Fatalf("isIPv4(%q) = %v, netip says %v", s, !want, want)
	}
}

func TestIsIPv4(t *testing.T) {
	for _, s := range []string{
		"", ".", "0.0.0.0", "255.255.255.255", "256.0.0.1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "01.2.3.4", "1.2.3.04", "00.0.0.0",
		"1.2.3.4 ", " 1.2.3.4", "1.2.3.4%eth0", "::1.2.3.4", "1.2.3.4:80", "1.2.3.-4", "1.2.3.4a", "999999999999999999999.1.1.1", "\uff11.2.3.4",
	} {
		compareIPv4(t, s)
	}
	random(t, "0125.6:", 16, compareIPv4)
}

func FuzzIsIPv4(f *testing.F) {
	f.Add("203.0.113.7")
	f.Fuzz(compareIPv4)
}

// What is plainly somebody is told from the ends of the id; with quotes around it
// the id goes the long way, and the answer is the same.
func TestNobody(t *testing.T) {
	compare := func(t *testing.T, id string) {
		if len(id) <= 62 && id != "" && nobody(id) != nobody("'"+id+"'") {
			t.Fatalf("nobody(%q) = %v, in quotes %v", id, nobody(id), !nobody(id))
		}
		if len(id) > 64 && nobody(id) != (strings.Trim(id, "0- ") == "") {
			t.Fatalf("nobody(%q) = %v", id, nobody(id))
		}
	}
	for _, id := range []string{
		"00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000001", "10000000-0000-0000-0000-000000000000",
		"0000000000000000a0000000000000", "not_authenticated", "NOT_AUTHENTICATED", "not_authenticated1", "0", "-", "-1", "null", "anonymous",
	} {
		compare(t, id)
	}
	random(t, "0-", 80, compare)
	random(t, "0-1a \"", 40, compare)
	if !nobody("00000000-0000-0000-0000-000000000000") || nobody("00000000-0000-0000-0000-000000000001") || nobody("not_authenticated_1") {
		t.Error("a long id is taken for another")
	}
}

// random calls check with texts of up to that many characters out of alphabet.
func random(t *testing.T, alphabet string, longest int, check func(*testing.T, string)) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 100_000 {
		b := make([]byte, r.IntN(longest+1))
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		check(t, string(b))
	}
}
