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
	timeout 60 cdc-tail --offset "$OFFSET" --start initial --with-schema --table "$1" --until now "$PG_URL" \
		2>"$BATS_TEST_TMPDIR/tail.err" |
		sh -c 'echo $$ >"$0"; exec cdc-sink-iceberg "$@"' "$FAKE/victim" --catalog "rest:${2-$CATALOG}" --namespace s \
			--table '${table}' --name "$T" "${@:3}" --ack-fd 3 3>&1 >&2 2>"$BATS_TEST_TMPDIR/sink.err" |
		cdc-offset commit "$OFFSET" 2>"$BATS_TEST_TMPDIR/offset.err"
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

@test "the partitions of a table that Spark made: every transform, values of all kinds, a new partitioning" {
	sql "CREATE TABLE $T (id bigint PRIMARY KEY, s text, d date, at timestamptz, n numeric(9,2), x int, big text);
	     ALTER TABLE $T REPLICA IDENTITY FULL;
	     INSERT INTO $T SELECT i, CASE WHEN i % 9 <> 0 THEN chr(97 + i % 3) || '/ä ' || i % 2 END,
	       CASE WHEN i % 8 <> 0 THEN date '1969-11-30' + i END, timestamptz '1970-01-01 00:00+00' + (i - 50) * interval '7 hours',
	       (i - 60) / 4.0, i * 37 % 100 - 50, 'b' FROM generate_series(1, 64) i"
	spark "CREATE NAMESPACE IF NOT EXISTS r.s"
	spark "CREATE TABLE r.s.$T (id BIGINT NOT NULL, s STRING, d DATE, at TIMESTAMP, n DECIMAL(9,2), x INT, big STRING) USING iceberg
	       PARTITIONED BY (bucket(3, id), s, years(d), months(at), truncate(100, n), bucket(2, n)) TBLPROPERTIES ('format-version' = '2')"
	capture "public\.$T"
	columns='id, s, CAST(d AS string) d, CAST(n AS string) n, x, big'
	same "$T" "$columns"
	# Spark finds a row by each partition field, and reckons the same partitions.
	[ "$(spark "SELECT (SELECT max(id) FROM r.s.$T WHERE at = TIMESTAMP '1970-01-01 00:00:00') a, (SELECT max(id) FROM r.s.$T WHERE d = DATE '1970-02-01') d,
		(SELECT max(id) FROM r.s.$T WHERE n = -10.25) n, (SELECT count(*) FROM r.s.$T WHERE s IS NULL) s,
		(SELECT count(*) FROM (SELECT id, n, _partition.id_bucket i, _partition.n_bucket b, _partition.n_trunc t FROM r.s.$T)
		 WHERE i <> r.system.bucket(3, id) OR b <> r.system.bucket(2, n) OR t <> r.system.truncate(100, n)) bad")" = '{"a":50,"d":63,"n":19,"s":7,"bad":0}' ]
	# Rows that move to another partition, and that go.
	sql "UPDATE $T SET s = 'moved', at = at + interval '1 day' WHERE id % 4 = 0; DELETE FROM $T WHERE id % 7 = 0; UPDATE $T SET id = id + 1000 WHERE id % 5 = 0"
	capture "public\.$T"
	same "$T" "$columns"
	spark "ALTER TABLE r.s.$T REPLACE PARTITION FIELD s WITH truncate(2, s)" >/dev/null
	spark "ALTER TABLE r.s.$T ADD PARTITION FIELD hours(at)" >/dev/null
	sql "UPDATE $T SET n = -n WHERE id % 3 = 0; INSERT INTO $T SELECT i, 'neu', NULL, NULL, NULL, NULL, NULL FROM generate_series(500, 530) i"
	capture "public\.$T"
	same "$T" "$columns"
	spark "CALL r.system.rewrite_data_files(table => 's.$T', options => map('rewrite-all', 'true'))" >/dev/null
	sql "UPDATE $T SET x = x + 1; DELETE FROM $T WHERE id % 6 = 1"
	capture "public\.$T"
	same "$T" "$columns"
	[ "$(table "$T" '[.["partition-specs"][] | .fields | length] | sort | first')" = 0 ]
}

# change ROUND: at random, what the seed makes of it.
change() {
	sql "SELECT setseed($1 / 100.0);
	     INSERT INTO $T SELECT i, 'k' || i % 4, (random() * 1000)::int, repeat('x', (random() * 40)::int)
	       FROM generate_series($1 * 50, $1 * 50 + 60) i ON CONFLICT DO NOTHING;
	     UPDATE $T SET n = n + 1, s = s || $1 WHERE random() < 0.3; DELETE FROM $T WHERE random() < 0.1;
	     UPDATE $T SET k = 'm' || $1 WHERE random() < 0.1" >/dev/null
}

@test "answers lost and cut, requests lost, kills before and after each; compaction and expired snapshots at the same time" {
	sql "CREATE TABLE $T (id int, k text, n int, s text, PRIMARY KEY (id, k))"
	change 0
	proxy
	local round=0 orders maintainer
	capture "public\.$T" "$PROXY" --commit-rows 40
	for orders in lose half 'then 503' drop kill 'kill first' hang; do
		round=$((round + 1)) maintainer=
		# Two commits of the round go so.
		printf '%s\n' pass "$orders" pass "$orders" >"$FAKE/script"
		change $round
		if [ $((round % 3)) = 1 ]; then
			spark "CALL r.system.rewrite_data_files(table => 's.$T', options => map('rewrite-all', 'true'))" >"$BATS_TEST_TMPDIR/spark.out" &
			maintainer=$!
		elif [ $((round % 3)) = 0 ]; then
			spark "CALL r.system.expire_snapshots(table => 's.$T', older_than => TIMESTAMP '2200-01-01 00:00:00', retain_last => 1)" >"$BATS_TEST_TMPDIR/spark.out" &
			maintainer=$!
		fi
		if [[ $orders == kill* ]]; then
			! capture "public\.$T" "$PROXY" --commit-rows 40
			wait_for "! sql 'SELECT 1 FROM pg_replication_slots WHERE active' | grep -q 1" 60
		else
			capture "public\.$T" "$PROXY" --commit-rows 40 --timeout 2s
		fi
		[ -z "$maintainer" ] || wait "$maintainer"
		table "$T" '.snapshots[] | "\(.["snapshot-id"]) \(.summary["cdc.position.'$T'"])"' >>"$BATS_TEST_TMPDIR/snapshots"
	done
	[ "$(jq -r .status "$FAKE/requests" | grep -c -e null -e 503)" -ge 7 ]
	capture "public\.$T"
	same "$T" 'id, k, n, s'
	# Of each position there was one snapshot at most, expired ones too.
	table "$T" '.snapshots[] | "\(.["snapshot-id"]) \(.summary["cdc.position.'$T'"])"' >>"$BATS_TEST_TMPDIR/snapshots"
	[ "$(grep -v ' null$' "$BATS_TEST_TMPDIR/snapshots" | sort -u | cut -d' ' -f2 | sort | uniq -d)" = '' ]
	[ "$(sort -u "$BATS_TEST_TMPDIR/snapshots" | grep -c pg/)" -gt 12 ]
}
