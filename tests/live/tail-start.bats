# Where cdc-tail begins and ends, and what it says of it: --start, --until, --idle, --count, --offset, control lines.
load tail

setup_file() { start_postgres; }
teardown_file() { stop_servers; }
teardown() { clean; }

ids() { jq -r 'select(.op).after.id' | paste -sd' '; }

# Ten transactions of a row; LSN[i], TIME[i]: before the i-th, from 1.
ten() {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	local i
	LSN=() TIME=()
	for i in 1 2 3 4 5 6 7 8 9 10; do
		LSN[i]=$(lsn)
		TIME[i]=$(sql "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
		sql "INSERT INTO t VALUES ($i)"
	done
	changes >"$BATS_TEST_TMPDIR/ten"
}

token() { jq -r "select(.after.id == $1) | .cdc.pos" "$BATS_TEST_TMPDIR/ten"; }

from() { cdc-tail --slot-name $SLOT --start "$1" --until "${2-now}" --quiet "$PG_URL" | ids; }

@test "--start latest, earliest, a token, an LSN, a time" {
	ten
	[ "$(from latest)" = '' ]
	[ "$(from earliest)" = '1 2 3 4 5 6 7 8 9 10' ]
	[ "$(from "$(token 4)")" = '5 6 7 8 9 10' ]
	[ "$(from "${LSN[4]}")" = '4 5 6 7 8 9 10' ]
	[ "$(from "${TIME[4]}")" = '4 5 6 7 8 9 10' ]
	[ "$(from "$(tr TZ '  ' <<<"${TIME[4]}" | sed 's/ $//')")" = '4 5 6 7 8 9 10' ]
}

@test "--start latest is the default, and a new slot's" {
	sql 'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)'
	spawn tail cdc-tail --count 1 "$PG_URL"
	local tail=$PID
	streams
	sql 'INSERT INTO t VALUES (2)'
	ends $tail 0
	[ "$(ids <"$(file tail)")" = 2 ]
}

@test "--start in the middle of a transaction begins behind that token" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	sql 'INSERT INTO t SELECT generate_series(1, 10)'
	changes >"$BATS_TEST_TMPDIR/ten"
	[ "$(from "$(token 7)")" = '8 9 10' ]
}

@test "--start before what the slot holds is status 5, a place without a slot status 2" {
	ten
	sql "SELECT pg_replication_slot_advance('$SLOT', '${LSN[5]}')" >/dev/null
	run -5 cdc-tail --slot-name $SLOT --start "${LSN[2]}" --until now "$PG_URL"
	[[ $output == *"${LSN[2]} lies before"*"slot \"$SLOT\" was confirmed"* ]]
	run -2 cdc-tail --slot-name other --start "${LSN[2]}" --until now "$PG_URL"
	[[ $output == *'there is no slot "other"'* ]]
	[ "$(sql "SELECT count(*) FROM pg_publication WHERE pubname = 'other'")" = 0 ]
	run -2 cdc-tail --slot-name $SLOT --start yesterday "$PG_URL"
	[[ $output == *'"yesterday" is no place in the log'* ]]
}

@test "--until now, a token, an LSN, a time that is past, one that is to come" {
	ten
	[ "$(from earliest "$(token 4)")" = '1 2 3 4' ]
	[ "$(from earliest "${LSN[4]}")" = '1 2 3' ]
	[ "$(from earliest "${TIME[4]}")" = '1 2 3' ]
	spawn tail cdc-tail --slot-name $SLOT --start earliest \
		--until "$(date -u -d '+3 seconds' +%Y-%m-%dT%H:%M:%SZ)" --control "$PG_URL"
	ends $PID 0
	[ "$(ids <"$(file tail)")" = '1 2 3 4 5 6 7 8 9 10' ]
}

@test "--until now ends though others go on writing, and on a server that does nothing" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	spawn writer bash -c 'i=0; while :; do echo "INSERT INTO t VALUES ($((i += 1)));"; sleep 0.01; done | psql -X -q postgres'
	local writer=$PID
	wait_for '[ "$(sql "SELECT count(*) FROM t")" -gt 20 ]' 60
	timeout 60 cdc-tail --slot-name $SLOT --start earliest --until now "$PG_URL" >/dev/null
	kill -- -$writer
	timeout 60 cdc-tail --slot-name $SLOT --start earliest --until now "$PG_URL" >/dev/null
}

