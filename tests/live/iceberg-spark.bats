# cdc-sink-iceberg and Apache's own REST catalog, read by Spark: what the sink made of PostgreSQL's tables is what they
# hold, whatever Spark does to the tables, the catalog's answers and the sink suffer meanwhile.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() {
	start_iceberg
	start_spark "$ICEBERG_DIR/warehouse"
	start_postgres
	# So that both understand CAST(n AS string).
	sql "CREATE DOMAIN string AS text"
}
teardown_file() { stop_servers; }

setup() {
	T=t$BATS_TEST_NUMBER FAKE=$BATS_TEST_TMPDIR/fake
	OFFSET=$BATS_TEST_TMPDIR/$T.offset
	mkdir "$FAKE"
	unset ICEBERG_TOKEN ICEBERG_CREDENTIAL
}
teardown() {
	cat "$BATS_TEST_TMPDIR"/*.err 2>/dev/null || true
	kill_spawned
}

proxy() {
	spawn proxy "$ROOT/tests/live/iceberg-proxy" "$FAKE" "${CATALOG##*:}" "$@"
	wait_for "[ -s '$BATS_TEST_TMPDIR/proxy.out' ]" 60
	PROXY=http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/proxy.out")
}

# capture TABLE-PATTERN [CATALOG-URL [SINK-OPTION…]]: all there is now, into the tables, in one run.
capture() {
	local status=0
	timeout 60 cdc-tail --offset "$OFFSET" --start initial --with-schema --table "$1" --until now "$PG_URL" \
		2>"$BATS_TEST_TMPDIR/tail.err" |
		cdc-sink-iceberg --catalog "rest:${2-$CATALOG}" --namespace s --table '${table}' "${@:3}" --ack-fd 3 3>&1 >&2 2>"$BATS_TEST_TMPDIR/sink.err" |
		cdc-offset commit "$OFFSET" 2>"$BATS_TEST_TMPDIR/offset.err" || status=$?
	[ $status = 0 ] || { echo "ended with $status"; return 1; }
}

# same TABLE COLUMNS: of every row, in the database and as Spark reads the table.
same() {
	sql "SELECT row_to_json(q) FROM (SELECT $2 FROM $1) q" | jq -S -c 'with_entries(select(.value != null))' | sort >"$BATS_TEST_TMPDIR/source"
	spark "SELECT $2 FROM r.s.$1" | jq -S -c . | sort >"$BATS_TEST_TMPDIR/table"
	diff "$BATS_TEST_TMPDIR/source" "$BATS_TEST_TMPDIR/table"
}

table() { curl -fs "$CATALOG/v1/namespaces/s/tables/$1" | jq -r ".metadata | $2"; }

@test "snapshot, changes, key changes, added and dropped columns; compaction and expired snapshots between" {
	sql "CREATE TABLE $T (id int, k text, name text NOT NULL, n numeric(10,2), PRIMARY KEY (k, id));
	     INSERT INTO $T SELECT i, 'k' || i % 3, 'n' || i, i / 4.0 FROM generate_series(1, 500) i"
	capture "public\.$T"
	same "$T" 'id, k, name, CAST(n AS string) n'
	sql "UPDATE $T SET n = n + 1 WHERE id % 3 = 0; DELETE FROM $T WHERE id % 5 = 0; UPDATE $T SET id = id + 1000 WHERE id % 7 = 0"
	capture "public\.$T"
	same "$T" 'id, k, name, CAST(n AS string) n'
	spark "CALL r.system.rewrite_data_files(table => 's.$T', options => map('rewrite-all', 'true'))" >/dev/null
	sql "UPDATE $T SET k = 'moved' WHERE id % 11 = 0; ALTER TABLE $T ADD more bigint; UPDATE $T SET more = id * 10000000000 WHERE id % 4 = 0"
	capture "public\.$T"
	spark "CALL r.system.expire_snapshots(table => 's.$T', older_than => TIMESTAMP '2200-01-01 00:00:00', retain_last => 1)" >/dev/null
	[ "$(table "$T" '.snapshots | length')" = 1 ]
	sql "ALTER TABLE $T DROP name; INSERT INTO $T SELECT i, 'late', 0, i FROM generate_series(1, 20) i; DELETE FROM $T WHERE id % 13 = 0"
	capture "public\.$T"
	same "$T" 'id, k, CAST(n AS string) n, more'
}
