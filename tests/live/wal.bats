# A database that changes nothing of what is captured must not fill its disk: the slot follows.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() {
	# So that pg_wal shrinks to what is needed as soon as it is not needed.
	start_postgres -c max_wal_size=64MB -c min_wal_size=32MB
	sql 'CREATE TABLE captured (id int PRIMARY KEY); CREATE TABLE other (id int, payload text)'
}
teardown_file() { stop_servers; }

setup() { OFFSET=$BATS_TEST_TMPDIR/shop.offset; }

teardown() {
	kill_spawned
	wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots WHERE active")" = 0 ]'
	sql 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots'
}

pipeline() {
	cdc-tail --offset "$OFFSET" --slot-name wal --table 'public\.captured' "$PG_URL" | ack_all |
		cdc-offset commit "$OFFSET" --interval 50ms
}

lsn() { sql 'SELECT pg_current_wal_lsn()'; }

# follows LSN: waits until the only slot lets go of the log before LSN. The server moves it to where it last logged
# the running transactions, as checkpoints do, but keeps one such place at a time until that is confirmed: one logged
# a moment before, within a transaction, hides a single later one.
follows() {
	wait_for "sql CHECKPOINT; [ \"\$(sql \"SELECT confirmed_flush_lsn >= '$1' AND restart_lsn >= '$1' FROM pg_replication_slots\")\" = t ]" 20
}

wal_bytes() { sql 'SELECT sum(size) FROM pg_ls_waldir()'; }

# A round of the server's life with nothing for us in it: about 20 MB of log. The checkpoint logs the running
# transactions, which is what lets a slot's restart_lsn follow.
unrelated_round() {
	sql "INSERT INTO other SELECT i, repeat(md5(i::text), 60) FROM generate_series(1, 8000) i;
	     TRUNCATE other"
	sql 'SELECT pg_switch_wal()' >/dev/null
	sql 'CHECKPOINT'
}

busy_elsewhere() {
	local round mark
	for round in 1 2 3 4 5 6 7 8; do
		mark=$(lsn)
		unrelated_round
		follows "$mark"
	done
	sql 'CHECKPOINT'
	[ "$(wal_bytes)" -le $((5 * 16 << 20)) ] || { echo "pg_wal takes $(wal_bytes) bytes"; false; }
}

@test "unless the slot follows, pg_wal grows (so the tests below can fail)" {
	sql "SELECT pg_create_logical_replication_slot('idle', 'pgoutput')"
	local round
	for round in 1 2 3 4 5 6 7 8; do unrelated_round; done
	[ "$(wal_bytes)" -gt $((8 * 16 << 20)) ]
}

@test "pg_wal stays flat while only other tables are written, with an offset folder" {
	spawn pipeline pipeline
	wait_for '[ -s "$OFFSET/position" ]'
	sql 'INSERT INTO captured VALUES (1)'
	busy_elsewhere
}

@test "pg_wal stays flat before the first event" {
	spawn pipeline pipeline
	wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots WHERE active")" = 1 ]'
	busy_elsewhere
}

@test "pg_wal stays flat with a temporary slot" {
	spawn tail cdc-tail --table 'public\.captured' "$PG_URL"
	wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots WHERE active")" = 1 ]'
	busy_elsewhere
}

@test "an idle database's log is let go" {
	spawn pipeline pipeline
	wait_for '[ -s "$OFFSET/position" ]'
	local mark
	sql 'SELECT pg_switch_wal()' >/dev/null
	mark=$(lsn)
	sql 'CHECKPOINT'
	follows "$mark"
}

@test "what the pipeline has not acknowledged is kept" {
	spawn tail cdc-tail --offset "$OFFSET" --slot-name wal --table 'public\.captured' "$PG_URL"
	wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots WHERE active")" = 1 ]'
	local mark
	mark=$(lsn)
	sql 'INSERT INTO captured VALUES (100)'
	wait_for 'grep -q "\"id\":100" "$BATS_TEST_TMPDIR/tail.out"'
	unrelated_round
	unrelated_round
	[ "$(sql "SELECT confirmed_flush_lsn <= '$mark' FROM pg_replication_slots")" = t ]
}
