#!/usr/bin/env bash
# Fails, with the differences, if a Go file is not formatted.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(gofmt -d schemas services scripts)
if [[ -n $unformatted ]]; then
	printf '%s\n' "$unformatted"
	echo 'not formatted; run: make fmt' >&2
	exit 1
fi
