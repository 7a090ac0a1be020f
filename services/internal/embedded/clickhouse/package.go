package clickhouse

import (
	"fmt"
	"runtime"
)

// LibraryVersion is the version of the npm packages with the library. It holds
// ClickHouse 26.7.2.
const LibraryVersion = "26.7.3-stable.1"

// libraryFile is the library's name in the packages and in the cache.
const libraryFile = "libchdb.so"

// npmPackage is where the library of a platform comes from.
type npmPackage struct {
	name string
	// sha512 of the package, in base64. Empty where it is not known here: npm's
	// own check against the registry remains.
	sha512 string
}

// platformPackage returns the package for this machine.
func platformPackage() (npmPackage, error) {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	switch platform {
	case "linux/amd64":
		return npmPackage{
			name:   "@chdb/lib-linux-x64-gnu",
			sha512: "XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==",
		}, nil
	case "linux/arm64":
		return npmPackage{name: "@chdb/lib-linux-arm64-gnu"}, nil
	case "darwin/arm64":
		return npmPackage{name: "@chdb/lib-darwin-arm64"}, nil
	case "darwin/amd64":
		return npmPackage{name: "@chdb/lib-darwin-x64"}, nil
	}
	return npmPackage{}, fmt.Errorf("no ClickHouse library for %s: install clickhouse %d.%d or newer, or name a server with --clickhouse URL",
		platform, MinVersion[0], MinVersion[1])
}
