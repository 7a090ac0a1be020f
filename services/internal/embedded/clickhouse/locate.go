package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// MinVersion is the oldest installed clickhouse that Locate takes, as major and
// minor version: the one whose local mode is tested here as a server.
var MinVersion = [2]int{26, 7}

// cacheEnv overrides where downloads are kept.
const cacheEnv = "TOUCHLINE_CACHE_DIR"

// LocateConfig says where Locate looks. The zero value is what most want.
type LocateConfig struct {
	// Binary is the installed clickhouse to use; it is an error if that does
	// not work. Empty looks into PATH, and goes on if there is none that is
	// new enough.
	Binary string
	// CacheDir keeps downloads, of which each version has its own directory.
	// Empty is the environment's TOUCHLINE_CACHE_DIR or, without it, touchline
	// in the user's cache directory.
	CacheDir string
	// Progress gets lines about what takes long; nil is silence.
	Progress io.Writer
}

// Locate finds an engine: an installed clickhouse of at least MinVersion, else
// the library in the cache, else the library downloaded with npm into the
// cache. Processes that download at the same time wait for each other.
// The error says what the user can do.
func Locate(ctx context.Context, cfg LocateConfig) (Engine, error) {
	if cfg.Progress == nil {
		cfg.Progress = io.Discard
	}
	engine, err := installed(ctx, cfg)
	if err != nil || engine.Path != "" {
		return engine, err
	}
	pkg, err := platformPackage()
	if err != nil {
		return Engine{}, err
	}
	cache, err := cacheDir(cfg.CacheDir)
	if err != nil {
		return Engine{}, fmt.Errorf("find cache directory: %w; set %s", err, cacheEnv)
	}
	dir := filepath.Join(cache, "chdb-"+LibraryVersion)
	engine = Engine{Kind: Library, Path: filepath.Join(dir, libraryFile), Version: LibraryVersion}
	present, err := isFile(engine.Path)
	if err != nil {
		return Engine{}, fmt.Errorf("look into cache: %w", err)
	}
	if present {
		return engine, nil
	}
	fetch := fetcher{npm: "npm", pkg: pkg, dir: dir, progress: cfg.Progress}
	if err := fetch.run(ctx); err != nil {
		return Engine{}, fmt.Errorf("get ClickHouse: %w\n%s", err, fetch.remedy())
	}
	return engine, nil
}

// installed returns the clickhouse to use, or no engine if there is none.
func installed(ctx context.Context, cfg LocateConfig) (Engine, error) {
	name := cfg.Binary
	if name == "" {
		name = "clickhouse"
	}
	path, err := exec.LookPath(name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	var version string
	if err == nil {
		version, err = binaryVersion(ctx, path)
	}
	if err == nil {
		return Engine{Kind: Binary, Path: path, Version: version}, nil
	}
	if cfg.Binary != "" {
		return Engine{}, fmt.Errorf("use %s: %w", cfg.Binary, err)
	}
	if !errors.Is(err, exec.ErrNotFound) {
		fmt.Fprintf(cfg.Progress, "not using the installed clickhouse: %v\n", err)
	}
	return Engine{}, nil
}

var versionPattern = regexp.MustCompile(`version ((\d{1,4})\.(\d{1,4})(?:\.\d+)*)`)

// binaryVersion returns the version of the clickhouse at path, or why it cannot
// be used.
func binaryVersion(ctx context.Context, path string) (string, error) {
	output, err := exec.CommandContext(ctx, path, "local", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", path, err)
	}
	return parseVersion(string(output))
}

func parseVersion(text string) (string, error) {
	match := versionPattern.FindStringSubmatch(text)
	if match == nil {
		return "", fmt.Errorf("find version in %.100q", text)
	}
	major, majorErr := strconv.Atoi(match[2])
	minor, minorErr := strconv.Atoi(match[3])
	if err := errors.Join(majorErr, minorErr); err != nil {
		return "", fmt.Errorf("parse version: %w", err)
	}
	if major < MinVersion[0] || major == MinVersion[0] && minor < MinVersion[1] {
		return "", fmt.Errorf("version %s is older than %d.%d", match[1], MinVersion[0], MinVersion[1])
	}
	return match[1], nil
}

func cacheDir(configured string) (string, error) {
	if configured == "" {
		configured = os.Getenv(cacheEnv)
	}
	if configured != "" {
		return filepath.Abs(configured)
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(user, "touchline"), nil
}

func isFile(path string) (bool, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%s is no file", path)
	}
	return true, nil
}
