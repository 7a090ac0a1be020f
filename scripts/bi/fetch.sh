#!/usr/bin/env bash
# Gets what the tests of BI tools run, at pinned versions:
#
#   jdbc        jars of clickhouse-jdbc, with Maven: a folder for each version
#   node        @clickhouse/client, with npm
#   python      clickhouse-connect and SQLAlchemy, with pip
#   superset    Apache Superset, with pip: 850 MB
#   dbt         dbt-core and dbt-clickhouse, with pip: 160 MB
#   cube        Cube's compiler of models and its driver, with npm: 200 MB
#
# Arguments name some of them. Prints the folder of each, a line for each argument. What
# is there already is kept; a list of versions that changed makes a new folder.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly jdbc_versions='0.9.8 0.10.0 0.11.0'
readonly cache=${TOUCHLINE_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/touchline}/bi

say() { printf 'bi: %s\n' "$*" >&2; }

need() {
	command -v "$1" >/dev/null || { say "$1 is missing: $2"; exit 1; }
}

# into PART LISTS... runs the function PART, which fills the folder that it is given, and
# prints the folder, whose name has a checksum of the lists.
into() {
	local part=$1 partial folder
	shift
	folder=$cache/$part-$(cat "$@" | cksum | cut -d ' ' -f 1)
	if [[ ! -d $folder ]]; then
		mkdir -p "$cache"
		partial=$(mktemp -d "$cache/.$part.XXXXXX")
		say "fetching $part"
		if ! "$part" "$partial" >&2; then
			rm -rf "$partial"
			say "could not fetch $part, see above"
			exit 1
		fi
		chmod 755 "$partial"
		mv -T "$partial" "$folder" 2>/dev/null || rm -rf "$partial" # somebody else was faster
	fi
	echo "$folder"
}

# -C makes a jar with a wrong checksum an error.
jdbc() {
	local version
	for version in $jdbc_versions; do
		mvn -B -ntp -C -q -Dstyle.color=never -f "$here/jdbc/pom.xml" -Ddriver.version="$version" \
			org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
			-DincludeScope=runtime -DoutputDirectory="$1/$version" || return
	done
}

npm_packages() {
	cp "$here/$2/package.json" "$1/" && npm install --prefix "$1" --no-package-lock --no-audit --no-fund --ignore-scripts
}

# A plain folder for PYTHONPATH: a virtual environment cannot be moved.
pip_packages() {
	python3 -m pip install --disable-pip-version-check --root-user-action ignore --quiet --target "$1" -r "$here/$2/requirements.txt"
}

node() { npm_packages "$1" node; }
cube() { npm_packages "$1" cube; }
python() { pip_packages "$1" python; }
superset() { pip_packages "$1" superset; }
dbt() { pip_packages "$1" dbt; }

for part in "$@"; do
	case $part in
	jdbc)
		need java 'install Java 17 or newer'
		need mvn 'install Maven'
		into jdbc "$here/jdbc/pom.xml" - <<<"$jdbc_versions"
		;;
	node | cube)
		need npm 'install Node.js with npm'
		into "$part" "$here/$part/package.json"
		;;
	python | superset | dbt)
		need python3 'install Python 3.10 or newer with pip'
		into "$part" "$here/$part"/*.txt
		;;
	*)
		say "there is no $part"
		exit 2
		;;
	esac
done
