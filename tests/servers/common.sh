# What the server scripts share. They set $name, define start DIR PORT … and ready, and call main.

here=$(cd "$(dirname "$0")" && pwd)

fail() { echo "$name: $*" >&2; exit 1; }

# Not so for a zombie, which stays where process 1 reaps no orphans.
alive() { ps -o stat= -p "$1" 2>/dev/null | grep -qv '^Z'; }

wait_gone() {
	for pid; do
		while alive "$pid"; do sleep 0.02; done
	done
}

# launch DIR COMMAND… runs it in the background until ready says that it serves.
launch() {
	dir=$1; shift
	nohup "$@" >>"$dir/log" 2>&1 </dev/null 3>&- &
	echo $! >"$dir/pid"
	end=$(($(date +%s) + 180))
	until ready; do
		alive "$(cat "$dir/pid")" || fail "it ended: see $dir/log"
		[ "$(date +%s)" -lt $end ] || fail "not ready in 180 s: see $dir/log"
		sleep 0.1
	done
}

# The process of DIR's server, or nothing.
server_pid() {
	[ -s "$1/pid" ] && alive "$(cat "$1/pid")" && cat "$1/pid" || true
}

# end_server SIGNAL DIR
end_server() {
	pid=$(server_pid "$2")
	[ -z "$pid" ] || { kill "-$1" "$pid"; wait_gone "$pid"; }
	rm -f "$2/pid"
}

profile() { sed -n "\\:<id>$name</id>:,\\:</profile>:p" "$here/pom.xml"; }

# What a server does with its jars before they are used; one that needs it defines it anew.
complete_jars() { :; }

# Names in $jars the folder with the jars of pom.xml's profile $name, made of it and of the files given. The first
# call fetches them from Maven Central; calls at the same time wait for it, and the folder shows up complete or not
# at all.
fetch_jars() {
	jars=${XDG_CACHE_HOME:-$HOME/.cache}/cdc-tests/$name-$(profile | cat - "$@" | cksum | cut -d' ' -f1)
	[ ! -d "$jars" ] || return 0
	mkdir -p "${jars%/*}"
	(
		flock 9
		[ ! -d "$jars" ] || exit 0
		rm -rf "$jars.part"
		mvn -B -q -Dstyle.color=never -f "$here/pom.xml" -P "$name" dependency:copy-dependencies \
			-DincludeScope=runtime -DoutputDirectory="$jars.part" >"$jars.log" 2>&1
		complete_jars "$jars.part" >>"$jars.log" 2>&1
		mv "$jars.part" "$jars"
	) 9>"$jars.lock" || fail "cannot fetch its jars: see $jars.log"
}

# check_jars CHECKSUM: of the list of the jars' own.
check_jars() {
	(cd "$jars" && sha256sum -- *.jar) | sha256sum | grep -q "^$1 " ||
		fail "the jars in $jars are not those that were pinned"
}

# A folder remembers its arguments, for restart.
main() {
	verb=${1-}
	case $#:$verb in
	[01]:*) fail "usage: $name start DIR PORT [OPTION…] | restart DIR | stop DIR | kill9 DIR" ;;
	2:restart | 2:stop | 2:kill9 | *:start) ;;
	*) fail "cannot $*" ;;
	esac
	[ $verb != start ] || mkdir -p "$2"
	[ -d "$2" ] || fail "no folder $2"
	dir=$(cd "$2" && pwd -P)
	case $verb in
	start)
		[ $# -gt 2 ] || fail "start needs a port"
		[ -z "$(server_pid "$dir")" ] || fail "already running in $dir"
		shift 2
		printf '%s\n' "$@" >"$dir/arguments"
		start "$dir" "$@" ;;
	restart)
		stop "$dir"
		# shellcheck disable=SC2046
		start "$dir" $(cat "$dir/arguments") ;;
	stop) stop "$dir" ;;
	kill9) kill9 "$dir" ;;
	esac
}