@test "--count ends at the end of the transaction" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	sql 'INSERT INTO t SELECT generate_series(1, 3)'
	sql 'INSERT INTO t SELECT generate_series(4, 6)'
	sql 'INSERT INTO t SELECT generate_series(7, 9)'
	count() { cdc-tail --slot-name $SLOT --start earliest --count "$1" "$PG_URL" | ids; }
	[ "$(count 1)" = '1 2 3' ]
	[ "$(count 3)" = '1 2 3' ]
	[ "$(count 4)" = '1 2 3 4 5 6' ]
}

@test "--idle ends after so long without an event, which others' changes are not" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE other (id int)' --table 'public\.t'
	spawn writer bash -c 'while :; do echo "INSERT INTO other VALUES (1);"; sleep 0.05; done | psql -X -q postgres'
	local writer=$PID
	sql 'INSERT INTO t VALUES (1)'
	spawn tail timeout 60 cdc-tail --slot-name $SLOT --start earliest --idle 2s --table 'public\.t' "$PG_URL"
	local tail=$PID i
	has tail '"id":1'
	# Events that come in time keep it up.
	for i in 2 3 4 5 6; do
		sleep 0.6
		sql "INSERT INTO t VALUES ($i)"
	done
	has tail '"id":6'
	ends $tail 0
	kill -- -$writer
}

@test "control lines: start first, progress, end last; a person sees change lines alone" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	sql 'INSERT INTO t VALUES (1)'
	[ "$(changes | grep -c '"control"')" = 0 ]
	changes --control >"$BATS_TEST_TMPDIR/lines"
	run uniq < <(jq -r ".cdc.control // .op" "$BATS_TEST_TMPDIR/lines")
	[ "$output" = $'start\nc\nprogress\nend' ]
	rises <"$BATS_TEST_TMPDIR/lines"
	local system
	system=$(sql 'SELECT system_identifier FROM pg_control_system()')
	[[ $(jq -r 'select(.cdc.control == "start").cdc.source' "$BATS_TEST_TMPDIR/lines") =~ ^$system-[0-9a-f]{16}$ ]]
	[[ $(head -n 1 "$BATS_TEST_TMPDIR/lines") =~ ^'{"cdc":{"control":"start","pos":"pg/1/l/'[0-9]+'/0/0","source":"' ]]
	[[ $(tail -n 1 "$BATS_TEST_TMPDIR/lines") =~ ^'{"cdc":{"control":"end","pos":"pg/1/l/'[0-9]+'/0/0","status":0}}'$ ]]
	# With an offset folder without being asked.
	cdc-tail --offset "$OFFSET" --slot-name $SLOT --start earliest --until now "$PG_URL" >"$BATS_TEST_TMPDIR/lines"
	[ "$(jq -r '.cdc.control // .op' "$BATS_TEST_TMPDIR/lines" | uniq | paste -sd' ')" = 'start c progress end' ]
	# The end of a run that fails says so.
	run bash -c 'cdc-tail --control --slot-name "$0" --start 0/1 "$1" 2>/dev/null | tail -n 1 | jq .cdc.status' $SLOT "$PG_URL"
	[ "$output" = 5 ]
}

@test "progress comes while everything that comes is filtered" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)'
	spawn tail cdc-tail --slot-name $SLOT --control --table 'public\.t' "$PG_URL"
	streams
	spawn writer bash -c 'i=0; while :; do echo "INSERT INTO other VALUES ($((i += 1)));"; done | psql -X -q postgres'
	wait_for '[ "$(grep -c progress "$BATS_TEST_TMPDIR/tail.out")" -ge 4 ]' 60
	rises < <(grep -v '"end"' "$(file tail)" | head -n 5)
}

pipeline() {
	cdc-tail --offset "$OFFSET" "$@" "$PG_URL" | tee -a "$BATS_TEST_TMPDIR/seen" | ack_all | cdc-offset commit "$OFFSET"
}

