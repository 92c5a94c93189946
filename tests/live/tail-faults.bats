# cdc-tail when the server, the connection, the reader or the slot goes.
# Alone: it tells a silent peer from a slow one by seconds.
load tail

setup_file() { start_postgres -c wal_sender_timeout=5s -c max_wal_size=64MB -c min_wal_size=32MB; }
teardown_file() { stop_servers; }
teardown() { clean; }

lines() { wc -l <"$(file "$1")"; }

@test "--retry: the server is restarted in the middle, and killed; every event once" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	spawn tail cdc-tail --slot-name $SLOT "$PG_URL"
	streams
	local round
	for round in 1 2 3 4; do
		sql "INSERT INTO t SELECT generate_series($round * 100, $round * 100 + 49)"
		has tail "{\"id\":$((round * 100))}"
		# Killed in the middle of a transaction's lines, now and then; its log is flushed by what follows.
		sql "INSERT INTO t SELECT generate_series($round * 100 + 50, $round * 100 + 99)"
		sql 'CHECKPOINT'
		if [ $((round % 2)) = 0 ]; then "$SERVERS/postgres" kill9 "$PG_DIR"; else "$SERVERS/postgres" stop "$PG_DIR"; fi
		"$SERVERS/postgres" restart "$PG_DIR"
	done
	sql 'INSERT INTO t VALUES (0)'
	has tail '"after":{"id":0}'
	[ "$(jq .after.id "$(file tail)" | paste -sd' ')" = "$(seq 100 499 | paste -sd' ') 0" ]
	grep -q 'connecting again' "$(errors tail)"
}

@test "--retry: a connection cut within a huge transaction goes on behind the last line" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	start_proxy
	sql 'INSERT INTO t SELECT generate_series(1, 200000)'
	# The reader waits at each of these lines until the connection is cut, or a fast machine would be through before.
	spawn tail bash -o pipefail -c 'cdc-tail --slot-name "$1" --start earliest --count 200000 --control "$2" |
		awk -v cut="$3" "1; NR == 20000 || NR == 60000 || NR == 120000 { fflush(); while (system(\"test -e \" cut NR) != 0) system(\"sleep 0.05\") }"' \
		- $SLOT "$PROXY_URL" "$BATS_TEST_TMPDIR/cut."
	local tail=$PID at
	for at in 20000 60000 120000; do
		wait_for "[ \$(wc -l <'$(file tail)') -ge $at ]" 60
		kill -HUP $PROXY
		touch "$BATS_TEST_TMPDIR/cut.$at"
	done
	ends $tail 0
	[ "$(jq 'select(.op).after.id' "$(file tail)" | paste -sd' ' | cksum)" = "$(seq 1 200000 | paste -sd' ' | cksum)" ]
	rises <"$(file tail)"
	[ "$(grep -c 'connecting again' "$(errors tail)")" -ge 1 ]
}

@test "--retry: a server that is not there is given up, and one that cuts every connection too" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	start_proxy
	spawn tail cdc-tail --slot-name $SLOT --retry 1s "$PROXY_URL"
	local tail=$PID
	streams
	kill -9 $PROXY
	ends $tail 4
	[ "$(grep -c . "$(errors tail)")" -lt 8 ]
	# Without --retry at once.
	start_proxy
	spawn tail cdc-tail --slot-name $SLOT --retry 0 --quiet "$PROXY_URL"
	tail=$PID
	streams
	kill -HUP $PROXY
	ends $tail 4
	[ "$(grep -c . "$(errors tail)")" = 1 ]
	# A server that takes us back each time and never gets through the same transaction.
	start_proxy
	sql 'INSERT INTO t SELECT generate_series(1, 400000)'
	spawn tail cdc-tail --slot-name $SLOT --start earliest --table 'no\.table' --retry 2s "$PROXY_URL"
	tail=$PID
	spawn cutter bash -c "while sleep 0.3; do kill -HUP $PROXY; done"
	ends $tail 4
	[ "$(grep -c . "$(errors tail)")" -lt 20 ]
}

@test "a temporary slot lost with its connection is status 4, and names where the gap begins" {
	sql 'CREATE TABLE t (id int PRIMARY KEY)'
	spawn tail cdc-tail "$PG_URL"
	local tail=$PID
	streams
	sql 'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots' >/dev/null
	ends $tail 4
	grep -q 'the temporary slot went with the connection: what commits after [0-9A-F]*/[0-9A-F]* is not seen' "$(errors tail)"
	grep -q 'hint: --offset' "$(errors tail)"
	# Nothing of ours stays.
	[ "$(sql 'SELECT count(*) FROM pg_publication')" = 0 ]
}

@test "--stall-timeout: a peer that says nothing any more" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	start_proxy
	spawn tail cdc-tail --slot-name $SLOT --stall-timeout 2s --retry 0 "$PROXY_URL"
	local tail=$PID
	streams
	# An idle server is not silent: it answers.
	sql 'INSERT INTO t VALUES (1)'
	has tail '"id":1'
	sleep 3
	kill -0 $tail
	kill -USR1 $PROXY
	ends $tail 4
	grep -q 'said nothing for 2 s' "$(errors tail)"
}

