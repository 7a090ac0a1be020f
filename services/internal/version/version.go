// Package version knows which build of the program is running. It reads the
// build's own records and nothing else.
package version

import "runtime/debug"

// release is set by the linker for a released build:
//
//	go build -ldflags "-X touchline.dev/services/internal/version.release=1.2.3"
var release string

// String returns the released version, else the first 12 digits of the commit
// that was built with "-dirty" appended if files were modified, else "dev".
func String() string {
	info, _ := debug.ReadBuildInfo()
	return of(release, info)
}

func of(release string, info *debug.BuildInfo) string {
	if release != "" {
		return release
	}
	if info == nil {
		return "dev"
	}
	var revision, dirty string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if revision == "" {
		return "dev"
	}
	return revision + dirty
}
