#!/usr/bin/env bash
# Runs Apache Kafka for tests: one broker or three, on this host, without a
# container. Java 17 or newer and Maven have to be installed.
#
#   kafka.sh fetch                          get the jars; prints their folder
#   kafka.sh start --dir DIR --brokers N    start a cluster, or an earlier one again
#   kafka.sh run --dir DIR --brokers N      the same, until standard input ends
#   kafka.sh start --dir DIR ID...          start brokers that ended
#   kafka.sh stop --dir DIR [ID...]         end brokers cleanly, all without ID
#   kafka.sh kill|pause|resume --dir DIR [ID...]    SIGKILL, SIGSTOP, SIGCONT
#
# The start of a new cluster also takes --java "OPTIONS" for the Java machine and
# --set KEY=VALUE, any number of times, for the brokers' settings. start and run
# print the brokers' addresses when all are ready, as host:port,host:port.
#
# DIR holds everything: `brokers` has id, client port and controller port of each
# broker, and DIR/ID its pid, log and data. Only processes that were started from
# DIR are signalled. Works with bash 3.2, on Linux and macOS.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
# Enough for a machine whose cores are all busy: 3 brokers need 6 to 12 s, one that
# was killed under load up to 23 s.
readonly start_seconds=120
# A broker without a quorum of controllers never ends cleanly.
readonly stop_seconds=10

usage() {
	sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
	exit 2
}

say() { printf 'kafka: %s\n' "$*" >&2; }

fail() {
	say "$@"
	exit 1
}

require_java() {
	java=${JAVA_HOME:+$JAVA_HOME/bin/}java
	command -v "$java" >/dev/null || fail "java is missing: install Java 17 or newer"
	local text major
	text=$("$java" -version 2>&1) || fail "java does not run: $text"
	major=$(sed -n 's/.* version "\([0-9]*\).*/\1/p' <<<"$text" | head -n 1)
	((${major:-0} >= 17)) || fail "Java 17 or newer is needed, $java is: $text"
}

# fetch sets libs to the folder of the jars, and java to the program.
fetch() {
	local version cache
	version=$(sed -n 's|.*<kafka.version>\(.*\)</kafka.version>.*|\1|p' "$here/pom.xml")
	cache=${TOUCHLINE_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/touchline}/kafka
	# Another pom is another folder, also with the same version of Kafka.
	libs=$cache/$version-$(cksum <"$here/pom.xml" | cut -d ' ' -f 1)
	require_java
	[[ ! -d $libs ]] || return 0
	command -v mvn >/dev/null || fail "mvn is missing: install Maven"
	mkdir -p "$cache"
	# The lock only saves a second download: publishing is one rename.
	local lock=$libs.lock holder
	until ln -s "$$" "$lock" 2>/dev/null; do
		[[ ! -d $libs ]] || return 0
		holder=$(readlink "$lock") || continue
		kill -0 "$holder" 2>/dev/null || rm -f "$lock"
		sleep 0.2
	done
	if [[ ! -d $libs ]]; then
		download "$version" "$(mktemp -d "$libs.XXXXXX")" || { rm -f "$lock"; exit 1; }
	fi
	rm -f "$lock"
}

download() {
	local version=$1 partial=$2
	say "fetching Apache Kafka $version with Maven into $libs"
	# -C: a jar with a wrong checksum is an error, not a warning.
	if ! mvn -B -ntp -C -Dstyle.color=never -f "$here/pom.xml" \
		org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$partial" >&2; then
		rm -rf "$partial"
		say "Maven could not fetch Apache Kafka, see above"
		return 1
	fi
	chmod 755 "$partial"
	mv "$partial" "$libs"
	# Somebody who was quicker: then it went inside theirs.
	rm -rf "${libs:?}/${partial##*/}"
}

# --- processes

# pid_of prints the pid of a running broker. A pid that now belongs to something
# else, or to nothing, is none: the command line must name the broker's own file.
pid_of() {
	local pid command file=$dir/$1/server.properties
	pid=$(cat "$dir/$1/pid" 2>/dev/null) && [[ $pid =~ ^[0-9]+$ ]] || return 1
	if [[ -d /proc/self ]]; then
		command=$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") || return 1
	else
		command=$(ps -ww -o command= -p "$pid") || return 1
	fi
	[[ $command == *" kafka.Kafka $file"* ]] || return 1
	echo "$pid"
}

