// Command touchline runs the whole pipeline in one process (touchline up) and is
// the operator's command line; see package standalone.
package main

import (
	"context"
	"os"

	"touchline.dev/services/internal/embedded/clickhouse"
	"touchline.dev/services/standalone"
)

func main() {
	clickhouse.RunChildIfRequested()
	os.Exit(standalone.Main(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
