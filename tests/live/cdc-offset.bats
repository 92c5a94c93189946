# `cdc-offset lag` against a server.
load ../lib

setup_file() { start_postgres; }

teardown_file() { stop_servers; }

setup() {
	DIR=$BATS_TEST_TMPDIR/shop.offset
	cdc-offset init "$DIR"
}

teardown() { sql "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots" >/dev/null; }

# The server's log position, decimal.
head_lsn() { sql "SELECT pg_current_wal_lsn() - '0/0'"; }

# source SLOT [SYSTEM]: what cdc-tail would have written.
source_file() {
	local system=${2-$(sql 'SELECT system_identifier FROM pg_control_system()')}
	echo "{\"identity\":\"$system-ab\",\"epoch\":1,\"database\":\"postgres\",\"slot\":\"$1\",\"publication\":\"p\"," \
		"\"start\":\"pg/1/l/1/0/0\",\"epochs\":[{\"epoch\":1,\"system\":\"$system\",\"timeline\":1,\"from\":1}]}" \
		>"$DIR/source"
}

lag() { cdc-offset lag "$DIR" "$PG_URL" --json; }

@test "without a server: how old the tokens are" {
	run cdc-offset lag "$DIR"
	[ "$output" = "default      nothing is acknowledged" ]
	cdc-offset set "$DIR" pg/1/l/100/0/0
	run cdc-offset lag "$DIR"
	[[ $output =~ ^"default      "[0-9]+"ms since the last acknowledgement"$ ]]
	[ "$(cdc-offset lag "$DIR" --json | jq -c '[.sinks.default.behind_bytes, .slot, .head_lsn]')" = '[null,null,null]' ]
}

@test "bytes and time behind, WAL retained, the slot's state" {
	sql "SELECT FROM pg_create_logical_replication_slot('shop', 'pgoutput')"
	source_file shop
	at=$(head_lsn)
	cdc-offset set "$DIR" "pg/1/l/$at/0/0"
	sql "SELECT FROM pg_logical_emit_message(true, 'x', repeat('y', 100000))"
	behind=$(lag | jq .sinks.default.behind_bytes)
	[ "$behind" -ge 100000 ]
	[ "$behind" -le $(($(head_lsn) - at)) ]
	run jq -c '[.slot.name, .slot.exists, .slot.wal_status, .slot.active_pid, .slot.retained_bytes >= 100000,
		.sinks.default.behind_ms > 0]' <(lag)
	[ "$output" = '["shop",true,"reserved",null,true,true]' ]
	run cdc-offset lag "$DIR" "$PG_URL"
	[ "$status" = 0 ]
	[[ ${lines[0]} =~ ^"default      "[0-9]{6,}" bytes behind, "[0-9]+m?s" behind"$ ]]
	[[ ${lines[1]} =~ ^"slot         shop, read by nobody, wal_status reserved, "[0-9]{6,}" bytes of WAL retained"$ ]]
}

@test "at the end of the log nothing is behind, however old the token" {
	source_file ''
	cdc-offset set "$DIR" "pg/1/l/$(($(head_lsn) + 1000000000))/0/0"
	[ "$(lag | jq -c '[.sinks.default.behind_bytes, .sinks.default.behind_ms, .slot]')" = '[0,0,null]' ]
}

@test "a sink in the snapshot has no place in the log yet" {
	source_file ''
	cdc-offset set "$DIR" "pg/1/s/1/5/public.a/%5B1%5D"
	[ "$(lag | jq -c '[.sinks.default.behind_bytes, .sinks.default.behind_ms >= 0]')" = '[null,true]' ]
}

@test "a slot that is gone is status 5" {
	source_file shop
	cdc-offset set "$DIR" "pg/1/l/$(head_lsn)/0/0"
	run cdc-offset lag "$DIR" "$PG_URL"
	[ "$status" = 5 ]
	[ "${lines[1]}" = "slot         shop: missing" ]
}

@test "another server is status 2, one that is not there status 4, and no password is shown" {
	source_file shop 12345
	run cdc-offset lag "$DIR" "$PG_URL"
	[ "$status" = 2 ]
	[[ $output == *"another server"*12345* ]]
	run cdc-offset lag "$DIR" "postgres://me:hush@127.0.0.1:$("$SERVERS/free-port")/postgres"
	[ "$status" = 4 ]
	[[ $output != *hush* ]]
	run cdc-offset lag "$DIR" mysql://root@localhost/
	[ "$status" = 2 ]
}
