# cdc-sink-iceberg with the file catalog: a real PostgreSQL's tables through the real cdc-tail, and lines made by hand;
# what the table then holds is read by iceberg_read, after its deletes.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() {
	[ -x "$CDC_BIN/cdc-sink-iceberg" ] || return 0
	start_postgres
}
teardown_file() { stop_servers; }

setup() {
	[ -x "$CDC_BIN/cdc-sink-iceberg" ] || skip "cdc-sink-iceberg is not built here: libduckdb or libavro is missing"
	DIR=$BATS_TEST_TMPDIR/tables T=t$BATS_TEST_NUMBER
	mkdir "$DIR"
	OFFSET=$BATS_TEST_TMPDIR/t$BATS_TEST_NUMBER.offset
	START='{"cdc":{"control":"start","pos":"pg/1/l/100/0/0","source":"7301-ab"}}'
	END='{"cdc":{"control":"end","status":0}}'
}
teardown() {
	cat "$BATS_TEST_TMPDIR"/*.err 2>/dev/null || true
	kill_spawned
}

# read_table TABLE [QUERY]
read_table() { "$CDC_BIN/tests/live/iceberg_read" "$DIR" "${SPACE-default}" "$@"; }
snapshots() { jq '.snapshots | length' "$(newest "$1")"; }
newest() { ls -v "$DIR/default/$1"/metadata/v*.metadata.json | tail -1; }
position() { jq -r '.properties["cdc.position.cdc"]' "$(newest "$1")"; }

# ---- a real source

# capture TABLE-PATTERN [TAIL-OPTION…]: all there is now, into the tables, in one run.
capture() {
	local status=0
	timeout 60 cdc-tail --offset "$OFFSET" --start initial --with-schema --table "$1" --until now "${@:2}" "$PG_URL" \
		2>"$BATS_TEST_TMPDIR/tail.err" |
		cdc-sink-iceberg --catalog "file:$DIR" --table '${table}' --ack-fd 3 3>&1 >&2 2>"$BATS_TEST_TMPDIR/sink.err" |
		cdc-offset commit "$OFFSET" 2>"$BATS_TEST_TMPDIR/offset.err" || status=$?
	[ $status = 0 ] || { echo "ended with $status"; return 1; }
}

# same TABLE EXPRESSION: of every row, in the database and in the table.
same() {
	sql "SELECT j FROM (SELECT $2 AS j FROM $1) q ORDER BY j COLLATE \"C\"" >"$BATS_TEST_TMPDIR/source"
	read_table "$1" "SELECT $2 AS j FROM t ORDER BY j" >"$BATS_TEST_TMPDIR/table"
	diff "$BATS_TEST_TMPDIR/source" "$BATS_TEST_TMPDIR/table"
}

@test "snapshot, then inserts, updates, deletes and key changes" {
	sql "CREATE TABLE $T (id int PRIMARY KEY, name text NOT NULL, n numeric(10,2));
	     INSERT INTO $T SELECT i, 'n' || i, i / 4.0 FROM generate_series(1, 500) i"
	capture "public\.$T"
	same "$T" "concat_ws(' ', id, name, n)"
	sql "UPDATE $T SET n = n + 1 WHERE id % 3 = 0; DELETE FROM $T WHERE id % 5 = 0; UPDATE $T SET id = id + 1000 WHERE id % 7 = 0;
	     INSERT INTO $T VALUES (5, 'again', NULL); UPDATE $T SET name = 'twice' WHERE id < 10; UPDATE $T SET id = 1 WHERE id = 2000"
	capture "public\.$T"
	same "$T" "concat_ws(' ', id, name, n)"
	[ "$(read_table "$T" "SELECT count(*) FROM t WHERE n IS NULL")" = 1 ]
	sql "DELETE FROM $T"
	capture "public\.$T"
	[ "$(read_table "$T")" = "" ]
}

@test "a key of several columns, of other types, and names that need quotes" {
	sql "CREATE TABLE $T (\"a \"\"b\" text, d date, v int, PRIMARY KEY (d, \"a \"\"b\")); ALTER TABLE $T REPLICA IDENTITY FULL;
	     INSERT INTO $T SELECT 'k' || i % 10, date '2020-01-01' + i / 10, i FROM generate_series(1, 200) i"
	capture "public\.$T"
	sql "UPDATE $T SET v = -v WHERE v % 2 = 0; DELETE FROM $T WHERE v % 5 = 0; UPDATE $T SET d = d + 1000 WHERE v % 3 = 0"
	capture "public\.$T"
	same "$T" "concat_ws(' ', \"a \"\"b\", d, v)"
}

@test "unavailable values come from the batch's earlier line, else from the table's row, after key changes too" {
	sql "CREATE TABLE $T (id int PRIMARY KEY, n int, big text, tags text[]); ALTER TABLE $T ALTER big SET STORAGE EXTERNAL, ALTER tags SET STORAGE EXTERNAL;
	     INSERT INTO $T SELECT i, 0, repeat(i::text, 4000), array[repeat(i::text, 4000), 'x'] FROM generate_series(1, 20) i"
	capture "public\.$T"
	sql "UPDATE $T SET n = 1 WHERE id <= 10; UPDATE $T SET id = id + 100 WHERE id <= 5; UPDATE $T SET n = 2 WHERE id IN (101, 102);
	     INSERT INTO $T SELECT 50, 0, repeat('new', 4000), array[repeat('new', 4000)]; UPDATE $T SET n = 1 WHERE id = 50; UPDATE $T SET id = 51 WHERE id = 50;
	     UPDATE $T SET big = repeat('b', 9000) WHERE id = 7; UPDATE $T SET n = 3 WHERE id = 7"
	capture "public\.$T"
	same "$T" "concat_ws(' ', id, n, md5(big), md5(tags[1]), tags[2])"
	[ "$(read_table "$T" "SELECT count(*) FROM t WHERE big LIKE '%debezium%' OR big IS NULL")" = 0 ]
}

@test "columns are added, widened and dropped in mid-stream" {
	sql "CREATE TABLE $T (id int PRIMARY KEY, a int NOT NULL, b real); INSERT INTO $T VALUES (1, 1, 1.5), (2, 2, 2.5)"
	capture "public\.$T"
	sql "UPDATE $T SET a = 3 WHERE id = 1; ALTER TABLE $T ADD c text; UPDATE $T SET c = 'c' WHERE id = 1;
	     ALTER TABLE $T ALTER a TYPE bigint, ALTER b TYPE float8; INSERT INTO $T VALUES (3, 5000000000, 0.1, 'd');
	     ALTER TABLE $T DROP a; INSERT INTO $T VALUES (4, 9, 'e')"
	capture "public\.$T"
	[ "$(read_table "$T" "SELECT concat_ws(' ', id, coalesce(a::text, '-'), b, c) AS j FROM t ORDER BY j")" = '1 3 1.5 c
2 2 2.5
3 5000000000 0.1 d
4 - 9.0 e' ]
	[ "$(jq -c '[.["current-schema-id"] as $c | .schemas[] | select(.["schema-id"] == $c).fields[] | [.id, .name, .type, .required]]' "$(newest "$T")")" = \
		'[[1,"id","int",true],[2,"a","long",false],[3,"b","double",false],[4,"c","string",false]]' ]
}

@test "kill -9 of the sink at any time: nothing is lost, nothing comes twice" {
	sql "CREATE TABLE $T (id int PRIMARY KEY, n int); CREATE TABLE ${T}b (id int PRIMARY KEY, n int);
	     INSERT INTO $T SELECT i, 0 FROM generate_series(1, 300) i"
	capture "public\.($T|${T}b)"
	local round
	for round in 1 2 3 4 5 6; do
		spawn pipe sh -c 'cdc-tail --offset "$1" --start initial --with-schema --table "public\.($2|$2b)" "$3" |
			cdc-sink-iceberg --catalog "file:$4" --table "\${table}" --commit-interval 10ms --ack-fd 3 3>&1 >&2 |
			cdc-offset commit "$1"' sh "$OFFSET" "$T" "$PG_URL" "$DIR"
		sql "UPDATE $T SET n = n + 1 WHERE id % 6 = $round % 6; INSERT INTO ${T}b SELECT $round * 1000 + i, $round FROM generate_series(1, 200) i;
		     DELETE FROM ${T}b WHERE id % 7 = $round"
		wait_for "[ -e '$DIR/default/$T/metadata/v$((round + 2)).metadata.json' ]" 60
		kill -9 -- "-$PID"
		wait "$PID" || true
		wait_for "! sql 'SELECT 1 FROM pg_replication_slots WHERE active' | grep -q 1" 60
	done
	capture "public\.($T|${T}b)"
	same "$T" "concat_ws(' ', id, n)"
	same "${T}b" "concat_ws(' ', id, n)"
	# No position was committed twice.
	[ "$(jq -r '.snapshots[].summary["cdc.position.cdc"]' "$(newest "$T")" | sort | uniq -d)" = "" ]
}

# ---- lines made by hand

schema() {
	printf '{"cdc":{"control":"schema","pos":"pg/1/l/101/101/1","topic":"%s","key":{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"}],"optional":false},"value":{"type":"struct","fields":[{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"}%s],"optional":true,"field":"after"}],"optional":false}}}\n' \
		"$T" "${1-,{\"type\":\"string\",\"optional\":true,\"field\":\"v\"\}}"
}
# event OP LSN ID [V]
event() {
	local row="{\"id\":$3,\"v\":\"${4-}\"}" after=null
	[ "$1" = d ] || after=$row
	printf '{"cdc":{"pos":"pg/1/l/%s/%s/1","topic":"%s","key":{"id":%s}},"before":null,"after":%s,"op":"%s"}\n' "$2" "$2" "$T" "$3" "$after" "$1"
}
progress() { printf '{"cdc":{"control":"progress","pos":"pg/1/l/%s/0/0"}}\n' "$1"; }
sink() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	printf '%s\n' "$@" | cdc-sink-iceberg --catalog "file:$DIR" "${options[@]}"
}

@test "one snapshot a batch; its position is the newest event's; what comes again is dropped" {
	run -0 --separate-stderr sink --ack-fd 1 -- "$START" "$(schema)" "$(event c 200 1 a)" "$(event u 201 1 b)" "$(event c 202 2 x)" "$(event d 203 2)" \
		"$(event d 204 9)" "$(progress 300)" "$END"
	[ "${lines[-2]}" = pg/1/l/300/0/0 ]
	[ "$(read_table "$T")" = '{"id":1,"v":"b"}' ]
	[ "$(position "$T")" = pg/1/l/204/204/1 ]
	[ "$(snapshots "$T")" = 1 ]
	sink -- "$START" "$(schema)" "$(event c 200 1 a)" "$(event u 201 1 b)" "$(event d 204 9)" "$(progress 300)" "$END"
	[ "$(snapshots "$T")" = 1 ]
	sink -- "$START" "$(schema)" "$(event u 201 1 b)" "$(event d 204 9)" "$(event u 310 1 c)" "$(progress 400)" "$END"
	[ "$(snapshots "$T")" = 2 ]
	[ "$(read_table "$T")" = '{"id":1,"v":"c"}' ]
	[ "$(position "$T")" = pg/1/l/310/310/1 ]
}

@test "a TRUNCATE empties the table, and what comes behind it in the batch is there" {
	sink -- "$START" "$(schema)" "$(event c 200 1 a)" "$(event c 201 2 b)" "$(progress 300)" "$END"
	local truncate='{"cdc":{"pos":"pg/1/l/410/410/1","topic":"'$T'","key":null},"before":null,"after":null,"op":"t"}'
	sink -- "$START" "$(schema)" "$(event u 401 1 x)" "$truncate" "$(event c 411 2 c)" "$(event c 412 3 d)" "$(progress 500)" "$END"
	[ "$(read_table "$T")" = '{"id":2,"v":"c"}
{"id":3,"v":"d"}' ]
	sink -- "$START" "$(schema)" "${truncate//410/600}" "$(progress 700)" "$END"
	[ "$(read_table "$T")" = "" ]
	[ "$(jq -r '.snapshots[].summary.operation' "$(newest "$T")" | paste -sd' ')" = "append overwrite delete" ]
	sink -- "$START" "$(schema)" "$(event c 800 2 e)" "$(progress 900)" "$END"
	[ "$(read_table "$T")" = '{"id":2,"v":"e"}' ]
}

@test "--append writes each change once" {
	local lines=("$START" "$(schema)" "$(event c 200 1 a)" "$(event u 201 1 b)" "$(event d 202 1)")
	sink --append -- "${lines[@]}" "$(progress 300)" "$END"
	sink --append -- "${lines[@]}" "$(event c 310 2 c | sed 's/"before"/"source":{"ts_ms":1700000000123},"before"/')" "$(progress 400)" "$END"
	[ "$(read_table "$T" "SELECT concat_ws(' ', cdc_position, cdc_op, id, v, epoch_ms(cdc_time)) AS j FROM t ORDER BY j")" = \
		'pg/1/l/200/200/1 c 1 a
pg/1/l/201/201/1 u 1 b
pg/1/l/202/202/1 d 1
pg/1/l/310/310/1 c 2 c 1700000000123' ]
	[ "$(jq -r '.snapshots[].summary.operation' "$(newest "$T")" | paste -sd' ')" = "append append" ]
}

@test "--list-orphans finds what no metadata names" {
	sink -- "$START" "$(schema)" "$(event c 200 1 a)" "$(progress 300)" "$END"
	sink -- "$START" "$(schema)" "$(event u 310 1 b)" "$(progress 400)" "$END"
	run -0 cdc-sink-iceberg --catalog "file:$DIR" --list-orphans --older-than 0
	[ "$output" = "" ]
	echo >"$DIR/default/$T/data/left.parquet"
	echo >"$DIR/default/$T/metadata/snap-left.avro"
	run -0 cdc-sink-iceberg --catalog "file:$DIR" --list-orphans
	[ "$output" = "" ]
	sleep 0.01
	run -0 cdc-sink-iceberg --catalog "file:$DIR" --list-orphans --older-than 0
	[ "$(sort <<<"$output")" = "$(realpath "$DIR")/default/$T/data/left.parquet
$(realpath "$DIR")/default/$T/metadata/snap-left.avro" ]
}

@test "manifests are merged, and the table stays what it is" {
	local i lines=("$START" "$(schema)")
	for i in $(seq 1 260); do lines+=("$(event u $((200 + i)) $((i % 40)) "v$i")"); done
	sink --commit-rows 1 -- "${lines[@]}" "$(progress 900)" "$END"
	[ "$(snapshots "$T")" = 260 ]
	[ "$(read_table "$T" "SELECT count(*), count(DISTINCT id), max(v), min(v) FROM t")" = $'40\t40\tv260\tv221' ]
	local manifests=$("$CDC_BIN/tests/live/iceberg_read" --manifests "$DIR" default "$T")
	[ "$manifests" -lt 200 ]
}

@test "another source's lines are refused" {
	sink -- "$START" "$(schema)" "$(event c 200 1 a)" "$(progress 300)" "$END"
	run -2 sink -- "${START/7301-ab/9999-zz}" "$(schema)" "$(event u 400 1 b)" "$(progress 500)" "$END"
	[[ "$output" == *"holds the position of source 7301-ab"* ]]
	[ "$(read_table "$T")" = '{"id":1,"v":"a"}' ]
}

@test "of two sinks at once one is fenced" {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	spawn first sh -c 'exec "$@" <"$0"' "$BATS_TEST_TMPDIR/fifo" cdc-sink-iceberg --catalog "file:$DIR" --commit-interval 10ms
	exec 7>"$BATS_TEST_TMPDIR/fifo"
	printf '%s\n' "$START" "$(schema)" "$(event c 200 1 a)" "$(progress 201)" >&7
	wait_for '[ "$(snapshots $T)" = 1 ]' 60
	sink -- "$START" "$(schema)" "$(event c 200 1 a)" "$(event u 210 1 b)" "$(progress 300)" "$END"
	printf '%s\n' "$(event u 210 1 b)" "$(progress 300)" >&7
	exec 7>&-
	local status=0
	wait "$PID" || status=$?
	[ $status = 7 ]
	grep -q 'another instance writes' "$BATS_TEST_TMPDIR/first.err"
	[ "$(snapshots "$T")" = 2 ]
}

@test "without a schema line, without a key, with a value that does not fit" {
	run -3 sink -- "$START" "$(event c 200 1 a)" "$(progress 300)" "$END"
	[[ "$output" == *"no schema line came for topic $T"* ]]
	run -3 sink -- "$START" "$(schema ',{"type":"int32","optional":true,"field":"v"}')" "$(event c 200 1 a)" "$(progress 300)" "$END"
	[[ "$output" == *"key {\"id\":1}: column 'v'"* ]]
	[ "$(position "$T")" = null ]
	run -1 sink --reject "$BATS_TEST_TMPDIR/bad" -- "$START" "$(schema ',{"type":"int32","optional":true,"field":"v"}')" "$(event c 200 1 a)" "$(event d 201 2)" "$(progress 300)" "$END"
	[ "$(jq -r .key.id "$BATS_TEST_TMPDIR/bad")" = 1 ]
	[ "$(position "$T")" = pg/1/l/201/201/1 ]
}
