#!/usr/bin/env bash
# Runs tests of BI tools, and fails when one of those named did not run to its end: go
# test is content when no test has the name, or when the file is not built.
#
#   scripts/bi/test.sh TAG TEST...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tag=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
go test -tags "$tag" -count 1 -timeout 60m -v -run "^($(IFS='|' && echo "$*"))\$" ./services/standalone/internal/bi | tee "$log"
for test in "$@"; do
	grep -q "^--- PASS: $test " "$log" || { echo "bi: $test did not run" >&2; exit 1; }
done
