#!/usr/bin/env bash
# Checks which module imports which, by the rules of imports.awk.
set -euo pipefail
cd "$(dirname "$0")/.."

go list -f '{{$p := .ImportPath}}
{{- range .Imports}}direct {{$p}} {{.}}{{"\n"}}{{end}}
{{- range .TestImports}}direct {{$p}} {{.}}{{"\n"}}{{end}}
{{- range .XTestImports}}direct {{$p}} {{.}}{{"\n"}}{{end}}
{{- range .Deps}}deep {{$p}} {{.}}{{"\n"}}{{end}}' work |
	grep -v '^$' | awk -f scripts/imports.awk
