# Snapshots on a real PostgreSQL: what cdc-snapshot and cdc-tail --start initial read, how it joins the log, and
# what they leave behind. Under writers and kills: exact-snapshot.bats.
load tail

setup_file() { start_postgres -c log_statement=all; }
teardown_file() { stop_servers; }

setup() {
	OFFSET=$BATS_TEST_TMPDIR/shop.offset
	GATE=$BATS_TEST_TMPDIR/gate
	LINES_FILE=$BATS_TEST_TMPDIR/lines
	mkfifo "$GATE"
}

teardown() { clean; }

# dump [OPTION…]: the tables as change lines.
dump() { cdc-snapshot --quiet "$@" "$PG_URL"; }

# initial [OPTION…]: snapshot, then what the log has up to now, without an offset folder.
initial() { cdc-tail --start initial --until now --quiet "$@" "$PG_URL"; }

# afters: the rows' bytes, as jq would not leave large numbers alone.
afters() { sed -n 's/.*"after":\(.*\),"source":.*/\1/p'; }

# same_rows TABLE [OPTION…]: a dump has each row of the table once.
same_rows() {
	dump --table "public\\.$1" "${@:2}" >"$LINES_FILE"
	diff <(sql "SELECT row_to_json(t) FROM $1 t" | sort) <(afters <"$LINES_FILE" | sort)
}

# marks: of lines, `TABLE MARK`.
marks() { jq -r '"\(.source.table) \(.source.snapshot)"'; }

# stalled NAME COMMAND…: spawns it with a reader that takes the first row and no more until `release`.
stalled() {
	local name=$1
	shift
	export GATE
	spawn "$name" bash -o pipefail -c '"$@" | {
		until [[ ${line-} == *\"op\":\"r\"* ]]; do IFS= read -r line || exit; echo "$line"; done
		cat "$GATE" >/dev/null; cat; }' sh "$@"
	has "$name" '"op":"r"'
}

release() { : >"$GATE"; }

# no_view_before XID: nobody's view keeps what a transaction from XID on leaves dead.
no_view_before() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'
		AND backend_xmin::text::bigint < $1")" = 0 ] &&
		[ "$(sql 'SELECT count(*) FROM pg_replication_slots WHERE xmin IS NOT NULL')" = 0 ]
}

# next_view: waits until the views that there are now have ended.
next_view() {
	local xid
	sql 'SELECT pg_current_xact_id()' >/dev/null # so that there is one which the present views do not have
	xid=$(sql 'SELECT pg_current_xact_id()')
	wait_for "no_view_before $xid" 60
}

# rises: as in tail.bash, for tokens of a snapshot and of the log behind it.
rises() {
	jq -r -n '
		def numbers: split("/") | [.[1], (if .[2] == "s" then 0 else 1 end), .[3], .[4], (if .[2] == "s" then 0 else .[5] end)]
			| map(tonumber);
		reduce (inputs | select(.cdc.pos)) as $l ([0];
			($l.cdc.pos | numbers) as $n
			| if $n > . or ($l.cdc.control and $n == .) then $n
			  else error("\($l.cdc.pos) is not above \(.)") end)' >/dev/null
}

# wide [ROWS]: a table of 1 kB rows, id 1 to ROWS, which fills every pipe long before its end is read.
wide() { sql "CREATE TABLE wide (id int PRIMARY KEY, v text); INSERT INTO wide SELECT i, repeat('x', 1000)
	FROM generate_series(1, ${1-20000}) i; ANALYZE wide"; }

# events KEY: of lines on standard input that have this key, the operations.
events() { jq -r --argjson key "$1" 'select(.cdc.key == $key) | .op' | paste -sd ' '; }

nothing_is_left() {
	wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots")" = 0 ]' 60
	[ "$(sql 'SELECT count(*) FROM pg_publication')" = 0 ]
	wait_for '[ "$(sql "SELECT count(*) FROM pg_stat_activity
		WHERE backend_type IN ('"'client backend', 'walsender'"') AND pid <> pg_backend_pid()")" = 0 ]' 60
	[ "$(sql "SELECT count(*) FROM pg_locks WHERE relation >= 16384")" = 0 ]
	[ "$(sql 'SELECT count(*) FROM pg_prepared_xacts')" = 0 ]
}

# ---- what is read

