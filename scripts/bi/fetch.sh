#!/usr/bin/env bash
# Gets the drivers and clients that `make test-bi` connects with, at pinned versions:
#
#   jdbc-VERSION    jars of clickhouse-jdbc, with Maven
#   node            @clickhouse/client, with npm
#   python          clickhouse-connect and SQLAlchemy, with pip
#
# Prints the folder that they are in. What is there already is kept; a list of
# versions that changed makes a new folder. Arguments name some of them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly jdbc_versions='0.9.8 0.10.0 0.11.0'

say() { printf 'bi: %s\n' "$*" >&2; }

need() {
	command -v "$1" >/dev/null || { say "$1 is missing: $2"; exit 1; }
}

cache=${TOUCHLINE_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/touchline}/bi
cache=$cache/$(cat "$here"/fetch.sh "$here"/*/pom.xml "$here"/*/package.json "$here"/*/requirements.txt | cksum | cut -d ' ' -f 1)
mkdir -p "$cache"

# into runs a command that fills the folder $partial, which then becomes $cache/NAME.
into() {
	local name=$1
	shift
	[[ ! -d $cache/$name ]] || return 0
	local partial
	partial=$(mktemp -d "$cache/.$name.XXXXXX")
	say "fetching $name"
	if ! "$@" "$partial" >&2; then
		rm -rf "$partial"
		say "could not fetch $name, see above"
		exit 1
	fi
	chmod 755 "$partial"
	mv "$partial" "$cache/$name"
}

# jdbc: -C makes a jar with a wrong checksum an error.
jdbc() {
	mvn -B -ntp -C -q -Dstyle.color=never -f "$here/jdbc/pom.xml" -Ddriver.version="$1" \
		org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$2"
}

node() {
	cp "$here/node/package.json" "$1/"
	npm install --prefix "$1" --no-package-lock --no-audit --no-fund --ignore-scripts
}

# A plain folder for PYTHONPATH: a virtual environment cannot be moved.
python() {
	python3 -m pip install --disable-pip-version-check --root-user-action ignore --quiet --target "$1" -r "$here/python/requirements.txt"
}

(($#)) || set -- jdbc node python
for part in "$@"; do
	case $part in
	jdbc)
		need java 'install Java 17 or newer'
		need mvn 'install Maven'
		for version in $jdbc_versions; do
			into "jdbc-$version" jdbc "$version"
		done
		;;
	node)
		need npm 'install Node.js with npm'
		into node node
		;;
	python)
		need python3 'install Python 3.10 or newer with pip'
		into python python
		;;
	*)
		say "there is no $part"
		exit 2
		;;
	esac
done
echo "$cache"