@test "--offset goes on where the sink acknowledged, --start is for a new folder alone" {
	sql 'CREATE TABLE t (id int PRIMARY KEY)'
	pipeline --until now --start latest
	[ "$(sql 'SELECT slot_name, temporary FROM pg_replication_slots')" = 'cdc_shop|f' ]
	[ "$(sql 'SELECT pubname FROM pg_publication')" = cdc_shop ]
	sql 'INSERT INTO t VALUES (1), (2)'
	pipeline --until now
	sql 'INSERT INTO t VALUES (3)'
	run pipeline --until now --start earliest
	[[ $output == *'--start does not apply'* ]]
	[ "$(ids <"$BATS_TEST_TMPDIR/seen")" = '1 2 3' ]
	# One identity for all runs.
	[ "$(jq -r '.cdc.source // empty' "$BATS_TEST_TMPDIR/seen" | sort -u | wc -l)" = 1 ]
	run jq -r '.slot, .publication, .database' "$OFFSET/source"
	[ "$output" = $'cdc_shop\ncdc_shop\npostgres' ]
	# Not acknowledged: it comes again, with the same tokens.
	sql 'INSERT INTO t VALUES (4), (5)'
	again() { cdc-tail --offset "$OFFSET" --until now "$PG_URL" | jq -c 'select(.op) | [.cdc.pos, .after.id]'; }
	local first
	first=$(again)
	[ "$(again)" = "$first" ]
	[ "$(jq -s 'length' <<<"$first")" = 2 ]
}

@test "two sinks: the run goes on at the lower one" {
	sql 'CREATE TABLE t (id int PRIMARY KEY)'
	cdc-offset init "$OFFSET" --sinks kafka,es
	cdc-tail --offset "$OFFSET" --until now "$PG_URL" >/dev/null
	sql 'INSERT INTO t VALUES (1)'
	sql 'INSERT INTO t VALUES (2)'
	cdc-tail --offset "$OFFSET" --until now "$PG_URL" >"$BATS_TEST_TMPDIR/ten"
	cdc-offset set --sink kafka "$OFFSET" "$(token 2)"
	[ "$(cdc-tail --offset "$OFFSET" --until now "$PG_URL" | ids)" = '1 2' ]
	cdc-offset set --sink es "$OFFSET" "$(token 1)"
	[ "$(cdc-tail --offset "$OFFSET" --until now "$PG_URL" | ids)" = 2 ]
}

@test "one folder serves one source at a time" {
	sql 'CREATE TABLE t (id int PRIMARY KEY)'
	spawn first cdc-tail --offset "$OFFSET" "$PG_URL"
	streams
	run cdc-tail --offset "$OFFSET" "$PG_URL"
	[ "$status" != 0 ]
	[[ $output == *"$OFFSET"* ]]
}

@test "a password in the URL is in no process list and no message" {
	sql "CREATE ROLE writer LOGIN REPLICATION SUPERUSER PASSWORD 'hush'"
	sql 'CREATE TABLE t (id int PRIMARY KEY)'
	spawn tail cdc-tail "postgres://writer:hush@$PGHOST:$PGPORT/postgres?password=hush"
	local tail=$PID
	streams
	! tr '\0' '\n' <"/proc/$tail/cmdline" | grep hush
	tr '\0' '\n' <"/proc/$tail/cmdline" | grep -q 'writer:\*\*\*\*@'
	sql 'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots' >/dev/null
	ends $tail 4
	! grep hush "$(errors tail)"
	local url
	for url in "postgres://writer:hush@$PGHOST:1/postgres" "postgres://nobody:hush@$PGHOST:$PGPORT/postgres" \
		"postgres://writer:hush@nowhere.invalid/postgres" "postgres://writer:hu%sh@$PGHOST/postgres" \
		"postgres://writer:pre/hush@$PGHOST/postgres" "postgres://writer:hush?x@$PGHOST/postgres" \
		"postgres://writer:hush@$PGHOST:$PGPORT/none?sslpassword=hush"; do
		run cdc-tail --retry 0 "$url"
		[ "$status" != 0 ]
		[[ $output != *hush* ]] || { echo "$output"; false; }
	done
	sql 'DROP ROLE writer'
}

@test "a slot without an offset folder: it is said that the server keeps its log" {
	sql 'CREATE TABLE t (id int PRIMARY KEY)'
	run -0 cdc-tail --slot-name $SLOT --until now "$PG_URL"
	[[ $output == *"slot \"$SLOT\" is never told what was read"* ]]
	run -0 cdc-tail --until now "$PG_URL"
	[ -z "$output" ]
}
