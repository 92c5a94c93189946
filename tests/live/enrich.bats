# cdc-enrich on a real PostgreSQL.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() {
	start_postgres
	sql "CREATE SCHEMA shop;
	     CREATE TABLE shop.customers (id int PRIMARY KEY, name text, credit numeric(10,2), since timestamptz, \"odd \"\"name\" boolean, area box);
	     INSERT INTO shop.customers VALUES (1, 'Ada', 10.50, '2020-01-02 03:04:05+00', true, NULL), (2, 'Grace \"G.\"', NULL, NULL, NULL, NULL);
	     CREATE TABLE shop.prices (sku text, country char(2), price int, PRIMARY KEY (sku, country));
	     INSERT INTO shop.prices VALUES ('a,\"b\\', 'de', 5), ('x', 'fr', 6);
	     CREATE VIEW shop.names AS SELECT id, name FROM shop.customers"
}
teardown_file() { stop_servers; }

setup() {
	cd "$BATS_TEST_TMPDIR"
	lookup=(--lookup 'shop.customers:.after.customer=id' --as c)
}
teardown() { kill_spawned; }

change() { printf '{"cdc":{"topic":"orders","key":null},"after":%s,"op":"c"}\n' "$1"; }

@test "rows as cdc-tail would print them" {
	run -0 --separate-stderr cdc-enrich --from "$PG_URL" "${lookup[@]}" < <(change '{"customer":1}'; change '{"customer":"2"}'; change '{"customer":3}')
	[[ $stderr == *"column area of shop.customers is left out"* ]]
	[ "$(jq -c .c <<<"$output")" = '{"id":1,"name":"Ada","credit":"BBo=","since":"2020-01-02T03:04:05.000000Z","odd \"name":true}
{"id":2,"name":"Grace \"G.\"","credit":null,"since":null,"odd \"name":null}
null' ]
	[ "$(change '{"customer":1}' | cdc-enrich --from "$PG_URL" --decimal-handling-mode string --select credit "${lookup[@]}" | jq -c .c)" = '{"credit":"10.50"}' ]
	# A name without a schema is found where the role's own statements find it.
	sql "ALTER ROLE postgres SET search_path = shop"
	[ "$(change '{"customer":2}' | cdc-enrich --from "$PG_URL" --lookup 'names:.after.customer=id' --as c --select id | jq -r .c.id)" = 2 ]
	sql "ALTER ROLE postgres RESET search_path"
	[ "$(change '{"customer":2}' | cdc-enrich --from "$PG_URL" --lookup 'shop.names:.after.customer=id' --as c --select name | jq -r .c.name)" = 'Grace "G."' ]
}

@test "one statement, prepared once for a connection" {
	mkfifo fifo
	spawn enrich sh -c 'exec cdc-enrich --from "$PG_URL" --cache-size 0 --jobs 1 --select id --lookup "shop.customers:.after.customer=id" --as c <fifo'
	exec 7>fifo
	sql "ALTER SYSTEM SET log_statement = 'all'; " 7>&-
	sql "SELECT pg_reload_conf()" 7>&-
	change '{"customer":1}' >&7
	wait_for '[ "$(wc -l <enrich.out)" = 1 ]' 60
	change '{"customer":2}' >&7
	wait_for '[ "$(wc -l <enrich.out)" = 2 ]' 60
	exec 7>&-
	wait "$PID"
	sql "ALTER SYSTEM RESET log_statement"
	sql "SELECT pg_reload_conf()"
	wait_for 'grep -q "execute cdc_enrich: SELECT k.n" "$PG_DIR/data/log"' 60
	! grep -q 'execute <unnamed>: SELECT k.n' "$PG_DIR/data/log"
}

@test "keys of several columns, with what an array would trip over" {
	change '{"sku":"a,\"b\\","country":"de"}' >in
	change '{"sku":"x","country":"de"}' >>in
	change '{"sku":"x","country":"fr"}' >>in
	[ "$(cdc-enrich --from "$PG_URL" --lookup 'shop.prices:.after.sku=sku,.after.country=country' --as p --select price <in | jq -c .p)" = '{"price":5}
null
{"price":6}' ]
}

@test "a key that its column cannot hold is that line's fault alone" {
	{ for i in $(seq 50); do change '{"customer":1}'; done; change '{"customer":"x"}'; change '{"customer":2}'; } >in
	run -1 --separate-stderr cdc-enrich --quiet --from "$PG_URL" --reject refused "${lookup[@]}" <in
	[ "$(jq -r 'select(.c.id) | 1' <<<"$output" | wc -l)" = 51 ]
	[ "$(jq -r .line refused)" = 51 ]
}

@test "a table, a column that is not there" {
	run -2 cdc-enrich --from "$PG_URL" --lookup 'shop.nothing:.a=id' --as c
	[[ $output == *'there is no table "shop.nothing"'* ]]
	run -2 cdc-enrich --from "$PG_URL" --lookup 'shop.customers:.a=nobody' --as c
	[[ $output == *'has no column "nobody"'* ]]
	run -2 cdc-enrich --from "$PG_URL" --select nobody "${lookup[@]}"
}

@test "what was looked up is remembered, and forgotten after --cache-ttl or a change of the dimension" {
	mkfifo fifo
	spawn enrich sh -c 'exec cdc-enrich --from "$PG_URL" --cache-ttl 1h --dimension-topic ".*customers" --select name --lookup "shop.customers:.after.customer=id" --as c <fifo'
	exec 7>fifo
	change '{"customer":5}' >&7
	wait_for '[ "$(wc -l <enrich.out)" = 1 ]' 60
	sql "INSERT INTO shop.customers VALUES (5, 'New')"
	change '{"customer":5}' >&7
	wait_for '[ "$(wc -l <enrich.out)" = 2 ]' 60
	echo '{"cdc":{"topic":"shop.customers","key":{"id":5}},"before":null,"after":{"id":5,"name":"New"},"op":"c"}' >&7
	change '{"customer":5}' >&7
	wait_for '[ "$(wc -l <enrich.out)" = 4 ]' 60
	exec 7>&-
	wait "$PID"
	[ "$(jq -c 'select(.cdc.topic == "orders") | .c' enrich.out)" = $'null\nnull\n{"name":"New"}' ]
	sql "DELETE FROM shop.customers WHERE id = 5"
}

@test "the server gone: the lines wait for it, and none is lost" {
	mkfifo fifo
	spawn enrich sh -c 'exec cdc-enrich --from "$PG_URL" --cache-size 0 --select id --lookup "shop.customers:.after.customer=id" --as c <fifo'
	exec 7>fifo
	change '{"customer":1}' >&7
	wait_for '[ "$(wc -l <enrich.out)" = 1 ]' 60
	"$SERVERS/postgres" kill9 "$PG_DIR"
	change '{"customer":2}' >&7
	wait_for 'grep -q "waiting for it" enrich.err' 60
	"$SERVERS/postgres" restart "$PG_DIR" 3>&- 7>&-
	wait_for '[ "$(wc -l <enrich.out)" = 2 ]' 60
	exec 7>&-
	wait "$PID"
	[ "$(jq -c .c enrich.out)" = $'{"id":1}\n{"id":2}' ]
}

@test "no server at the start: it is waited for; what will not pass is an error at once" {
	run -2 cdc-enrich --from "${PG_URL%/*}/nope" "${lookup[@]}"
	[[ $output == *'database "nope" does not exist'* ]]
	run -2 cdc-enrich --from "${PG_URL/\/\/*@/\/\/nobody@}" "${lookup[@]}"
	"$SERVERS/postgres" kill9 "$PG_DIR"
	change '{"customer":1}' >in
	spawn enrich sh -c 'exec cdc-enrich --from "$PG_URL" --select id --lookup "shop.customers:.after.customer=id" --as c <in'
	wait_for 'grep -q "waiting for it" enrich.err' 60
	spawn stopped cdc-enrich --from "$PG_URL" --drain-timeout 200ms "${lookup[@]}"
	wait_for 'grep -q "waiting for it" stopped.err' 60
	kill -TERM "$PID"
	status=0
	wait "$PID" || status=$?
	[ "$status" = 4 ]
	"$SERVERS/postgres" restart "$PG_DIR" 3>&-
	wait "$(head -n 1 pids)"
	[ "$(jq -c .c enrich.out)" = '{"id":1}' ]
}

@test "--dimension-topic: the row that a change touched, or, where the event cannot tell it, all" {
	sql "CREATE TABLE shop.d (id int PRIMARY KEY, code int, name text, v int);
	     INSERT INTO shop.d SELECT i, 100 + i, 'n' || i, 0 FROM generate_series(1, 3) i"
	mkfifo fifo
	running() {
		rm -f enrich.out
		spawn enrich sh -c 'exec cdc-enrich --from "$PG_URL" --cache-ttl 1h --jobs 1 --dimension-topic "d" --select v --lookup "shop.d:.after.k=$0" --as c <fifo' "$1"
		exec 7>fifo
		n=0
	}
	# v KEY: what a line with that key gets
	v() {
		change "{\"k\":$1}" >&7
		n=$((n + 1))
		wait_for "[ \"\$(wc -l <enrich.out)\" = $n ]" 60
		last=$(tail -n 1 enrich.out | jq -c .c.v)
	}
	# event KEY BEFORE AFTER OP
	event() { printf '{"cdc":{"topic":"d","key":%s},"before":%s,"after":%s,"op":"%s"}\n' "$@" >&7; n=$((n + 1)); }
	# seen LOOKED-UP KEY…: after the event the row is seen anew, as it is now
	seen() {
		v "$1"
		before=$last
		sql "UPDATE shop.d SET v = v + 1" 7>&-
		event "${@:2}"
		v "$1"
		[ "$last" = $((before + 1)) ] || { echo "after $* still $last"; return 1; }
	}
	running id
	# The change of another row leaves it alone; a key that may be spelled otherwise does not.
	v 2
	before=$last
	sql "UPDATE shop.d SET v = v + 1" 7>&-
	event '{"id":3}' null '{"id":3}' u
	v 2
	[ "$last" = "$before" ]
	v '"002"'
	event '{"id":3}' null '{"id":3}' u
	v 2
	[ "$last" = $((before + 1)) ]
	seen 1 '{"id":1}' null '{"id":1}' u
	seen 1 '{"id":1}' '{"id":1,"code":0}' null d
	seen 1 null null '{"id":1}' c
	seen 1 null null null t
	seen 1 null null null u
	seen 1 null '{"id":1}' '{"id":5}' u
	seen 1 null '{"id":5}' '{"id":1}' u
	exec 7>&-
	wait "$PID"
	# The look-up's column is not in the event's key: a row before that is missing or made up tells nothing.
	running code
	seen 101 '{"id":1}' null '{"id":1,"code":555}' u
	seen 101 '{"id":1}' '{"id":1,"code":0}' null d
	seen 101 '{"id":1}' null '{"id":1,"code":555}' r
	seen 101 '{"id":1}' '{"id":1,"code":101}' '{"id":1,"code":555}' u
	exec 7>&-
	wait "$PID"
	# Texts may be equal to others.
	running name
	seen '"n1"' '{"name":"N1"}' null '{"name":"N1"}' u
	exec 7>&-
	wait "$PID"
	sql "DROP TABLE shop.d"
}

@test "a stop signal while the server is away: after --drain-timeout" {
	mkfifo fifo
	spawn enrich sh -c 'exec cdc-enrich --from "$PG_URL" --drain-timeout 200ms --cache-size 0 --lookup "shop.customers:.after.customer=id" --as c <fifo'
	exec 7>fifo
	change '{"customer":1}' >&7
	wait_for '[ "$(wc -l <enrich.out)" = 1 ]' 60
	"$SERVERS/postgres" kill9 "$PG_DIR"
	change '{"customer":2}' >&7
	wait_for 'grep -q "waiting for it" enrich.err' 60
	kill -TERM "$PID"
	status=0
	wait "$PID" || status=$?
	exec 7>&-
	"$SERVERS/postgres" restart "$PG_DIR" 3>&- 7>&-
	[ "$status" = 4 ]
}

@test "types that the database's users made" {
	sql "CREATE TYPE shop.mood AS ENUM ('fine', 'so so'); CREATE DOMAIN shop.cents AS numeric(8,2);
	     CREATE TABLE shop.moods (m shop.mood PRIMARY KEY, c shop.cents, a int[], d shop.mood[]);
	     INSERT INTO shop.moods VALUES ('so so', 1.5, '{1,2}', '{fine}')"
	change '{"m":"so so"}' | cdc-enrich --from "$PG_URL" --preset plain --lookup 'shop.moods:.after.m=m' --as c >out 2>err
	[ "$(jq -c .c out)" = '{"m":"so so","c":"1.50","a":[1,2],"d":["fine"]}' ]
	[ ! -s err ]
	sql "DROP TABLE shop.moods"
}

@test "every option for values that cdc-tail has for PostgreSQL" {
	sql "CREATE TABLE shop.m (id int PRIMARY KEY, i interval, m money, b box, n numeric); INSERT INTO shop.m VALUES (1, '1 day', '1.23', '(1,1),(0,0)', 1)"
	[ "$(change '{"m":1}' | cdc-enrich --from "$PG_URL" --decimal-handling-mode string --interval-handling-mode string --money-fraction-digits 3 \
		--include-unknown-datatypes --binary-handling-mode hex --lookup 'shop.m:.after.m=id' --as c | jq -c .c)" = \
		'{"id":1,"i":"P0Y0M1DT0H0M0S","m":"1.230","b":"28312c31292c28302c3029","n":"1"}' ]
	sql "DROP TABLE shop.m"
}

@test "a table that is changed under the prepared statement: the statement is prepared again" {
	sql "CREATE TABLE shop.t (id int PRIMARY KEY, v int); INSERT INTO shop.t VALUES (1, 7)"
	mkfifo fifo
	spawn enrich sh -c 'exec cdc-enrich --from "$PG_URL" --cache-size 0 --jobs 1 --reject refused --lookup "shop.t:.after.t=id" --as c <fifo'
	exec 7>fifo
	# next KEY N: the N-th line's row
	next() {
		change "{\"t\":$1}" >&7
		wait_for "[ \"\$(wc -l <enrich.out)\" = $2 ]" 60
		tail -n 1 enrich.out | jq -c .c
	}
	[ "$(next 1 1)" = '{"id":1,"v":7}' ]
	sql "ALTER TABLE shop.t ALTER v TYPE numeric(5,1)" 7>&-
	[ "$(next 1 2)" = '{"id":1,"v":"Rg=="}' ]
	sql "ALTER TABLE shop.t ADD w text DEFAULT 'new', ALTER v TYPE text" 7>&-
	[ "$(next 1 3)" = '{"id":1,"v":"7.0","w":"new"}' ]
	# The key's type too: a key that the old one could not hold.
	sql "ALTER TABLE shop.t ALTER id TYPE bigint; INSERT INTO shop.t VALUES (5000000000, 'far')" 7>&-
	[ "$(next 5000000000 4)" = '{"id":5000000000,"v":"far","w":"new"}' ]
	sql "ALTER TABLE shop.t ALTER id TYPE text USING 'n' || id" 7>&-
	[ "$(next '"n1"' 5)" = '{"id":"n1","v":"7.0","w":"new"}' ]
	# A connection that is new finds the table as it is then.
	sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cdc-enrich'" 7>&-
	sql "ALTER TABLE shop.t ALTER id TYPE int USING 1" 7>&- || sql "DELETE FROM shop.t WHERE id <> 'n1'; ALTER TABLE shop.t ALTER id TYPE int USING 1" 7>&-
	[ "$(next 1 6)" = '{"id":1,"v":"7.0","w":"new"}' ]
	sql "ALTER TABLE shop.t DROP id" 7>&-
	change '{"t":1}' >&7
	exec 7>&-
	status=0
	wait "$PID" || status=$?
	[ "$status" = 2 ]
	[[ $(cat enrich.err) == *'table "shop.t" has no column "id"'* ]]
	[ ! -s refused ]
	sql "DROP TABLE shop.t"
}

@test "a statement that the server gives up passes: it is tried again" {
	sql "CREATE TABLE shop.t (id int PRIMARY KEY, v int); INSERT INTO shop.t VALUES (1, 7)"
	mkfifo fifo
	spawn enrich sh -c 'exec cdc-enrich --from "$PG_URL" --cache-size 0 --jobs 1 --lookup "shop.t:.after.t=id" --as c <fifo'
	exec 7>fifo
	change '{"t":1}' >&7
	wait_for '[ "$(wc -l <enrich.out)" = 1 ]' 60
	spawn lock psql -X -q -c 'BEGIN; LOCK shop.t' -c 'SELECT 1' -c 'SELECT pg_sleep(600)' 7>&-
	lock=$PID
	wait_for '[ "$(sql "SELECT count(*) FROM pg_locks WHERE mode = '\''AccessExclusiveLock'\'' AND granted AND relation = '\''shop.t'\''::regclass")" = 1 ]' 60
	change '{"t":1}' >&7
	wait_for '[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE application_name = '\''cdc-enrich'\'' AND wait_event_type = '\''Lock'\''")" = 1 ]' 60
	sql "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'cdc-enrich'" 7>&-
	wait_for 'grep -q "waiting for it" enrich.err' 60
	kill -9 -- "-$lock"
	sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()" 7>&-
	wait_for '[ "$(wc -l <enrich.out)" = 2 ]' 60
	exec 7>&-
	sql "DROP TABLE shop.t"
}
