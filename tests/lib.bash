# What the shell tests share; a .bats file says: load ../lib
#
# Servers run once for a file: setup_file calls start_postgres, start_kafka, start_elasticsearch, start_iceberg, and teardown_file stop_servers.
# They set and export, for the tests of the file:
#   PGHOST PGPORT PGUSER (so psql needs no options), PG_URL (…/postgres), PG_DIR
#   BROKER (host:port), KAFKA_DIR; ES (host:port), ES_DIR; CATALOG (URL), ICEBERG_DIR
# A test has its own folder, $BATS_TEST_TMPDIR.

ROOT=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
SERVERS=$ROOT/tests/servers
# The commands under test; CDC_BIN=build/address,undefined runs the same tests on them.
CDC_BIN=$(cd "$ROOT" && realpath -m "${CDC_BIN:-build/release}")
PATH=$CDC_BIN:$PATH
export PATH CDC_BIN
# For builds with the address sanitizer.
export LSAN_OPTIONS=suppressions=$ROOT/tests/lsan-suppressions:print_suppressions=0

# A folder that the user postgres can reach, which bats' own are not.
server_dir() {
	local dir
	dir=$(mktemp -d "${TMPDIR:-/tmp}/cdc-tests.XXXXXX")
	chmod 755 "$dir"
	echo "$dir"
}

# start_postgres [POSTGRES-OPTION…]. A port can be taken between its choice and its use: three tries.
start_postgres() {
	PG_DIR=$(server_dir) PGHOST=127.0.0.1 PGUSER=postgres
	local try
	for try in 1 2 3; do
		PGPORT=$("$SERVERS/free-port")
		! "$SERVERS/postgres" start "$PG_DIR" "$PGPORT" "$@" 3>&- || break
		[ $try != 3 ]
	done
	PG_URL=postgres://$PGUSER@$PGHOST:$PGPORT/postgres
	export PG_DIR PGHOST PGPORT PGUSER PG_URL
}

# start_kafka [KEY=VALUE…]
start_kafka() {
	KAFKA_DIR=$(server_dir)
	local try port
	for try in 1 2 3; do
		port=$("$SERVERS/free-port" 2)
		! "$SERVERS/kafka" start "$KAFKA_DIR" "$port" "$@" 3>&- || break
		[ $try != 3 ]
	done
	BROKER=127.0.0.1:$port
	export KAFKA_DIR BROKER
}

# start_elasticsearch [KEY=VALUE…] sets ES (host:port) and ES_DIR.
start_elasticsearch() {
	ES_DIR=$(server_dir)
	local try port
	for try in 1 2 3; do
		port=$("$SERVERS/free-port")
		! "$SERVERS/elasticsearch" start "$ES_DIR" "$port" "$@" 3>&- || break
		[ $try != 3 ]
	done
	ES=127.0.0.1:$port
	export ES_DIR ES
}

# start_iceberg sets CATALOG (http://host:port), a REST catalog, and ICEBERG_DIR. Skips the file's tests where what
# they need is not to be had.
start_iceberg() {
	[ -x "$CDC_BIN/tests/live/iceberg_rest" ] || skip "lib/iceberg is not built"
	ICEBERG_DIR=$(server_dir)
	export ICEBERG_DIR
	local try port said=$ICEBERG_DIR/start
	for try in 1 2 3; do
		port=$("$SERVERS/free-port")
		! "$SERVERS/iceberg-catalog" start "$ICEBERG_DIR" "$port" >"$said" 2>&1 3>&- || break
		! grep 'cannot fetch its jars' "$said" || skip "$(cat "$said")"
		cat "$said"
		[ $try != 3 ]
	done
	CATALOG=http://127.0.0.1:$port
	export CATALOG
}

# start_spark WAREHOUSE: Spark over the catalog that start_iceberg started (r) and one in a folder (f), for
# spark STATEMENT, which prints rows as JSON. Skips where its jars are not to be had.
start_spark() {
	SPARK_DIR=$(server_dir)
	export SPARK_DIR
	"$SERVERS/iceberg-spark" fetch >"$SPARK_DIR/fetch" 2>&1 || {
		! grep 'cannot fetch its jars' "$SPARK_DIR/fetch" || skip "$(cat "$SPARK_DIR/fetch")"
		cat "$SPARK_DIR/fetch"
		false
	}
	mkfifo "$SPARK_DIR/in"
	# Held open by itself, so that each statement can come from somebody else.
	"$SERVERS/iceberg-spark" "${CATALOG-http://127.0.0.1:1}" "$1" <>"$SPARK_DIR/in" >"$SPARK_DIR/out" 2>"$SPARK_DIR/err" 3>&- &
	echo $! >"$SPARK_DIR/pid"
}

spark() {
	local before
	before=$(wc -l <"$SPARK_DIR/out")
	tr '\n' ' ' <<<"$1" >"$SPARK_DIR/statement"
	{ cat "$SPARK_DIR/statement"; echo; } >"$SPARK_DIR/in"
	wait_for "tail -n +$((before + 1)) '$SPARK_DIR/out' | grep -q -e '^done$' -e '^failed '" 120 || {
		tail -n 5 "$SPARK_DIR/err" >&2
		return 1
	}
	tail -n +$((before + 1)) "$SPARK_DIR/out" | sed -n -e '/^done$/q' -e p
	! tail -n 1 "$SPARK_DIR/out" | grep -q '^failed '
}

