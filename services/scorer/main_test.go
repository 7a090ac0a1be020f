package scorer_test

import (
	"context"
	"os"
	"testing"

	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/scorer"
)

// childEnv makes the test's binary a scorer, so that tests can kill it.
const childEnv = "TOUCHLINE_TEST_SCORER"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(scorer.Main(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
	}
	clickhousetest.Main(m)
}
