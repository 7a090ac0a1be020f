// Command collector is the service that SDKs post to; see package collector.
package main

import (
	"context"
	"os"

	"touchline.dev/services/collector"
)

func main() {
	os.Exit(collector.Main(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