# ended: a process is over when nobody waits for it any more, or only its parent
# does. Its command line goes before its sockets are closed, and its first thread
# may end before the others.
ended() {
	kill -0 "$1" 2>/dev/null || return 0
	local state tasks
	read -r _ _ state _ 2>/dev/null <"/proc/$1/stat" || return 1
	tasks=("/proc/$1/task/"*)
	[[ $state == Z ]] && ((${#tasks[@]} == 1))
}

# signal sends the signals to the brokers that run, and sets pids to theirs.
signal() {
	local names=$1 id pid name
	shift
	pids=()
	for id in "$@"; do
		pid=$(pid_of "$id") || continue
		pids+=("$pid")
		for name in $names; do
			kill -s "$name" "$pid" 2>/dev/null || true
		done
	done
}

# await_end waits until the signalled brokers have ended.
await_end() {
	local deadline=$((SECONDS + stop_seconds)) pid
	for pid in ${pids[@]+"${pids[@]}"}; do
		until ended "$pid"; do
			((SECONDS < deadline)) || return 1
			sleep 0.05
		done
	done
}

kill_brokers() {
	signal KILL "$@"
	await_end || fail "a killed broker has not ended"
}

stop_brokers() {
	# A paused one hears nothing before it goes on.
	signal 'TERM CONT' "$@"
	await_end || kill_brokers "$@"
}

# launch starts a broker and returns at once.
launch() {
	local id=$1
	if pid_of "$id" >/dev/null; then
		say "broker $id runs already"
		return
	fi
	cd "$dir/$id"
	# The log of this start says when it is ready.
	[[ ! -f out.log ]] || cat out.log >>earlier.log
	: >out.log
	# shellcheck disable=SC2046 # options are words
	nohup "$java" -Xms64m -XX:+UseSerialGC $(cat "$dir/java") \
		"-Dlog4j2.configurationFile=$here/log4j2.properties" \
		-cp "$libs/*" kafka.Kafka "$dir/$id/server.properties" </dev/null >>out.log 2>&1 &
	echo "$!" >pid
	# Or the shell would tell of its end.
	disown
	cd "$here"
}

# await_ready waits until the brokers answer. It returns 1 when one has ended.
await_ready() {
	local id deadline=$((SECONDS + start_seconds))
	for id in "$@"; do
		until grep -q 'Kafka Server started' "$dir/$id/out.log"; do
			# A shell that has not become java yet is no broker, but a child.
			if ! pid_of "$id" >/dev/null && ! kill -0 "$(cat "$dir/$id/pid")" 2>/dev/null; then
				return 1
			fi
			if [[ -e $dir/closing ]]; then
				kill_brokers "$@"
				fail "stopped while starting"
			fi
			if ((SECONDS >= deadline)); then
				kill_brokers "$@"
				tail -n 20 "$dir/$id/out.log" >&2
				fail "broker $id is not ready after $start_seconds s, see $dir/$id/out.log"
			fi
			sleep 0.1
		done
	done
}

start_brokers() {
	local id
	for id in "$@"; do
		launch "$id"
	done
	if ! await_ready "$@"; then
		for id in "$@"; do
			pid_of "$id" >/dev/null || tail -n 20 "$dir/$id/out.log" >&2
		done
		fail "a broker has ended, see $dir/ID/out.log"
	fi
}

# --- clusters

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# choose_ports writes the brokers' ids and ports. The ports lie below those of
# outgoing connections, or one of these might take the port of a broker that is
# down for a moment.
choose_ports() {
	local id port ports=' '
	for ((id = 1; id <= $1; id++)); do
		printf '%d' "$id"
		for _ in client controller; do
			port=$((10000 + RANDOM % 22000))
			while [[ $ports == *" $port "* ]] || listening "$port"; do
				port=$((10000 + RANDOM % 22000))
			done
			ports+="$port "
			printf ' %d' "$port"
		done
		printf '\n'
	done >"$dir/brokers"
}

# configure writes the settings of all brokers.
configure() {
	local count=$1 voters='' id port controller setting
	while read -r id port controller; do
		voters+=${voters:+,}$id@127.0.0.1:$controller
	done <"$dir/brokers"
	while read -r id port controller; do
		mkdir -p "$dir/$id"
		{
			cat "$here/server.properties"
			cat <<-END
				node.id=$id
				controller.quorum.voters=$voters
				listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
				advertised.listeners=PLAINTEXT://127.0.0.1:$port
				log.dirs=$dir/$id/data
				default.replication.factor=$count
				offsets.topic.replication.factor=$count
				transaction.state.log.replication.factor=$count
				share.coordinator.state.topic.replication.factor=$count
				min.insync.replicas=$(((count + 1) / 2))
				transaction.state.log.min.isr=$(((count + 1) / 2))
				share.coordinator.state.topic.min.isr=$(((count + 1) / 2))
			END
			for setting in ${settings[@]+"${settings[@]}"}; do
				printf '%s\n' "$setting"
			done
		} >"$dir/$id/server.properties"
	done <"$dir/brokers"
}

format() {
	local id cluster
	# 16 random bytes in base64, without the characters that mean something in a URL
	# or an option.
	cluster=$(head -c 16 /dev/urandom | base64 | tr '+/' 'Ag' | tr -d '=\n')
	local formatting=()
	for id in "$@"; do
		"$java" -XX:TieredStopAtLevel=1 "-Dlog4j2.configurationFile=$here/log4j2.properties" -cp "$libs/*" \
			kafka.tools.StorageTool format -t "$cluster" -c "$dir/$id/server.properties" >"$dir/$id/format.log" 2>&1 &
		formatting+=("$!")
	done
	for id in "${formatting[@]}"; do
		wait "$id" || { tail -n 20 "$dir"/*/format.log >&2; fail "could not format the data directories"; }
	done
}

# create makes a cluster and starts it. Between the choice of a port and its use
# somebody else may take it: then everything is chosen anew.
create() {
	local count=$1 try id ids=()
	for ((id = 1; id <= count; id++)); do
		ids+=("$id")
	done
	printf '%s\n' "$options" >"$dir/java"
	for try in 1 2 3 4 5; do
		choose_ports "$count"
		configure "$count"
		format "${ids[@]}"
		for id in "${ids[@]}"; do
			launch "$id"
		done
		if await_ready "${ids[@]}"; then
			touch "$dir/formatted"
			return
		fi
		kill_brokers "${ids[@]}"
		if ! grep -q 'Address already in use' "$dir"/*/out.log; then
			tail -n 20 "$dir"/*/out.log >&2
			fail "a broker has ended, see $dir/ID/out.log"
		fi
		say "a port is taken, trying others"
		for id in "${ids[@]}"; do
			rm -rf "${dir:?}/$id"
		done
	done
	fail "found no free ports in $try tries"
}

all_brokers() { cut -d ' ' -f 1 "$dir/brokers"; }

# up starts the cluster of the directory, new or as it was left.
up() {
	fetch
	rm -f "$dir/closing"
	if [[ -e $dir/formatted ]]; then
		# shellcheck disable=SC2046 # ids are words
		start_brokers $(all_brokers)
	else
		create "$1"
	fi
	awk '{ printf "%s127.0.0.1:%d", (NR > 1 ? "," : ""), $2 } END { print "" }' "$dir/brokers"
}

# down ends every broker, also one that is being started meanwhile: that one finds
# the mark, or is found here.
down() {
	[[ -f $dir/brokers ]] || return 0
	touch "$dir/closing"
	# shellcheck disable=SC2046 # ids are words
	"$1" $(all_brokers)
}

# --- commands

(($#)) || usage
command=$1
shift
dir='' brokers='' options='-Xmx256m -XX:TieredStopAtLevel=1' settings=() ids=() pids=()
while (($#)); do
	case $1 in
	--dir | --brokers | --java | --set)
		(($# > 1)) || fail "$1 needs a value"
		case $1 in
		--dir) dir=$2 ;;
		--brokers) brokers=$2 ;;
		--java) options=$2 ;;
		--set) settings+=("$2") ;;
		esac
		shift 2
		;;
	[0-9]*)
		ids+=("$1")
		shift
		;;
	*) fail "unknown argument $1" ;;
	esac
done

if [[ $command == fetch ]]; then
	fetch
	echo "$libs"
	exit
fi
[[ -n $dir ]] || fail "--dir is missing"
[[ $dir != *[,\\]* ]] || fail "a directory with a comma or backslash cannot be given to Kafka: $dir"
if [[ -n $brokers ]]; then
	[[ $brokers == 1 || $brokers == 3 ]] || fail "--brokers is $brokers, want 1 or 3"
	mkdir -p "$dir"
fi
dir=$(cd "$dir" && pwd -P) || fail "no such directory: $dir"
if [[ -z $brokers ]]; then
	[[ -f $dir/brokers ]] || fail "no cluster in $dir"
	for id in ${ids[@]+"${ids[@]}"}; do
		all_brokers | grep -qx "$id" || fail "no broker $id in $dir"
	done
fi
if ((!${#ids[@]})) && [[ -f $dir/brokers ]]; then
	# shellcheck disable=SC2207 # ids are words
	every=($(all_brokers))
else
	every=(${ids[@]+"${ids[@]}"})
fi

case $command in
start)
	if [[ -n $brokers ]]; then
		up "$brokers"
	else
		[[ ! -e $dir/closing ]] || fail "the cluster was stopped: start it with --brokers"
		fetch
		start_brokers "${every[@]}"
	fi
	;;
run)
	[[ -n $brokers ]] || fail "--brokers is missing"
	# Whoever holds the other end of standard input may die without a word.
	trap 'down kill_brokers' EXIT
	trap 'exit 1' HUP INT TERM
	up "$brokers"
	while read -r _; do :; done
	;;
stop)
	if ((${#ids[@]})); then stop_brokers "${ids[@]}"; else down stop_brokers; fi
	;;
kill) kill_brokers "${every[@]}" ;;
pause | resume)
	name=STOP
	[[ $command == pause ]] || name=CONT
	signal "$name" "${every[@]}"
	((${#pids[@]} == ${#every[@]})) || fail "not all of the brokers ${every[*]} run"
	;;
*) usage ;;
esac
