#!/usr/bin/env bash
# Writes the generated files, or with --check fails if one is not up to date:
#
#   schemas/touchlinepb/*.pb.go    from schemas/proto
#   docs/configuration.md          from the services' settings
#   docs/analytics.md              from the heads of the views, below its last written line
#   deploy/bi                      from the heads of the views
set -euo pipefail
cd "$(dirname "$0")/.."

protogen=() reference=(-update)
if [[ ${1-} == --check ]]; then
	protogen=(-check) reference=()
fi
GOWORK=off go -C scripts/tools run ./protogen -root "$PWD" "${protogen[@]}"
go test -count 1 -run '^Test(Configuration|Analytics|BI)Reference$' ./services/standalone/repotest "${reference[@]}"
