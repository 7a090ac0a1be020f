package adapt_test

import "testing"

func FuzzMixpanel(f *testing.F) { fuzzAdapter(f, "mixpanel", "testdata/mixpanel_events.txt") }

func TestMixpanelLosesNothing(t *testing.T) {
	checkNothingLost(t, "testdata/mixpanel_events.txt",
		"token", "$token", "time", "$time", "$insert_id", "event", "distinct_id", "$distinct_id", "$anon_distinct_id")
}

func BenchmarkMixpanel(b *testing.B) { benchmarkAdapter(b, "testdata/mixpanel_events.txt") }
