package enricher_test

import (
	"context"
	"os"
	"testing"

	"touchline.dev/services/enricher"
	"touchline.dev/services/internal/clickhousetest"
)

// childEnv makes the test's binary an enricher, so that tests can measure one.
const childEnv = "TOUCHLINE_TEST_ENRICHER"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(enricher.Main(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
	}
	clickhousetest.Main(m)
}
