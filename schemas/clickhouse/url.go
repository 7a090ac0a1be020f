package clickhouse

import "strings"

// SplitURL cuts a URL as the tables keep it, so that origin + path + query is
// always exactly url, whatever url holds:
//
//   - origin: scheme and authority as written ("https://shop.example:8443"), the
//     part that repeats on every row; empty when url does not hold "://" before
//     its path
//   - path: up to the first '?' or '#'
//   - query: the rest, with its '?' or '#'
func SplitURL(url string) (origin, path, query string) {
	path = url
	if i := strings.IndexByte(path, '?'); i >= 0 {
		path = path[:i]
	}
	if i := strings.IndexByte(path, '#'); i >= 0 {
		path = path[:i]
	}
	query = url[len(path):]
	if i := strings.Index(path, "://"); i > 0 && strings.IndexByte(path[:i], '/') < 0 {
		end := i + len("://")
		if j := strings.IndexByte(path[end:], '/'); j >= 0 {
			end += j
		} else {
			end = len(path)
		}
		origin, path = path[:end], path[end:]
	}
	return origin, path, query
}

// SplitReferrer cuts a referrer like SplitURL, with path and query in one piece.
func SplitReferrer(url string) (origin, rest string) {
	origin, _, _ = SplitURL(url)
	return origin, url[len(origin):]
}
