#!/usr/bin/env bash
# Fails, with the differences, if a go.mod or go.sum is not what the imports ask
# for. Each module is looked at by itself, as it is outside the workspace.
set -euo pipefail
cd "$(dirname "$0")/.."

untidy=0
while read -r dir; do
	GOWORK=off go -C "$dir" mod tidy -diff || untidy=1
done < <(go list -m -f '{{.Dir}}' && echo scripts/tools)
if ((untidy)); then
	echo 'not tidy; run: make tidy' >&2
	exit 1
fi
