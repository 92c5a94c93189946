# What the tests of cdc-tail share; a file says: load tail
#
# A test's tables are in the schema public, its slot and publication are called `shop`, its offset folder is
# $OFFSET. clean, for teardown, leaves the server as it was.
bats_require_minimum_version 1.5.0
load ../lib

SLOT=shop

setup() { OFFSET=$BATS_TEST_TMPDIR/shop.offset; }

clean() {
	kill_spawned
	# The server does not see at once that a client is gone which it works for.
	sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'" >/dev/null
	wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots WHERE active")" = 0 ]' 60
	sql "SET client_min_messages = error;
		SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots;
		DROP SCHEMA public CASCADE; CREATE SCHEMA public" >/dev/null
	sql "DO \$\$ DECLARE p text; BEGIN FOR p IN SELECT quote_ident(pubname) FROM pg_publication LOOP
		EXECUTE 'DROP PUBLICATION ' || p; END LOOP; END \$\$"
}

# prepare SQL [OPTION…]: the tables, then publication and slot as cdc-tail makes them.
prepare() {
	sql "$1" >/dev/null
	cdc-tail --slot-name $SLOT --until now --quiet "${@:2}" "$PG_URL"
}

# changes [OPTION…]: what came since prepare, again with each call. Without an offset folder nothing is confirmed.
changes() { cdc-tail --slot-name $SLOT --start earliest --until now --quiet "$@" "$PG_URL"; }

# short: of lines on standard input, `op topic key before after`, compact.
short() { jq -c -r '"\(.op) \(.cdc.topic) \(.cdc.key) \(.before) \(.after)"'; }

lsn() { sql 'SELECT pg_current_wal_insert_lsn()'; }

# file NAME: what spawn NAME wrote; errors NAME: what it said.
file() { echo "$BATS_TEST_TMPDIR/$1.out"; }
errors() { echo "$BATS_TEST_TMPDIR/$1.err"; }

# has NAME TEXT…: waits until the spawned command wrote each text.
has() {
	local text
	for text in "${@:2}"; do
		wait_for "grep -q -F -e '$text' '$(file "$1")'" 60
	done
}

# streams [SLOT-PATTERN]: waits until a slot is read.
streams() { wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots WHERE active")" = 1 ]' 60; }

# ends PID STATUS
ends() {
	local status=0
	wait "$1" || status=$?
	[ $status = "$2" ] || { echo "process $1 ended with $status, not $2" >&2; return 1; }
}

# rises: the tokens of the lines on standard input rise strictly, or, for control lines, do not fall.
rises() {
	jq -r -n '
		def numbers: split("/") | .[1:2] + .[3:] | map(tonumber);
		reduce (inputs | select(.cdc.pos)) as $l ([0];
			($l.cdc.pos | numbers) as $n
			| if $n > . or ($l.cdc.control and $n == .) then $n
			  else error("\($l.cdc.pos) is not above \(.)") end)' >/dev/null
}

# start_proxy: between $PROXY_URL and the server; $PROXY is its process: see tests/fault/proxy.
start_proxy() {
	spawn proxy "$ROOT/tests/fault/proxy" "$PGPORT"
	PROXY=$PID
	wait_for "[ -s '$(file proxy)' ]" 60
	PROXY_URL=postgres://$PGUSER@$PGHOST:$(cat "$(file proxy)")/postgres
}
