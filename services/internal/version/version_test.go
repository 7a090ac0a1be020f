package version

import (
	"runtime/debug"
	"testing"
)

func TestOf(t *testing.T) {
	f := func(release string, info *debug.BuildInfo, want string) {
		t.Helper()
		if got := of(release, info); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	build := func(settings ...debug.BuildSetting) *debug.BuildInfo { return &debug.BuildInfo{Settings: settings} }
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123"}
	f("1.2.3", build(revision), "1.2.3")
	f("", nil, "dev")
	f("", build(), "dev")
	f("", build(debug.BuildSetting{Key: "vcs.modified", Value: "true"}), "dev")
	f("", build(revision, debug.BuildSetting{Key: "vcs.modified", Value: "false"}), "0123456789ab")
	f("", build(revision, debug.BuildSetting{Key: "vcs.modified", Value: "true"}), "0123456789ab-dirty")
	f("", build(debug.BuildSetting{Key: "vcs.revision", Value: "abc"}), "abc")
	if String() == "" {
		t.Error("no version")
	}
}
