# A slot that is behind, missing, invalidated or of another system is status 5, with the facts and the command to
# go on; and the command works as it is printed.
load tail

setup_file() { start_postgres -c max_slot_wal_keep_size=16MB -c max_wal_size=64MB -c min_wal_size=32MB; }
teardown_file() { stop_servers; }
setup() {
	mkdir "$BATS_TEST_TMPDIR/it's here"
	OFFSET="$BATS_TEST_TMPDIR/it's here/shop.offset"
	sql 'CREATE TABLE t (id int PRIMARY KEY)'
}
teardown() { clean; }

pipeline() { cdc-tail --offset "$OFFSET" "$@" "${URL-$PG_URL}" | tee "$BATS_TEST_TMPDIR/lines" | ack_all | cdc-offset commit "$OFFSET"; }
ids() { jq -r 'select(.op).after.id' "$BATS_TEST_TMPDIR/lines" | paste -sd' '; }

# lost PATTERN: the run ends with 5 and says this; the command of its hint is run, and the run after it goes on, in a
# new epoch, with what comes then.
lost() {
	local command
	run -5 cdc-tail --offset "$OFFSET" --until now "${URL-$PG_URL}"
	[[ $output == *"the position is lost: "$1* ]] || { echo "$output"; return 1; }
	# The pipeline tells it too, by the last stage.
	run -5 pipeline --until now
	command=$(grep -o 'cdc-offset set .*' <<<"$output")
	bash -c "$command" || { echo "$command"; return 1; }
	pipeline --until now
	[ "$(jq -r 'select(.cdc.control == "start").cdc.pos' "$BATS_TEST_TMPDIR/lines" | cut -d/ -f2)" = 2 ]
	sql 'INSERT INTO t VALUES (100)' ${DB--d postgres}
	pipeline --until now
	[ "$(ids)" = 100 ]
}

@test "the slot is gone" {
	pipeline --until now
	sql "SELECT pg_drop_replication_slot('cdc_shop')" >/dev/null
	lost 'slot "cdc_shop" is gone, which held the log from '
}

@test "the slot was confirmed past the folder's position" {
	pipeline --until now
	sql 'INSERT INTO t VALUES (1)'
	sql "SELECT pg_replication_slot_advance('cdc_shop', pg_current_wal_lsn())" >/dev/null
	lost 'slot "cdc_shop" was confirmed up to '
}

@test "the slot was invalidated: max_slot_wal_keep_size" {
	pipeline --until now
	local round
	for round in 1 2 3 4; do
		sql "CREATE TABLE fill AS SELECT repeat('x', 1000) FROM generate_series(1, 20000); DROP TABLE fill;
			SELECT pg_switch_wal()" >/dev/null
		sql CHECKPOINT
	done
	[ "$(sql 'SELECT wal_status FROM pg_replication_slots')" = lost ]
	lost 'slot "cdc_shop" was invalidated: '
}

@test "a slot that is invalidated under a running tail" {
	spawn tail cdc-tail --offset "$OFFSET" "$PG_URL"
	local tail=$PID
	streams
	# A reader that is stopped acknowledges nothing, and the slot falls behind.
	kill -STOP $tail
	local round
	for round in 1 2 3 4 5 6 7 8; do
		sql "CREATE TABLE fill AS SELECT repeat('x', 1000) FROM generate_series(1, 20000); DROP TABLE fill;
			SELECT pg_switch_wal()" >/dev/null
		sql CHECKPOINT
	done
	wait_for '[ "$(sql "SELECT wal_status FROM pg_replication_slots")" = lost ]' 60
	kill -CONT $tail
	ends $tail 5
	grep -q 'the position is lost: slot "cdc_shop" was invalidated' "$(errors tail)"
	[ "$(tail -n 1 "$(file tail)" | jq -c '[.cdc.control, .cdc.status]')" = '["end",5]' ]
}

@test "another system, and a folder with two sinks" {
	cdc-offset init "$OFFSET" --sinks kafka,es
	cdc-tail --offset "$OFFSET" --until now "$PG_URL" >"$BATS_TEST_TMPDIR/lines"
	jq -r '.cdc.pos // empty' "$BATS_TEST_TMPDIR/lines" | tail -n 1 >"$BATS_TEST_TMPDIR/token"
	cdc-offset set --sink kafka "$OFFSET" "$(cat "$BATS_TEST_TMPDIR/token")"
	cdc-offset set --sink es "$OFFSET" "$(cat "$BATS_TEST_TMPDIR/token")"
	sed -i 's/"system":"[0-9]*"/"system":"12345"/' "$OFFSET/source"
	local system
	system=$(sql 'SELECT system_identifier FROM pg_control_system()')
	run -5 cdc-tail --offset "$OFFSET" --until now "$PG_URL"
	[[ $output == *"system identifier $system, the folder's source had 12345"* ]]
	bash -c "$(grep -o 'cdc-offset set .*' <<<"$output")"
	sql 'INSERT INTO t VALUES (1)'
	cdc-tail --offset "$OFFSET" --start earliest --until now "$PG_URL" >"$BATS_TEST_TMPDIR/lines"
	[ "$(ids)" = 1 ]
	[ "$(jq -r 'select(.op).cdc.pos' "$BATS_TEST_TMPDIR/lines" | cut -d/ -f2)" = 2 ]
}

@test "a slot of another plugin or database is a fault of the command line" {
	sql "SELECT pg_create_logical_replication_slot('other', 'test_decoding')" >/dev/null 2>&1 ||
		skip 'no test_decoding'
	run -2 cdc-tail --slot-name other --until now "$PG_URL"
	[[ $output == *'slot "other" is of test_decoding of database postgres, needed is pgoutput'* ]]
}

@test "a damaged source is an error that names it, never an empty one" {
	pipeline --until now
	: >"$OFFSET/source"
	run -3 cdc-tail --offset "$OFFSET" --until now "$PG_URL"
	[[ $output == *"$OFFSET"*source* ]]
}
