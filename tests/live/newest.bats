# What the system's PostgreSQL shows, shown on the newest one: of Debian's newest suite, with pgvector.
load ../lib

# newest FILE…
newest() {
	local version
	PG_VERSION=newest start_postgres
	version=$(sql 'SHOW server_version_num')
	stop_servers
	[ "$version" -ge 180000 ] || { echo "the newest PostgreSQL is $version"; false; }
	PG_VERSION=newest bats --tap "$@" >out 2>&1 || { grep -v '^ok' out; false; }
	cat out
	[ "$(grep -c '^ok' out)" -gt 1 ]
}

setup() { cd "$BATS_TEST_TMPDIR"; }

@test "Debezium's own events, and the options that shape them" {
	newest "$ROOT/tests/golden/postgres.bats" "$ROOT/tests/live/options.bats"
}

@test "cdc-tail's starts, ends, faults and figures" {
	newest "$ROOT"/tests/live/tail-*.bats "$ROOT/tests/live/wal.bats" "$ROOT/tests/live/stats.bats"
}
