// Command scorer folds the dense log into profiles and scores and lands them; see
// package scorer.
package main

import (
	"context"
	"os"

	"touchline.dev/services/scorer"
)

func main() {
	os.Exit(scorer.Main(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
