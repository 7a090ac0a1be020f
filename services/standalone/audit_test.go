package standalone

import (
	"slices"
	"strings"
	"testing"
)

func TestAudit_answersAWrongCall(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"audit"}, 1, "want brokers, or dir"},
		{[]string{"audit", "--once", "--dir", "/nowhere/at/all"}, 1, "find touchline up: none is ready"},
		{[]string{"audit", "--once", "--since", "yesterday", "--brokers", "127.0.0.1:1"}, 2, "since: want a time"},
		{[]string{"audit", "--deep"}, 2, "want --deep FROM TO"},
		{[]string{"audit", "--deep", "1", "--json"}, 2, "want --deep FROM TO"},
		{[]string{"audit", "--deep", "1", "soon", "--brokers", "127.0.0.1:1"}, 2, "--deep: want a time"},
		{[]string{"audit", "--every", "1ms", "--brokers", "127.0.0.1:1"}, 2, "every"},
		{[]string{"audit", "--once", "--wait", "10ms", "--brokers", "127.0.0.1:1"}, 1, "describe topics"},
	} {
		code, out, errs := run(t, c.args...)
		if code != c.code || !strings.Contains(out+errs, c.says) {
			t.Errorf("touchline %s: exit %d, want %d; said %q%q, want %q", strings.Join(c.args, " "), code, c.code, out, errs, c.says)
		}
	}
}

func TestAudit_takesDeepOutOfTheArguments(t *testing.T) {
	c := &call{args: []string{"--json", "--deep", "3", "10m", "--partition", "2"}}
	from, to, deep, err := c.takeDeep()
	if err != nil || !deep || from != "3" || to != "10m" || !slices.Equal(c.args, []string{"--json", "--partition", "2"}) {
		t.Errorf("took %q, %q, %v, %v; left %q", from, to, deep, err, c.args)
	}
	b, err := bound("17")
	if err != nil || b.Offset != 17 || !b.Time.IsZero() {
		t.Errorf("17 is %+v, %v", b, err)
	}
	if b, err = bound("10m"); err != nil || b.Time.IsZero() {
		t.Errorf("10m is %+v, %v", b, err)
	}
	if _, err = bound("-3"); err == nil {
		t.Error("a negative offset was taken")
	}
}