# es METHOD PATH [BODY]
es() { curl -s -X "$1" "$ES/$2" -H 'Content-Type: application/json' ${3:+-d "$3"}; }

# For tests/live/exact: a small decoder memory, so that the server spills large transactions as it does the huge
# ones of life; several partitions, where order holds for a key alone.
start_exact_servers() {
	start_postgres -c logical_decoding_work_mem=1MB
	start_kafka num.partitions=3
}

# start_maria [MARIADBD-OPTION…] and start_mysql [MYSQLD-OPTION…] set MY_KIND (mariadb, mysql), MY_DIR, MY_PORT and MY_URL,
# as the user cdc; `my STATEMENTS [OPTION…]` is root's SQL.
start_maria() { start_my mariadb "$@"; }
start_mysql() { start_my mysql "$@"; }

start_my() {
	MY_KIND=$1 MY_DIR=$(server_dir)
	shift
	local try
	for try in 1 2 3; do
		MY_PORT=$("$SERVERS/free-port")
		! "$SERVERS/$MY_KIND" start "$MY_DIR" "$MY_PORT" "$@" 3>&- || break
		[ $try != 3 ]
	done
	MY_URL=$MY_KIND://cdc:cdc@127.0.0.1:$MY_PORT
	export MY_KIND MY_DIR MY_PORT MY_URL
}

stop_servers() {
	[ -z "${MY_DIR-}" ] || { "$SERVERS/$MY_KIND" stop "$MY_DIR"; rm -rf "$MY_DIR"; }
	[ -z "${PG_DIR-}" ] || { "$SERVERS/postgres" stop "$PG_DIR"; rm -rf "$PG_DIR"; }
	[ -z "${ES_DIR-}" ] || { "$SERVERS/elasticsearch" stop "$ES_DIR"; rm -rf "$ES_DIR"; }
	[ -z "${KAFKA_DIR-}" ] || { "$SERVERS/kafka" stop "$KAFKA_DIR"; rm -rf "$KAFKA_DIR"; }
	[ -z "${ICEBERG_DIR-}" ] || { "$SERVERS/iceberg-catalog" stop "$ICEBERG_DIR"; rm -rf "$ICEBERG_DIR"; }
	[ -z "${SPARK_DIR-}" ] || { kill -9 "$(cat "$SPARK_DIR/pid")" || true; rm -rf "$SPARK_DIR"; }
	unset MY_DIR PG_DIR ES_DIR KAFKA_DIR ICEBERG_DIR SPARK_DIR
}

# sql STATEMENTS [psql OPTION…]: bare rows; the first error ends it.
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "${@:2}" -c "$1"; }

# The client of the server that start_maria or start_mysql started, as root. my STATEMENTS [OPTION…]: bare rows.
my_client() {
	if [ "$MY_KIND" = mysql ]; then
		"$SERVERS/mysql" tool mysql -uroot --socket="$MY_DIR/s" --default-character-set=utf8mb4 "$@"
	else
		mariadb --no-defaults -uroot --socket="$MY_DIR/s" --default-character-set=utf8mb4 "$@"
	fi
}
my() { my_client -N -B "${@:2}" -e "$1"; }

# consume TOPIC [kcat OPTION…]: what a read_committed consumer sees, to the topic's end.
consume() { kcat -C -q -e -b "$BROKER" -X isolation.level=read_committed -o beginning -t "$@"; }

# certificates FOLDER: an authority's, a server's for 127.0.0.1, a client's
certificates() (
	cd "$1"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem 2>/dev/null
	printf 'subjectAltName=IP:127.0.0.1\n' >ext
	for name in server client; do
		openssl req -newkey rsa:2048 -nodes -subj /CN=$name -keyout $name.key -out $name.csr 2>/dev/null
		openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out $name.pem 2>/dev/null
	done
)

# wait_for CONDITION [SECONDS]: runs a shell condition until it holds; says what it waited for if it never does.
wait_for() {
	local end=$((SECONDS + ${2:-10}))
	until eval "$1" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then
			echo "waited ${2:-10} s for: $1" >&2
			return 1
		fi
		sleep 0.05
	done
}

# spawn NAME COMMAND… runs it in the background, as process $PID that leads a process group, its output in
# $BATS_TEST_TMPDIR/NAME.{out,err}.
spawn() {
	local name=$1
	shift
	set -m
	"$@" >"$BATS_TEST_TMPDIR/$name.out" 2>"$BATS_TEST_TMPDIR/$name.err" 3>&- &
	set +m
	PID=$!
	echo $PID >>"$BATS_TEST_TMPDIR/pids"
}

# A sink that keeps nothing, for the middle of a pipeline: it acknowledges each line as it comes, and the end.
ack_all() {
	sed -u -n -e 's/^{"cdc":{"control":"end".*"status":\([0-9]*\).*/end \1/p' -e t \
		-e 's/^{"cdc":{\("control":"[a-z]*",\)\{0,1\}"pos":"\([^"]*\)".*/\2/p'
}

# For teardown: ends what this test spawned and is still there, with all its children, and waits for it.
kill_spawned() {
	[ -e "$BATS_TEST_TMPDIR/pids" ] || return 0
	local pid
	while read -r pid; do
		kill -9 -- "-$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done <"$BATS_TEST_TMPDIR/pids"
}