@test "--stall-timeout: a peer that is silent from the start, at each step" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	start_proxy
	kill -USR1 $PROXY
	spawn tail cdc-tail --slot-name $SLOT --stall-timeout 2s --retry 0 "$PROXY_URL"
	local tail=$PID
	ends $tail 4
	grep -q 'cannot connect' "$(errors tail)"
	# Asked and not answered.
	kill -USR2 $PROXY
	spawn blocker psql -X -q -c 'BEGIN; LOCK TABLE pg_publication; SELECT pg_sleep(600)' postgres
	wait_for '[ "$(sql "SELECT count(*) FROM pg_locks WHERE mode = '"'AccessExclusiveLock'"' AND granted")" != 0 ]' 60
	spawn tail cdc-tail --slot-name $SLOT --stall-timeout 2s --retry 0 "$PROXY_URL"
	tail=$PID
	ends $tail 4
	grep -q 'did not answer for 2 s' "$(errors tail)"
}

@test "a reader that reads nothing for long is not the server's silence" {
	sql 'CREATE TABLE t (id int PRIMARY KEY, v text)'
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	spawn reader bash -c "exec 3<'$BATS_TEST_TMPDIR/pipe'; sleep 9; cat <&3 | wc -l"
	spawn tail bash -c 'cdc-tail --stall-timeout 2s --count 3000 "$0" >"$1"' "$PG_URL" "$BATS_TEST_TMPDIR/pipe"
	local tail=$PID
	streams
	# More than a pipe holds, and then the server is idle.
	sql "INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 2500) g"
	sleep 8
	sql "INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(2501, 3000) g"
	ends $tail 0
	wait_for "[ \"\$(cat '$(file reader)')\" = 3000 ]" 60
}

@test "one huge transaction and a blocked reader: the connection survives wal_sender_timeout" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY, v text)'
	sql "INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 100000) g"
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	spawn tail bash -c 'cdc-tail --slot-name shop --start earliest --retry 0 --count 100000 "$0" >"$1"' \
		"$PG_URL" "$BATS_TEST_TMPDIR/pipe"
	local tail=$PID
	spawn reader bash -c "exec 3<'$BATS_TEST_TMPDIR/pipe'; head -c 1000000 <&3 >/dev/null; echo blocked; sleep 8; cat <&3 | tail -n 1"
	ends $tail 0
	wait_for "grep -q '\"id\":100000,' '$(file reader)'" 60
	# The server did not see it go.
	! grep -q 'terminating walsender process due to replication timeout' "$PG_DIR/data/log"
}

@test "a reader that has seen enough is a normal end; with an offset folder it is status 4" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	sql 'INSERT INTO t SELECT generate_series(1, 10000)'
	run bash -c 'cdc-tail --quiet --slot-name shop --start earliest "$0" | head -n 1 | jq .after.id; echo "${PIPESTATUS[@]}"' "$PG_URL"
	[ "$output" = $'1\n0 0 0' ] || { echo "$output"; false; }
	run bash -c 'cdc-tail --offset "$1" --slot-name shop --start earliest "$0" | head -n 1 >/dev/null; echo "${PIPESTATUS[@]}"' \
		"$PG_URL" "$OFFSET"
	[ "${lines[-1]}" = '4 0' ]
	[[ $output == *'standard output'* ]]
}

@test "SIGTERM and SIGINT end the output at a transaction's end where it is, with status 0" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	local signal
	for signal in TERM INT; do
		spawn tail cdc-tail --slot-name $SLOT --start earliest --control "$PG_URL"
		local tail=$PID
		streams
		sql "INSERT INTO t SELECT count(*) FROM t"
		has tail '"op":"c"'
		kill -$signal $tail
		ends $tail 0
		[ "$(tail -n 1 "$(file tail)" | jq -c '[.cdc.control, .cdc.status]')" = '["end",0]' ]
		[ "$(tail -n 2 "$(file tail)" | jq -c .cdc.control | head -n 1)" = '"progress"' ]
		wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots WHERE active")" = 0 ]' 60
	done
}

@test "SIGTERM ends a wait for a slot that open transactions hold up" {
	sql 'CREATE TABLE t (id int PRIMARY KEY)'
	spawn open psql -X -q -c 'BEGIN; INSERT INTO t VALUES (1); SELECT pg_sleep(600)' postgres
	wait_for '[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE state = '"'active'"' AND backend_xid IS NOT NULL")" != 0 ]' 60
	spawn tail cdc-tail --stall-timeout 2s "$PG_URL"
	local tail=$PID
	wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots")" = 1 ]' 60
	# It is no stall: the server waits with reason.
	sleep 4
	kill -0 $tail
	kill -TERM $tail
	ends $tail 4
	wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots")" = 0 ]' 60
	[ "$(sql 'SELECT count(*) FROM pg_publication')" = 0 ]
}

@test "a slot that somebody else reads is status 4 and names the reader" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	spawn first cdc-tail --slot-name $SLOT "$PG_URL"
	streams
	run -4 cdc-tail --slot-name $SLOT "$PG_URL"
	[[ $output == *'is active for PID'* ]]
}
