#!/usr/bin/env bash
# Builds and vets each module outside the workspace, where nothing but its own
# go.mod says what it needs. The workspace would hide a missing requirement.
set -euo pipefail
cd "$(dirname "$0")/.."

export GOWORK=off
while read -r dir; do
	echo "${dir#"$PWD/"}"
	go -C "$dir" build -o /dev/null ./...
	go -C "$dir" vet ./...
done < <(GOWORK='' go list -m -f '{{.Dir}}' && echo scripts/tools)
