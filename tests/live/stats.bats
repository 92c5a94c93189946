# What cdc-tail tells of itself.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() {
	start_postgres
	sql 'CREATE TABLE t (id int PRIMARY KEY)'
}
teardown_file() { stop_servers; }

setup() {
	STATS=$BATS_TEST_TMPDIR/stats
	spawn tail cdc-tail --stats "$STATS" --table 'public\.t' "$PG_URL"
	wait_for '[ "$(figure connected)" = 1 ]'
}

teardown() {
	kill_spawned
	wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots")" = 0 ]'
	sql 'TRUNCATE t'
}

figure() { sed -n "s/^cdc_tail_$1 //p" "$STATS"; }

# The figures are written after the lines, so they are waited for.
@test "--stats counts what was written" {
	sql 'INSERT INTO t SELECT generate_series(1, 3)'
	sql 'UPDATE t SET id = 10 WHERE id = 1' # a delete and a create
	wait_for '[ "$(figure events_total)" = 5 ]'
	[ "$(figure transactions_total)" = 2 ]
	wait_for '[ "$(figure bytes_total)" = "$(wc -c <"$BATS_TEST_TMPDIR/tail.out")" ]'
	[ "$(figure lag_seconds)" = 0.000 ]
	[ "$(figure reconnects_total)" = 0 ]
	[ "$(figure read_lsn)" -ge "$(figure confirmed_lsn)" ]
	local lsn age
	lsn=$(sql "SELECT (pg_current_wal_lsn() - '0/0')::bigint")
	wait_for "[ \$(figure confirmed_lsn) -gt $((lsn - (1 << 20))) ]"
	age=$(($(date +%s) - $(figure last_commit_timestamp_seconds | cut -d. -f1)))
	[ "$age" -ge 0 ] && [ "$age" -lt 30 ]
	# Each figure has its help and its type.
	[ "$(grep -c '^# HELP' "$STATS")" = "$(grep -vc '^#' "$STATS")" ]
	[ "$(grep -c '^# TYPE' "$STATS")" = "$(grep -vc '^#' "$STATS")" ]
}

@test "SIGUSR1 prints the figures, and the run goes on" {
	kill -USR1 $PID
	wait_for 'grep -q "^cdc_tail_events_total 0$" "$BATS_TEST_TMPDIR/tail.err"'
	sql 'INSERT INTO t VALUES (1)'
	wait_for '[ "$(figure events_total)" = 1 ]'
	kill -USR1 $PID
	wait_for 'grep -q "^cdc_tail_events_total 1$" "$BATS_TEST_TMPDIR/tail.err"'
}

@test "the last figures are those of the end" {
	sql 'INSERT INTO t VALUES (1)'
	wait_for 'grep -q "\"id\":1" "$BATS_TEST_TMPDIR/tail.out"'
	kill -TERM $PID
	wait $PID
	[ "$(figure events_total)" = 1 ]
	[ "$(figure connected)" = 0 ]
	[ "$(figure bytes_total)" = "$(wc -c <"$BATS_TEST_TMPDIR/tail.out")" ]
}

@test "a place where no figures can be kept is told at once" {
	run -2 cdc-tail --stats /dev/null "$PG_URL"
	[[ $output == *"no regular file"* ]]
	[ -c /dev/null ]
	run -6 cdc-tail --stats "$BATS_TEST_TMPDIR/none/stats" "$PG_URL"
}
