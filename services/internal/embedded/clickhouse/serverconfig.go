package clickhouse

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"fmt"
	"text/template"
)

//go:embed config.xml.tmpl
var configTemplate string

//go:embed users.xml.tmpl
var usersTemplate string

// fileFunction stands before the engine's function file(). The library takes itself for
// a program that its user runs, so that everybody who may ask anything could read every
// file with it, these passwords included: it asks for no right. The name is taken, so
// the function cannot be made by a statement; what the engine loads, it does not check.
//
//go:embed function_file.sql
var fileFunction []byte

// serverConfig is what the generated files depend on.
type serverConfig struct {
	Log, Users string
	MaxMemory  int64
	Writer     Credentials
	Readers    []reader
}

// BIMemory is what one query of a reader may allocate, in bytes: half of the
// server, so that a greedy one fails while inserts go on.
func (c serverConfig) BIMemory() int64 { return c.MaxMemory / 2 }

// CacheSize is the most that each of the caches of marks and primary keys may
// hold, in bytes: a sixteenth of the server.
func (c serverConfig) CacheSize() int64 { return c.MaxMemory / 16 }

func (c serverConfig) configXML() ([]byte, error) { return c.render("config.xml", configTemplate) }
func (c serverConfig) usersXML() ([]byte, error)  { return c.render("users.xml", usersTemplate) }

func (c serverConfig) render(name, text string) ([]byte, error) {
	parsed, err := template.New(name).Funcs(template.FuncMap{
		"xml": func(text string) (string, error) {
			var out bytes.Buffer
			err := xml.EscapeText(&out, []byte(text))
			return out.String(), err
		},
		"sha256": hashOf,
	}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, c); err != nil {
		return nil, fmt.Errorf("generate %s: %w", name, err)
	}
	return out.Bytes(), nil
}
