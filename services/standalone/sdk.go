package standalone

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"touchline.dev/services/internal/config"
	"touchline.dev/services/standalone/internal/sdkfetch"
)

type sdkSettings struct {
	Dir string `yaml:"dir" doc:"Directory to put the scripts into; http.scripts of the collector."`
}

// sdkCommand brings the scripts of SDKs that the collector serves.
func sdkCommand(c *call) error {
	c.code = config.ExitBadConfig
	if len(c.args) == 0 || c.args[0] != "fetch" {
		return errors.New("want touchline sdk fetch --dir DIR [NAMES]")
	}
	var names []string
	names, c.args = positional(c.args[1:], "--dir", "--config")
	c.code = 0
	var s sdkSettings
	if done, err := c.load("touchline-sdk", &s); done || err != nil {
		return err
	}
	packages, err := chosen(names)
	if err == nil && s.Dir == "" {
		err = errors.New("dir: want the directory to put the scripts into")
	}
	if err != nil {
		c.code = config.ExitBadConfig
		return err
	}
	return sdkfetch.Fetch(c.ctx, s.Dir, packages, sdkfetch.NPM, c.stdout)
}

// positional parts the arguments that are no flags from those that are; of the
// flags named the next argument is the value.
func positional(args []string, valued ...string) (plain, flags []string) {
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "-" || !strings.HasPrefix(args[i], "-"):
			plain = append(plain, args[i])
		case slices.Contains(valued, args[i]) && i+1 < len(args):
			flags = append(flags, args[i], args[i+1])
			i++
		default:
			flags = append(flags, args[i])
		}
	}
	return plain, flags
}

// chosen returns the packages of these names, all of them without any.
func chosen(names []string) ([]sdkfetch.Package, error) {
	all := sdkfetch.Packages()
	if len(names) == 0 {
		return all, nil
	}
	var some []sdkfetch.Package
	for _, name := range names {
		i := slices.IndexFunc(all, func(p sdkfetch.Package) bool { return p.Name == name })
		if i < 0 {
			var known []string
			for _, p := range all {
				known = append(known, p.Name)
			}
			return nil, fmt.Errorf("want names of %s, got %q", strings.Join(known, ", "), name)
		}
		some = append(some, all[i])
	}
	return some, nil
}
