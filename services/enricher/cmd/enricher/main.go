// Command enricher reads the raw log, decides about each event and lands it; see
// package enricher.
package main

import (
	"context"
	"os"

	"touchline.dev/services/enricher"
)

func main() {
	os.Exit(enricher.Main(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
