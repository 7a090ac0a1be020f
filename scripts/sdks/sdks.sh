#!/usr/bin/env bash
# Gets what the end-to-end tests with real SDKs need: the SDKs and the tools that
# drive them from npm, pinned by the lock file in services/standalone/e2e/sdk, and
# Chromium. Node.js 20 or newer and npm have to be installed.
#
#   sdks.sh fetch       get the packages; prints their folder
#   sdks.sh browser     print the path of Chromium; installs it where apt-get and
#                       the rights to use it are there
#   sdks.sh lock        write the lock file anew after a change of package.json
#
# A folder of packages belongs to one lock file and is never changed once it has
# its name. CHROMIUM names another browser than the one on the PATH.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
manifests=$here/../../services/standalone/e2e/sdk
readonly here manifests

# The tracker of Umami is one file in the package of the whole application, whose
# 100 dependencies nobody needs here: the package is taken by itself.
readonly umami=umami@2.10.0
readonly umami_integrity=sha512-+lmrnV0751R6U2rkIgVAlE1nWI7yZawlMlJDguW9tlFacCKhnGeCyc7tCMIhNNYIiGIQy4DEX5IzJhm4b3+dPA==

say() { printf 'sdks: %s\n' "$*" >&2; }

fail() {
	say "$@"
	exit 1
}

require() {
	command -v "$1" >/dev/null || fail "$1 is missing: $2"
}

# Versions and hosts of packages come from the lock file and from npm's own
# configuration; their install scripts are not run.
npm_quiet() { npm "$@" --ignore-scripts --no-audit --no-fund --loglevel error; }

fetch() {
	require node 'install Node.js 20 or newer'
	require npm 'install Node.js with npm'
	local major
	major=$(node -p 'process.versions.node.split(".")[0]')
	((major >= 20)) || fail "Node.js 20 or newer is needed, this is $major"
	local cache folder partial
	cache=${TOUCHLINE_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/touchline}/sdks
	folder=$cache/$(cat "$manifests/package-lock.json" "${BASH_SOURCE[0]}" | cksum | cut -d ' ' -f 1)
	if [[ ! -d $folder ]]; then
		mkdir -p "$cache"
		partial=$(mktemp -d "$folder.XXXXXX")
		say "fetching SDKs with npm into $folder"
		cp "$manifests"/{package.json,package-lock.json,.npmrc} "$partial"
		if ! (cd "$partial" && npm_quiet ci && umami "$partial") >&2; then
			rm -rf "$partial"
			fail 'npm could not get the packages'
		fi
		# Whoever is first wins; the folders are the same. mv would move into one
		# that exists.
		node -e 'try { fs.renameSync(...process.argv.slice(1)) } catch (e) { if (!fs.existsSync(process.argv[2])) throw e }' \
			"$partial" "$folder"
		rm -rf "$partial"
	fi
	printf '%s\n' "$folder"
}

# umami unpacks the tracker where npm would have put it.
umami() {
	local to=$1/node_modules/umami packed
	packed=$(npm_quiet pack "$umami" --json | node -p 'JSON.parse(fs.readFileSync(0))[0].filename')
	node -e '
		const [file, want] = process.argv.slice(1);
		const have = "sha512-" + crypto.createHash("sha512").update(fs.readFileSync(file)).digest("base64");
		if (have !== want) throw new Error(`${file} has the checksum ${have}`);' "$packed" "$umami_integrity"
	mkdir -p "$to"
	tar -xzf "$packed" -C "$to" --strip-components 1 package/package.json package/src/tracker/index.js package/LICENSE
	rm "$packed"
}

browser() {
	local path
	path=$(command -v "${CHROMIUM:-chromium}") && { printf '%s\n' "$path"; return; }
	[[ -z ${CHROMIUM:-} ]] || fail "$CHROMIUM is no program"
	if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
		fail 'chromium is missing: install it (Debian: apt-get install chromium), or name a browser of its kind in CHROMIUM'
	fi
	say 'installing chromium with apt-get'
	{
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium
	} >&2 || fail 'apt-get could not install chromium'
	command -v chromium
}

lock() {
	require npm 'install Node.js with npm'
	(cd "$manifests" && npm_quiet install --package-lock-only)
	if grep -q '"resolved"' "$manifests/package-lock.json"; then
		fail 'the lock file names a registry: package.json asks for something that is not in one'
	fi
}

case ${1:-} in
fetch | browser | lock) "$1" ;;
*)
	sed -n '2,/^# its name/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
	exit 2
	;;
esac