@test "a plain dump: a line of op r for each row, Debezium's members behind the header, no control lines" {
	sql "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, NULL)"
	dump >"$LINES_FILE"
	run short <"$LINES_FILE"
	[ "$output" = 'r postgres.public.t {"id":1} null {"id":1,"v":"a"}
r postgres.public.t {"id":2} null {"id":2,"v":null}' ] || { echo "$output"; false; }
	run jq -c '[keys_unsorted, (.source | keys_unsorted)] | unique' < <(head -n 1 "$LINES_FILE")
	[ "$output" = '[["cdc","before","after","source","transaction","op","ts_ms","ts_us","ts_ns"],["version","connector","name","ts_ms","snapshot","db","sequence","ts_us","ts_ns","schema","table","txId","lsn","xmin","origin","origin_lsn"]]' ] || { echo "$output"; false; }
	[ "$(jq -c '[.transaction, (.source.sequence | fromjson | .[0]), (.source.sequence | fromjson | .[1] | tonumber) == .source.lsn]' "$LINES_FILE" | sort -u)" = '[null,null,true]' ]
	[ "$(grep -c -F '"control"' "$LINES_FILE")" = 0 ]
	nothing_is_left
}

@test "markers: first, first_in_data_collection, true, last_in_data_collection, last; tables by name" {
	sql "CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1), (2), (3);
		CREATE TABLE \"B\" (id int PRIMARY KEY); INSERT INTO \"B\" VALUES (1), (2);
		CREATE TABLE c (id int PRIMARY KEY); INSERT INTO c VALUES (1);
		CREATE TABLE d (id int PRIMARY KEY); INSERT INTO d VALUES (1), (2)"
	local expected='B first
B last_in_data_collection
b first_in_data_collection
b true
b last_in_data_collection
c last_in_data_collection
d first_in_data_collection
d last'
	[ "$(dump | marks)" = "$expected" ]
	[ "$(dump --chunk-rows 1 | marks)" = "$expected" ]
	[ "$(initial | marks)" = "$expected" ]
	# With several connections the same marks in the order that is written.
	[ "$(dump --jobs 3 --chunk-rows 1 | marks | cut -d' ' -f2 | sort | uniq -c | sort -k2 | xargs)" = \
		'1 first 2 first_in_data_collection 1 last 3 last_in_data_collection 1 true' ]
	dump --jobs 3 --chunk-rows 1 >"$LINES_FILE"
	[ "$(head -n 1 "$LINES_FILE" | jq -r .source.snapshot)" = first ]
	[ "$(tail -n 1 "$LINES_FILE" | jq -r .source.snapshot)" = last ]
}

@test "one row in all is the first and the last: last; none is nothing" {
	sql 'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE z (id int PRIMARY KEY)'
	[ -z "$(dump)" ]
	sql 'INSERT INTO t VALUES (1)'
	[ "$(dump | marks)" = 't last' ]
	[ "$(initial | marks)" = 't last' ]
}

@test "empty tables around and behind do not take the last mark away" {
	sql 'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY);
		CREATE TABLE d (id int PRIMARY KEY); INSERT INTO b VALUES (1), (2)'
	[ "$(dump | marks)" = 'b first
b last' ]
}

@test "--where reads what its condition has, of that table alone" {
	sql 'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 10);
		CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u SELECT generate_series(1, 3)'
	[ "$(dump --where 'public.t: id % 3 = 0 OR id = 1' --chunk-rows 2 | jq -c '[.source.table, .after.id]' | paste -sd ' ')" = \
		'["t",1] ["t",3] ["t",6] ["t",9] ["u",1] ["u",2] ["u",3]' ]
	run ! cdc-snapshot --quiet --where 'public.t: nothing = 1' "$PG_URL"
	[[ $output == *'nothing'* ]]
	run -2 cdc-snapshot --quiet --where 'id = 1' "$PG_URL"
	run -2 cdc-snapshot --quiet --where 'public.missing: true' "$PG_URL"
	[[ $output == *'missing'* ]]
}

@test "--table, --schema, --column and their likes mean what they mean to cdc-tail" {
	sql 'CREATE TABLE t (id int PRIMARY KEY, a int, b int); INSERT INTO t VALUES (1, 2, 3);
		CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (1)'
	[ "$(dump --table 'PUBLIC\.T' | jq -c .after)" = '{"id":1,"a":2,"b":3}' ]
	[ "$(dump --exclude-table 'public\.u' --exclude-column 'public\.t\.a' | jq -c .after)" = '{"id":1,"b":3}' ]
	[ "$(dump --exclude-schema public | wc -l)" = 0 ]
	[ "$(dump --table 'public\.u' --topic-prefix shop | jq -r .cdc.topic)" = shop.public.u ]
}

@test "keys: negative, sparse, skewed, at the types' ends, with one and three connections" {
	sql "CREATE TABLE t (id bigint PRIMARY KEY, v int);
		INSERT INTO t VALUES (-9223372036854775808, 1), (9223372036854775807, 2), (0, 3), (-1, 4);
		INSERT INTO t SELECT 9000000000000000000 + i, i FROM generate_series(1, 3000) i;
		INSERT INTO t SELECT -i * 1000003::bigint * i, i FROM generate_series(2, 1500) i; ANALYZE t"
	same_rows t
	same_rows t --chunk-rows 100
	same_rows t --chunk-rows 7 --jobs 3
	sql "CREATE TABLE s (id smallint PRIMARY KEY); INSERT INTO s VALUES (-32768), (32767), (0)"
	same_rows s --chunk-rows 1
	same_rows s --chunk-rows 3
}

@test "keys: uuid, date, timestamps, bytea, composite in another order than the columns'" {
	sql "CREATE TABLE u (id uuid PRIMARY KEY); INSERT INTO u SELECT md5(i::text)::uuid FROM generate_series(1, 2000) i;
		INSERT INTO u VALUES ('00000000-0000-0000-0000-000000000000'), ('ffffffff-ffff-ffff-ffff-ffffffffffff');
		CREATE TABLE d (id date PRIMARY KEY, n int); INSERT INTO d SELECT date '1900-01-01' + i * 13, i FROM generate_series(1, 2000) i;
		INSERT INTO d VALUES ('infinity', -1), ('-infinity', -2), ('4713-01-01 BC', -3), ('0044-03-15 BC', -4), ('5874897-12-31', -5);
		CREATE TABLE s (id timestamptz PRIMARY KEY, n int);
		INSERT INTO s SELECT timestamptz '2000-01-01' + (i * 7919 % 2003) * interval '1 day 0.000001 s', i FROM generate_series(1, 2000) i;
		INSERT INTO s VALUES ('infinity', -1), ('-infinity', -2), ('0044-03-15 BC', -3), ('20000-01-01', -4);
		CREATE TABLE p (id timestamp PRIMARY KEY, n int); INSERT INTO p SELECT id AT TIME ZONE 'UTC', n FROM s;
		CREATE TABLE b (id bytea PRIMARY KEY, n int);
		INSERT INTO b SELECT int4send(i * 7919 % 2003) || decode(repeat('00', i % 3), 'hex'), i FROM generate_series(1, 2000) i;
		INSERT INTO b VALUES ('', -1), ('\\x00', -2), ('\\xff', -3), ('\\xffff', -4);
		CREATE TABLE k (v int, b int, a bigint, PRIMARY KEY (a, b, v)); INSERT INTO k SELECT i, i % 5 - 2, i % 3 - 1 FROM generate_series(1, 2000) i"
	local table options
	for table in u d s p b k; do
		for options in '--chunk-rows 50' '--chunk-rows 333 --jobs 2'; do
			# shellcheck disable=SC2086
			dump --table "public\\.$table" $options >"$LINES_FILE"
			[ "$(wc -l <"$LINES_FILE")" = "$(sql "SELECT count(*) FROM $table")" ] || { echo "$table $options: $(wc -l <"$LINES_FILE") lines"; false; }
			[ "$(afters <"$LINES_FILE" | sort -u | wc -l)" = "$(sql "SELECT count(*) FROM $table")" ]
		done
	done
}

@test "keys of text in any collation, a table without a key, a unique index as the identity" {
	sql "CREATE TABLE t (id text COLLATE \"en-x-icu\" PRIMARY KEY);
		INSERT INTO t SELECT (ARRAY['a', 'B', '-', 'é', ' ', 'ß'])[i % 6 + 1] || i FROM generate_series(1, 2000) i;
		CREATE TABLE c (id text COLLATE \"C\" PRIMARY KEY); INSERT INTO c SELECT id FROM t; INSERT INTO c VALUES (''), ('%/&\"');
		CREATE TABLE n (a int); ALTER TABLE n REPLICA IDENTITY FULL; INSERT INTO n SELECT i / 2 FROM generate_series(1, 2000) i;
		CREATE TABLE u (a int NOT NULL, b int NOT NULL UNIQUE); ALTER TABLE u REPLICA IDENTITY USING INDEX u_b_key;
		INSERT INTO u SELECT i, -i FROM generate_series(1, 2000) i;
		CREATE TABLE p (a int); INSERT INTO p VALUES (1), (1)"
	local table
	for table in t c n u p; do same_rows "$table" --chunk-rows 50 --jobs 2; done
	[ "$(dump --table 'public\.n' | jq -c .cdc.key | sort -u)" = null ]
	[ "$(dump --table 'public\.u' | head -n 1 | jq -c '.cdc.key | keys')" = '["b"]' ]
}

@test "rows of all sizes: none is cut" {
	sql "CREATE TABLE t (id int PRIMARY KEY, v text);
		INSERT INTO t SELECT i, repeat(md5(i::text), (i * i * 37) % 3000) FROM generate_series(1, 300) i"
	same_rows t --chunk-rows 10 --jobs 2
}

@test "names that need quotes" {
	sql "CREATE SCHEMA \"a.b\"; CREATE TABLE \"a.b\".\"T \"\"x\"\"'\\é\" (\"I d\" int PRIMARY KEY, \"select\" int);
		INSERT INTO \"a.b\".\"T \"\"x\"\"'\\é\" SELECT i, i FROM generate_series(1, 100) i"
	[ "$(dump --chunk-rows 10 | jq -c .after | tail -n 1)" = '{"I d":100,"select":100}' ]
	[ "$(dump --chunk-rows 10 --jobs 2 | wc -l)" = 100 ]
	# And in a token, from which a snapshot is taken up again.
	cdc-tail --offset "$OFFSET" --slot-name $SLOT --start initial --chunk-rows 10 --until now "$PG_URL" >"$LINES_FILE"
	[ "$(grep -c '"op":"r"' "$LINES_FILE")" = 100 ]
	[ "$(jq -r 'select(.op == "r") | .cdc.pos' "$LINES_FILE" | grep -c '[ "]')" = 0 ]
	sql 'DROP SCHEMA "a.b" CASCADE' 2>/dev/null
}

@test "a partitioned table once, as it streams: by its leaves, or through its root" {
	sql 'CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
		CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
		CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (100) PARTITION BY RANGE (id);
		CREATE TABLE p21 PARTITION OF p2 FOR VALUES FROM (10) TO (50); CREATE TABLE p22 PARTITION OF p2 FOR VALUES FROM (50) TO (100);
		INSERT INTO p SELECT generate_series(1, 99)'
	[ "$(dump --chunk-rows 7 | jq -r .source.table | sort | uniq -c | xargs)" = '9 p1 40 p21 50 p22' ]
	[ "$(initial --chunk-rows 7 | jq -r .source.table | sort | uniq -c | xargs)" = '9 p1 40 p21 50 p22' ]
	[ "$(initial --chunk-rows 7 --publish-via-partition-root | jq -r '"\(.cdc.topic) \(.cdc.key.id)"' | sort -u | cut -d' ' -f1 | uniq -c | xargs)" = \
		'99 postgres.public.p' ]
}

@test "a publication's column list and row filter hold for the snapshot as they do for the stream" {
	sql "CREATE TABLE t (a int NOT NULL, \"B b\" text, secret text, id int PRIMARY KEY);
		INSERT INTO t SELECT i % 3, 'b' || i, 'secret', i FROM generate_series(1, 100) i;
		CREATE TABLE u (id int PRIMARY KEY, v text); INSERT INTO u VALUES (1, 'u');
		CREATE TABLE n (id int PRIMARY KEY); INSERT INTO n VALUES (1);
		CREATE TABLE p (id int PRIMARY KEY, hidden int) PARTITION BY RANGE (id);
		CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
		INSERT INTO p SELECT i, i FROM generate_series(1, 19) i;
		CREATE PUBLICATION part FOR TABLE t (id, \"B b\") WHERE (id % 2 = 0 OR id = 1), u, p (id) WHERE (id > 8)
			WITH (publish_via_partition_root = true)"
	local options=(--publication-name part --publication-autocreate-mode disabled --slot-name $SLOT)
	spawn tail cdc-tail --start initial --chunk-rows 7 --quiet "${options[@]}" "$PG_URL"
	has tail '"snapshot":"last"'
	sql "UPDATE t SET secret = 'new'; UPDATE p SET hidden = 0; UPDATE u SET v = v; UPDATE n SET id = id"
	wait_for '[ "$(grep -c "\"op\":\"u\"" "$(file tail)")" = 63 ]' 60
	rows() { grep -F "\"op\":\"$1\"" "$2" | afters | sort; }
	[ "$(rows r "$(file tail)" | wc -l)" = 63 ]
	diff <(rows r "$(file tail)") <(rows u "$(file tail)")
	[ "$(grep -c -E 'secret|hidden' "$(file tail)")" = 0 ]
	grep -q -F '"after":{"B b":"b1","id":1}' "$(file tail)"
	# --where beside it: both.
	[ "$(dump --publication-name part --where 'public.t: id < 5 OR a = 7' --table 'public\.t' | jq -c .after.id | paste -sd ' ')" = '1 2 4' ]
	run -2 --separate-stderr cdc-snapshot --publication-name missing "$PG_URL"
	[[ $stderr == *missing* ]]
	# Without a publication all is read.
	[ "$(dump --table 'public\.t' | grep -c secret)" = 100 ]
	# One that has the table by its schema too filters nothing.
	sql 'ALTER PUBLICATION part SET TABLE t WHERE (id < 3); ALTER PUBLICATION part ADD TABLES IN SCHEMA public'
	[ "$(dump --publication-name part --table 'public\.t' | wc -l)" = 100 ]
}

@test "a table that is inherited from: each its own rows" {
	sql 'CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (t);
		INSERT INTO t VALUES (1), (2); INSERT INTO child VALUES (2), (3)'
	[ "$(dump | jq -c '[.source.table, .after.id]' | paste -sd ' ')" = '["child",2] ["child",3] ["t",1] ["t",2]' ]
}

@test "5,000 small tables, with the server's default for locks" {
	# In a database of their own: to drop as many in one transaction takes more locks than there are.
	sql 'DROP DATABASE IF EXISTS many' 2>/dev/null
	sql 'CREATE DATABASE many'
	local i url=${PG_URL%/*}/many
	for i in 0 1 2 3 4; do
		sql "DO \$\$ BEGIN FOR i IN $i * 1000 .. $i * 1000 + 999 LOOP
			EXECUTE format('CREATE TABLE s%s (id int PRIMARY KEY); INSERT INTO s%s VALUES (%s)', i, i, i); END LOOP; END \$\$" -d many
	done
	cdc-snapshot --quiet --jobs 2 "$url" >"$LINES_FILE"
	[ "$(jq -c .after.id "$LINES_FILE" | sort -n -u | wc -l)" = 5000 ]
	[ "$(wc -l <"$LINES_FILE")" = 5000 ]
	cdc-tail --start initial-only --quiet "$url" >"$LINES_FILE"
	[ "$(jq -c .after.id "$LINES_FILE" | sort -n -u | wc -l)" = 5000 ]
	[ "$(wc -l <"$LINES_FILE")" = 5000 ]
	nothing_is_left
	[ "$(sql 'SELECT count(*) FROM pg_publication' -d many)" = 0 ]
	wait_for 'sql "DROP DATABASE many"' 60
}

@test "nothing is counted and no table is read twice for an estimate" {
	wide 5000
	local log=$PG_DIR/data/log size
	size=$(stat -c %s "$log")
	dump --jobs 2 --chunk-rows 500 >"$LINES_FILE"
	[ "$(wc -l <"$LINES_FILE")" = 5000 ]
	run tail -c "+$((size + 1))" "$log"
	[[ $output == *wide* ]]
	[ "$(grep -i 'count(' <<<"$output" | grep -v -c 'FROM pg_')" = 0 ]
	# What was read of the table is not much more than its rows.
	sql 'SELECT pg_stat_force_next_flush()' >/dev/null
	[ "$(sql "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) < 11000 FROM pg_stat_user_tables WHERE relname = 'wide'")" = t ] ||
		{ sql "SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'wide'"; false; }
}

@test "a reader that goes away ends a dump in silence" {
	wide
	cdc-snapshot --quiet "$PG_URL" 2>"$BATS_TEST_TMPDIR/err" | head -n 1 | grep -q '"op":"r"'
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
	wait_for nothing_is_left 60
}

@test "a full disk is status 6, and it is not taken for the end" {
	wide
	run -6 --separate-stderr bash -c 'exec cdc-snapshot --quiet "$PG_URL" >/dev/full'
}

@test "progress: rows and tables on a terminal, nothing with --quiet" {
	wide
	run -0 script -q -e -c 'cdc-snapshot "$PG_URL" >/dev/null' /dev/null
	[[ $output == *rows* ]]
	run -0 script -q -e -c 'cdc-snapshot --quiet "$PG_URL" >/dev/null' /dev/null
	[ -z "$output" ]
	run -0 --separate-stderr bash -c 'cdc-snapshot "$PG_URL" >/dev/null'
	[[ $stderr == *20000* && $stderr != *$'\r'* && $stderr != *$'\e'* ]]
}

# ---- the join with the log

@test "initial: the rows, then the changes; the tokens rise" {
	wide 300
	sql 'CREATE TABLE z (id int PRIMARY KEY); INSERT INTO z VALUES (1)'
	stalled tail cdc-tail --start initial --control --chunk-rows 50 --quiet --table 'public\.(wide|z)' "$PG_URL"
	release
	has tail '"snapshot":"last"'
	sql 'INSERT INTO z VALUES (2); DELETE FROM z WHERE id = 1'
	has tail '"op":"d"'
	rises <"$(file tail)"
	[ "$(jq -r 'select(.cdc.control | not) | .op' "$(file tail)" | uniq -c | xargs)" = '301 r 1 c 1 d' ]
	[ "$(jq -r 'select(.op == "r") | .cdc.pos | split("/")[2]' "$(file tail)" | sort -u)" = s ]
}

# A snapshot that stops after its first rows, changes behind and before what was read, then the rest in later views.
between_views() {
	wide
	stalled tail cdc-tail --start initial --chunk-rows 100 --view-time 1s --quiet "${@:2}" --table 'public\.wide' "$PG_URL"
	sql "$1"
	next_view
	release
	sql "INSERT INTO wide VALUES (30000, 'end')"
	has tail '{"id":30000}'
	grep -F '{"cdc":{"pos"' "$(file tail)" >"$LINES_FILE"
}

@test "a change that the row contains is dropped, one that it does not contain comes" {
	between_views "UPDATE wide SET v = 'new' WHERE id IN (1, 19000); DELETE FROM wide WHERE id IN (2, 19001);
		INSERT INTO wide VALUES (0, 'new'), (25000, 'new')"
	[ "$(events '{"id":1}' <"$LINES_FILE")" = 'r u' ]
	[ "$(events '{"id":19000}' <"$LINES_FILE")" = r ]
	[ "$(events '{"id":2}' <"$LINES_FILE")" = 'r d' ]
	[ "$(events '{"id":19001}' <"$LINES_FILE")" = '' ]
	[ "$(events '{"id":0}' <"$LINES_FILE")" = c ]
	[ "$(events '{"id":25000}' <"$LINES_FILE")" = r ]
	[ "$(jq -r 'select(.cdc.key.id == 19000) | .after.v' "$LINES_FILE")" = new ]
	[ "$(jq -r 'select(.op == "r") | .cdc.key.id' "$LINES_FILE" | sort -n | uniq -d | wc -l)" = 0 ]
}

@test "with several connections too" {
	between_views "UPDATE wide SET v = 'new' WHERE id IN (1, 19000); DELETE FROM wide WHERE id = 19001;
		INSERT INTO wide VALUES (0, 'new'), (25000, 'new')" --jobs 4
	[ "$(events '{"id":1}' <"$LINES_FILE")" = 'r u' ]
	[ "$(events '{"id":19000}' <"$LINES_FILE")" = r ]
	[ "$(events '{"id":19001}' <"$LINES_FILE")" = '' ]
	[ "$(jq -r 'select(.op == "r") | .cdc.key.id' "$LINES_FILE" | sort -n | uniq -d | wc -l)" = 0 ]
}

@test "a key change is judged as its delete and its create" {
	# Out of what was read into what was not, and the other way.
	between_views 'UPDATE wide SET id = 25001 WHERE id = 1; UPDATE wide SET id = -1 WHERE id = 19000;
		UPDATE wide SET id = 25002 WHERE id = 19001; UPDATE wide SET id = -2 WHERE id = 2'
	[ "$(events '{"id":1}' <"$LINES_FILE")" = 'r d' ]
	[ "$(events '{"id":25001}' <"$LINES_FILE")" = r ]
	[ "$(events '{"id":19000}' <"$LINES_FILE")" = '' ]
	[ "$(events '{"id":-1}' <"$LINES_FILE")" = c ]
	[ "$(events '{"id":19001}' <"$LINES_FILE")" = '' ]
	[ "$(events '{"id":25002}' <"$LINES_FILE")" = r ]
	[ "$(events '{"id":2}' <"$LINES_FILE")" = 'r d' ]
	[ "$(events '{"id":-2}' <"$LINES_FILE")" = c ]
	[ "$(jq -c 'select(.cdc.key.id == -1) | .cdc.headers' "$LINES_FILE")" = '{"__debezium.oldkey":{"id":19000}}' ]
}

@test "a commit that is in the log before it is visible: it is the xid that counts, not the LSN" {
	wide
	stalled tail cdc-tail --start initial --chunk-rows 100 --view-time 1s --quiet --table 'public\.wide' "$PG_URL"
	# A commit that waits for a standby is written, and seen by nobody.
	sql "ALTER SYSTEM SET synchronous_standby_names = 'nobody'"
	sql 'SELECT pg_reload_conf()' >/dev/null
	wait_for '[ "$(sql "SHOW synchronous_standby_names")" = nobody ]' 60
	spawn hidden psql -X -q -c "UPDATE wide SET v = 'hidden' WHERE id = 19000"
	wait_for '[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE wait_event = '"'SyncRep'"'")" = 1 ]' 60
	# Its view is at a later LSN than that commit, and does not have it.
	wait_for "[ \"\$(sql \"SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
		AND wait_event IS DISTINCT FROM 'SyncRep' AND backend_xmin IS NOT NULL\")\" = 0 ]" 60
	release
	has tail '"snapshot":"last"'
	sql 'ALTER SYSTEM RESET synchronous_standby_names'
	sql 'SELECT pg_reload_conf()' >/dev/null
	has tail '"v":"hidden"'
	[ "$(grep -F '{"id":19000}' "$(file tail)" | jq -r '"\(.op) \(.after.v | .[0:6])"' | paste -sd ' ')" = 'r xxxxxx u hidden' ]
}

@test "from a TRUNCATE that is kept on, nothing of that table is dropped" {
	wide
	stalled tail cdc-tail --start initial --chunk-rows 100 --view-time 1s --quiet --skipped-operations none \
		--table 'public\.wide' "$PG_URL"
	spawn truncate psql -X -q -c 'TRUNCATE wide' -c "INSERT INTO wide VALUES (3, 'new'), (19000, 'new')"
	local truncate=$PID
	ends "$truncate" 0
	release
	sql "INSERT INTO wide VALUES (30000, 'end')"
	has tail '{"id":30000}'
	grep -F '{"cdc":{"pos"' "$(file tail)" >"$LINES_FILE"
	# Whoever applies the lines has the table in the end.
	[ "$(jq -r '.op' "$LINES_FILE" | grep -c -x t)" = 1 ]
	jq -r 'select(.op != "r") | "\(.op) \(.cdc.key.id)"' "$LINES_FILE" >"$BATS_TEST_TMPDIR/log"
	[ "$(paste -sd ' ' "$BATS_TEST_TMPDIR/log")" = 't null c 3 c 19000 c 30000' ] || { cat "$BATS_TEST_TMPDIR/log"; false; }
}

@test "a TRUNCATE that is left out drops nothing that should come, and nothing comes twice" {
	wide
	stalled tail cdc-tail --start initial --chunk-rows 100 --view-time 1s --quiet --table 'public\.wide' "$PG_URL"
	spawn truncate psql -X -q -c 'TRUNCATE wide' -c "INSERT INTO wide VALUES (-3, 'new'), (25000, 'new')"
	local truncate=$PID
	ends "$truncate" 0
	release
	sql "INSERT INTO wide VALUES (30000, 'end')"
	has tail '{"id":30000}'
	[ "$(grep -F '"v":"new"' "$(file tail)" | jq -r '"\(.op) \(.cdc.key.id)"' | sort | paste -sd ' ')" = 'c -3 r 25000' ]
}

@test "a DDL that rewrites a table between view and read does not lose its rows" {
	wide
	sql "CREATE TABLE z (id int PRIMARY KEY, n int); INSERT INTO z SELECT i, i FROM generate_series(1, 3000) i"
	local views
	# The first view, which is longer than the test; and a later one.
	for views in 30s 1s; do
		stalled "tail$views" cdc-tail --start initial --chunk-rows 100 --view-time $views --quiet --jobs 2 \
			--slot-name "rewrite$views" --table 'public\.(wide|z)' "$PG_URL"
		local tail=$PID
		spawn alter psql -X -q -c 'ALTER TABLE z ALTER n TYPE bigint' -c 'ALTER TABLE z ALTER n TYPE int'
		local alter=$PID
		wait_for "[ \"\$(sql \"SELECT count(*) FROM pg_locks WHERE NOT granted\")\" != 0 ] || ! kill -0 $alter" 60
		release
		ends "$alter" 0
		has "tail$views" '"snapshot":"last"'
		[ "$(grep -F '"table":"z"' "$(file "tail$views")" | jq -c '.after' | sort -u | wc -l)" = 3000 ]
		[ "$(grep -c -F '"table":"wide"' "$(file "tail$views")")" = 20000 ]
		kill -- "-$tail"
		ends "$tail" 143
	done
}

@test "a DDL that waits for a table while it is read in chunks does not stop them" {
	sql "CREATE TABLE u (id uuid PRIMARY KEY, v text);
		INSERT INTO u SELECT md5(i::text)::uuid, repeat('x', 1000) FROM generate_series(1, 20000) i; ANALYZE u;
		CREATE TABLE z (id int PRIMARY KEY); INSERT INTO z VALUES (1)"
	stalled tail cdc-tail --start initial-only --chunk-rows 100 --jobs 2 --quiet --lock-timeout 10m --table 'public\.[uz]' "$PG_URL"
	local tail=$PID
	spawn alter psql -X -q -c 'ALTER TABLE u ADD w int'
	local alter=$PID
	wait_for "[ \"\$(sql \"SELECT count(*) FROM pg_locks WHERE NOT granted\")\" != 0 ]" 60
	release
	ends "$tail" 0
	ends "$alter" 0
	[ "$(grep -c -F '"table":"u"' "$(file tail)")" = 20000 ]
}

@test "a TRUNCATE that waits for the views does not deadlock with them" {
	wide
	sql 'CREATE TABLE z (id int PRIMARY KEY); INSERT INTO z SELECT generate_series(1, 5000)'
	stalled tail cdc-tail --start initial --chunk-rows 100 --jobs 4 --view-time 1s --quiet --table 'public\.(wide|z)' "$PG_URL"
	spawn truncate psql -X -q -c 'TRUNCATE z'
	local truncate=$PID
	wait_for "[ \"\$(sql \"SELECT count(*) FROM pg_locks WHERE NOT granted\")\" != 0 ] || ! kill -0 $truncate" 60
	release
	has tail '"snapshot":"last"'
	ends "$truncate" 0
}

@test "a table that somebody holds for too long: status 4, the table and who holds it" {
	sql 'CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1); CREATE TABLE z (id int PRIMARY KEY)'
	mkfifo "$BATS_TEST_TMPDIR/hold"
	spawn holder bash -c 'PGAPPNAME=nightly psql -X -q -A -t <"$1"' sh "$BATS_TEST_TMPDIR/hold"
	exec 7>"$BATS_TEST_TMPDIR/hold"
	echo 'SELECT pg_backend_pid(); BEGIN; LOCK TABLE z; SELECT 1;' >&7
	wait_for '[ "$(wc -l <"$(file holder)")" = 2 ]' 60
	local pid command
	pid=$(head -n 1 "$(file holder)")
	for command in 'cdc-snapshot' 'cdc-tail --start initial-only'; do
		# shellcheck disable=SC2086
		run -4 --separate-stderr timeout -k 1 60 $command --lock-timeout 200ms "$PG_URL"
		[[ $stderr == *public.z* && $stderr == *"$pid"* && $stderr == *nightly* && $stderr == *postgres* &&
			$stderr == *"$(date -u +%Y-)"* && $stderr == *--lock-timeout* ]] || { echo "$stderr"; false; }
	done
	exec 7>&-
	wait_for '[ "$(sql "SELECT count(*) FROM pg_locks WHERE relation >= 16384")" = 0 ]' 60
	dump --lock-timeout 200ms >"$LINES_FILE"
}

@test "snapshot and stream print the same bytes for the same row, whatever its types" {
	sql 'DROP DATABASE IF EXISTS zoo' -d postgres 2>/dev/null
	sql 'CREATE DATABASE zoo' -d postgres
	PGOPTIONS="-c client_min_messages=warning" psql -X -q -v ON_ERROR_STOP=1 -d zoo \
		-f "$ROOT/tests/golden/postgres/01_schema.sql" -f "$ROOT/tests/golden/postgres/02_seed.sql" >/dev/null
	# Every captured column of every row; but what a log before version 18 does not have.
	sql 'ALTER TABLE t_def DROP gen; DROP TABLE t_unlogged' -d zoo
	sql "SELECT format('ALTER TABLE %s REPLICA IDENTITY FULL', c.oid::regclass), format('UPDATE %s SET %I = %2\$I', c.oid::regclass, a.attname)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND attnum = 1
		WHERE relkind = 'r' AND nspname IN ('public', 'My Schema')" -d zoo -F ';' >"$BATS_TEST_TMPDIR/statements"
	cut -d';' -f1 "$BATS_TEST_TMPDIR/statements" | sed 's/$/;/' | psql -X -q -v ON_ERROR_STOP=1 -d zoo
	local url=${PG_URL%/*}/zoo
	spawn tail cdc-tail --start initial --quiet "$url"
	has tail '"snapshot":"last"'
	cut -d';' -f2 "$BATS_TEST_TMPDIR/statements" | sed 's/$/;/' | psql -X -q -v ON_ERROR_STOP=1 -d zoo
	sql "INSERT INTO dbz_signal VALUES ('end', 'noop', '')" -d zoo
	has tail '{"id":"end"}'
	form() { sed -n "s/^{\"cdc\":{\"pos\":\"[^\"]*\",\(.*\)},\"before\":.*\"after\":\(.*\),\"source\":.*\"op\":\"$1\".*/\1 \2/p" "$(file tail)" | sort; }
	[ "$(form r | wc -l)" -ge 80 ]
	diff <(form r) <(form u)
	kill_spawned
	wait_for 'sql "DROP DATABASE zoo" -d postgres' 60
}

@test "Debezium's snapshot and stream of the same statements, every event" {
	sql 'DROP DATABASE IF EXISTS zoo' -d postgres 2>/dev/null
	sql 'CREATE DATABASE zoo' -d postgres
	load_zoo() { PGOPTIONS="-c client_min_messages=warning" psql -X -q -v ON_ERROR_STOP=1 -d zoo "$@" >/dev/null; }
	load_zoo -f "$ROOT/tests/golden/postgres/01_schema.sql" -f "$ROOT/tests/golden/postgres/02_seed.sql"
	sql 'CREATE PUBLICATION dbz_publication FOR ALL TABLES' -d zoo
	local options=(--start initial --topic-prefix pg --publication-name dbz_publication
		--publication-autocreate-mode disabled --slot-name dbz)
	spawn tail cdc-tail "${options[@]}" "${PG_URL%/*}/zoo"
	has tail '"snapshot":"last"'
	load_zoo -f "$ROOT/tests/golden/postgres/03_stream.sql"
	has tail '"key":{"id":"end"}'
	"$ROOT/tests/golden/compare" "$ROOT/tests/golden/postgres/default.ndjson.gz" "$(file tail)"
	kill_spawned
	wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots WHERE active")" = 0 ]' 60
	sql "SELECT pg_drop_replication_slot('dbz')"
	wait_for 'sql "DROP DATABASE zoo" -d postgres' 60
}

# ---- vacuum, locks, what is left

@test "a snapshot whose reader stalls holds back vacuum no longer than --view-time" {
	wide
	local options=(--chunk-rows 100 --quiet --jobs 2 --table 'public\.wide') xid
	# So the test can fail: with a long one it does hold it back.
	stalled long cdc-tail --start initial --view-time 1h "${options[@]}" "$PG_URL"
	local long=$PID
	sql 'SELECT pg_current_xact_id()' >/dev/null
	xid=$(sql 'SELECT pg_current_xact_id()')
	run ! no_view_before "$xid"
	kill -9 -- "-$long"
	stalled short cdc-tail --start initial --view-time 1s "${options[@]}" "$PG_URL"
	wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots WHERE active")" = 1 ]' 60
	sql 'SELECT pg_current_xact_id()' >/dev/null
	xid=$(sql 'SELECT pg_current_xact_id()')
	local begin=$SECONDS
	wait_for "no_view_before $xid" 60
	[ $((SECONDS - begin)) -le 10 ]
	[ "$(sql "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE relname = 'wide'")" = 0 ]
	release
	has short '"snapshot":"last"'
	[ "$(grep -c '"op":"r"' "$(file short)")" = 20000 ]
}

@test "a DDL between two views of a table: the rows behind it are as it is then" {
	wide
	stalled dump cdc-snapshot --view-time 1s --chunk-rows 100 --quiet --table 'public\.wide' "$PG_URL"
	local dump=$PID
	next_view
	sql "ALTER TABLE wide DROP v, ADD w int DEFAULT 5, ALTER id TYPE bigint"
	release
	ends "$dump" 0
	jq .after.id "$(file dump)" | diff - <(seq 20000)
	[ "$(jq -c '.after | keys' "$(file dump)" | uniq)" = $'["id","v"]\n["id","w"]' ]
}

@test "a plain dump too" {
	wide
	stalled dump cdc-snapshot --view-time 1s --chunk-rows 100 --quiet "$PG_URL"
	local dump=$PID
	next_view
	release
	ends "$dump" 0
	[ "$(jq .after.id "$(file dump)" | sort -u | wc -l)" = 20000 ]
}

@test "initial-only leaves no slot, publication, lock or transaction" {
	wide 500
	[ "$(cdc-tail --start initial-only --quiet "$PG_URL" | wc -l)" = 500 ]
	nothing_is_left
	cdc-tail --start initial-only --quiet --offset "$OFFSET" "$PG_URL" >"$LINES_FILE"
	[ "$(grep -c '"op":"r"' "$LINES_FILE")" = 500 ]
	[ "$(tail -n 1 "$LINES_FILE" | jq -c '[.cdc.control, .cdc.status]')" = '["end",0]' ]
	nothing_is_left
}

@test "initial-only that was killed: the next one leaves nothing either" {
	wide
	stalled tail cdc-tail --start initial-only --quiet "$PG_URL"
	kill -9 -- "-$PID"
	[ "$(cdc-tail --start initial-only --quiet "$PG_URL" | wc -l)" = 20000 ]
	nothing_is_left
}

@test "SIGTERM in a snapshot ends it; its views, locks and temporary slot go" {
	wide
	stalled tail cdc-tail --start initial --quiet "$PG_URL"
	local group=$PID pid
	pid=$(pgrep -g "$group" -x cdc-tail | head -n 1)
	kill -TERM "$pid"
	release
	ends "$group" 0
	[ "$(wc -l <"$(file tail)")" -lt 20000 ]
	wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots")" = 0 ]' 60
	wait_for '[ "$(sql "SELECT count(*) FROM pg_locks WHERE relation >= 16384")" = 0 ]' 60
}

# ---- the offset folder

pipeline() {
	cdc-tail --offset "$OFFSET" --slot-name $SLOT --start initial --quiet "$@" "$PG_URL" |
		tee -a "$LINES_FILE" | ack_all | cdc-offset commit "$OFFSET" --interval 20ms
}

# by_hand [OPTION…]: the same with a shell's means.
by_hand() {
	{ cdc-snapshot --offset "$OFFSET" --slot-name $SLOT --quiet "$@" "$PG_URL" &&
		cdc-tail --offset "$OFFSET" --slot-name $SLOT --until now --quiet "$PG_URL"; } |
		tee -a "$LINES_FILE" | ack_all | cdc-offset commit "$OFFSET" --interval 20ms
}

rows_read() { grep '"op":"r"' "$LINES_FILE" | jq .after.id; }

@test "{ cdc-snapshot && cdc-tail; } is one snapshot joined to its log" {
	wide 3000
	by_hand --chunk-rows 100 --jobs 2
	[ "$(rows_read | sort -u | wc -l)" = 3000 ]
	[ "$(rows_read | wc -l)" = 3000 ]
	sql "UPDATE wide SET v = 'b' WHERE id = 7; INSERT INTO wide VALUES (4000, 'c')"
	by_hand
	# The second time there is nothing to read, and the log goes on.
	[ "$(rows_read | wc -l)" = 3000 ]
	[ "$(jq -r 'select(.cdc.control == null and .op != "r") | "\(.op) \(.cdc.key.id)"' "$LINES_FILE" | paste -sd ' ')" = 'u 7 c 4000' ]
}

@test "a change made while cdc-snapshot runs comes from the cdc-tail behind it" {
	wide
	export OFFSET SLOT
	stalled both bash -c 'cdc-snapshot --offset "$OFFSET" --slot-name $SLOT --chunk-rows 100 --quiet "$PG_URL" &&
		cdc-tail --offset "$OFFSET" --slot-name $SLOT --until now --quiet "$PG_URL"'
	local both=$PID
	sql "UPDATE wide SET v = 'b' WHERE id = 1"
	release
	ends "$both" 0
	[ "$(grep -c '"op":"r"' "$(file both)")" = 20000 ]
	[ "$(jq -r 'select(.op and .op != "r") | "\(.op) \(.cdc.key.id)"' "$(file both)")" = 'u 1' ]
	# What went elsewhere, and was acknowledged by nobody, is no beginning for another reader.
	run -2 --separate-stderr cdc-tail --offset "$OFFSET" --slot-name $SLOT --until now --quiet "$PG_URL"
}

@test "an unfinished snapshot and a plain cdc-tail: status 2, with the way out" {
	wide
	stalled snapshot cdc-snapshot --offset "$OFFSET" --slot-name $SLOT --chunk-rows 100 --quiet "$PG_URL"
	kill -9 -- "-$PID"
	run -2 --separate-stderr cdc-tail --offset "$OFFSET" --slot-name $SLOT --until now "$PG_URL"
	[[ $stderr == *napshot* && $stderr == *'--start initial'* ]]
	# And nothing is lost by it.
	wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots WHERE active")" = 0 ]' 60
	by_hand
	[ "$(rows_read | sort -u | wc -l)" = 20000 ]
}

@test "killed -9 and resumed: from the acknowledged cursor, in a new view, with tokens above all before" {
	wide
	sql 'CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a SELECT generate_series(100001, 100050)'
	export -f pipeline ack_all
	export OFFSET SLOT LINES_FILE
	# Slow enough to be caught.
	spawn first bash -c 'cdc-tail --offset "$OFFSET" --slot-name $SLOT --start initial --quiet --chunk-rows 500 "$PG_URL" |
		"$0" 3000000 | tee "$LINES_FILE" | ack_all | cdc-offset commit "$OFFSET" --interval 20ms' "$ROOT/tests/live/exact/slow"
	wait_for 'grep -q "/s/[0-9]*/[1-9]" "$OFFSET/position" && [ "$(wc -l <"$LINES_FILE")" -gt 3000 ]' 60
	kill -9 -- "-$PID"
	wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots WHERE active")" = 0 ]' 60
	local acked first
	acked=$(jq -r '.sinks.default.token' "$OFFSET/position")
	[[ $acked == pg/*/s/* ]]
	# The cut line is no event.
	grep '}$' "$LINES_FILE" | grep '^{"cdc":{"pos"' | jq -c '[.cdc.pos, .after.id]' >"$BATS_TEST_TMPDIR/before"
	: >"$LINES_FILE"
	pipeline --chunk-rows 500 --until now
	cp "$LINES_FILE" "$BATS_TEST_TMPDIR/second"
	rises <"$BATS_TEST_TMPDIR/second"
	# Each row at least once; none of a chunk that was acknowledged again.
	{ jq '.[1]' "$BATS_TEST_TMPDIR/before"; rows_read; } | sort -u | wc -l | grep -q -x 20050
	rows_read | sort >"$BATS_TEST_TMPDIR/again"
	jq -r --arg acked "$acked" 'select(.[0] == $acked) | .[1]' "$BATS_TEST_TMPDIR/before" | sort | comm -12 - "$BATS_TEST_TMPDIR/again" >"$BATS_TEST_TMPDIR/twice"
	[ ! -s "$BATS_TEST_TMPDIR/twice" ]
	[ "$(rows_read | wc -l)" -lt 18000 ]
	# In a view above the first.
	first=$(grep '"op":"r"' "$LINES_FILE" | head -n 1 | jq -r '.cdc.pos | split("/")[3]')
	[ "$first" -gt "$(cut -d/ -f4 <<<"$acked")" ]
}

@test "a table added later is read, and only it; the log goes on" {
	sql 'CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1), (2)'
	pipeline --until now
	[ "$(rows_read | wc -l)" = 2 ]
	sql 'CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b SELECT generate_series(11, 15); INSERT INTO a VALUES (3)'
	: >"$LINES_FILE"
	pipeline --until now --chunk-rows 2
	[ "$(rows_read | paste -sd ' ')" = '11 12 13 14 15' ]
	[ "$(jq -c 'select(.op == "c") | .after.id' "$LINES_FILE" | paste -sd ' ')" = 3 ]
	sql 'INSERT INTO b VALUES (16); UPDATE a SET id = id WHERE id = 1'
	: >"$LINES_FILE"
	pipeline --until now
	[ "$(rows_read | wc -l)" = 0 ]
	[ "$(jq -r 'select(.op) | "\(.op) \(.cdc.key.id)"' "$LINES_FILE" | paste -sd ' ')" = 'c 16 u 1' ]
}

@test "a table added later with writers on it: rows and changes once" {
	sql 'CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1)'
	pipeline --until now
	wide
	: >"$LINES_FILE"
	stalled tail cdc-tail --offset "$OFFSET" --slot-name $SLOT --start initial --chunk-rows 100 --view-time 1s --quiet "$PG_URL"
	sql "UPDATE wide SET v = 'new' WHERE id IN (1, 19000); INSERT INTO a VALUES (2)"
	next_view
	release
	sql 'INSERT INTO a VALUES (3)'
	has tail '"key":{"id":3}'
	[ "$(grep -F '"table":"wide"' "$(file tail)" | events '{"id":1}')" = 'r u' ]
	[ "$(grep -F '"table":"wide"' "$(file tail)" | events '{"id":19000}')" = r ]
	[ "$(grep -F '"table":"a"' "$(file tail)" | jq -r '"\(.op) \(.cdc.key.id)"' | paste -sd ' ')" = 'c 2 c 3' ]
}

@test "a snapshot beside a live tail warns that old rows may come after new ones" {
	wide 500
	spawn tail cdc-tail --offset "$OFFSET" --slot-name $SLOT --quiet "$PG_URL"
	streams
	run -0 --separate-stderr bash -c 'cdc-snapshot "$PG_URL" >/dev/null'
	[[ $stderr == *old* && $stderr == *initial* ]] || { echo "$stderr"; false; }
}

@test "usage: what makes no sense is said before anything is read" {
	run -2 cdc-snapshot
	run -2 cdc-snapshot --jobs 0 "$PG_URL"
	run -2 cdc-snapshot --chunk-rows 0 "$PG_URL"
	run -2 cdc-snapshot --view-time 5 "$PG_URL"
	run -2 cdc-tail --start sometimes "$PG_URL"
	run -0 cdc-snapshot --help
	[[ $output == *--chunk-rows* && $output == *--view-time* && $output == *--where* && $output == *--jobs* ]]
}
