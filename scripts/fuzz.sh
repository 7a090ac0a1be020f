#!/usr/bin/env bash
# Fuzzes every decoder for a while, two at a time with one worker each.
#
#   scripts/fuzz.sh 10s            each target of every module
#   scripts/fuzz.sh 5m Posthog     those whose name has Posthog in it
#
# What makes one fail is written below its package's testdata/fuzz, and the run
# fails. Seeds, recordings of real SDKs among them, run as ordinary tests too.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:?want a duration such as 10s} name=${2:-}

targets() {
	grep -rlE --include='*_test.go' '^func Fuzz' schemas services | while read -r file; do
		sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$file" | while read -r target; do
			echo "./$(dirname "$file") $target"
		done
	done | grep -F -- "$name" | sort
}

run() {
	local package=$1 target=$2 log
	log=$(mktemp)
	# Minimising what is interesting can take all the time there is, and the engine
	# then ends with an error of its own that names no input.
	if go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1x -parallel 1 "$package" >"$log" 2>&1 ||
		{ grep -q 'context deadline exceeded' "$log" && ! grep -qE 'Failing input|panic:|_test.go:' "$log"; }; then
		printf 'ok    %s %s (%s)\n' "$package" "$target" "$(sed -nE 's/.*(execs: [0-9]+).*/\1/p' "$log" | tail -1)"
		rm "$log"
	else
		printf 'FAIL  %s %s\n' "$package" "$target"
		tail -60 "$log"
		rm "$log"
		return 1
	fi
}
export -f run
export time

list=$(targets || true)
if [[ -z $list ]]; then
	echo "no fuzz target is called $name" >&2
	exit 1
fi
echo "fuzzing $(wc -l <<<"$list") targets for $time each"
xargs -P 2 -L 1 bash -c 'run "$@"' fuzz <<<"$list"
