package repotest

import (
	"context"
	"io"

	"touchline.dev/services/collector"
	"touchline.dev/services/enricher"
	"touchline.dev/services/scorer"
	"touchline.dev/services/standalone"
)

// program is what an image can be built with.
type program struct {
	// settings are the defaults; nil for a program with commands, of which each
	// has its own.
	settings any
	main     func(ctx context.Context, args, env []string, stdout, stderr io.Writer) int
}

// programs are the programs by the name of their folder under cmd.
func programs() map[string]program {
	c, e, s := collector.DefaultSettings(), enricher.DefaultSettings(), scorer.DefaultSettings()
	return map[string]program{
		collector.Service: {&c, collector.Main},
		enricher.Service:  {&e, enricher.Main},
		scorer.Service:    {&s, scorer.Main},
		"touchline":       {nil, standalone.Main},
	}
}
