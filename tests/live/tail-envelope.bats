# The lines of cdc-tail: what each kind of change, key and identity becomes.
load tail

setup_file() { start_postgres; }
teardown_file() { stop_servers; }
teardown() { clean; }

@test "insert, update, delete: Debezium's members in its order, behind the header" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY, v text)'
	sql "INSERT INTO t VALUES (1, 'a')"
	sql "UPDATE t SET v = 'b'"
	sql 'DELETE FROM t'
	run short < <(changes)
	[ "${lines[0]}" = 'c postgres.public.t {"id":1} null {"id":1,"v":"a"}' ]
	[ "${lines[1]}" = 'u postgres.public.t {"id":1} null {"id":1,"v":"b"}' ]
	[ "${lines[2]}" = 'd postgres.public.t {"id":1} {"id":1,"v":null} null' ]
	[ ${#lines[@]} = 3 ]
	run jq -c '[keys_unsorted, (.cdc | keys_unsorted), (.source | keys_unsorted)] | unique' < <(changes | head -n 1)
	[ "$output" = '[["cdc","before","after","source","transaction","op","ts_ms","ts_us","ts_ns"],["pos","topic","key"],["version","connector","name","ts_ms","snapshot","db","sequence","ts_us","ts_ns","schema","table","txId","lsn","xmin","origin","origin_lsn"]]' ] || { echo "$output"; false; }
}

@test "a transaction's lines bear its id, its commit time and each its own LSN; rolled back work never shows" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	local xid
	xid=$(sql "BEGIN; INSERT INTO t VALUES (1); SAVEPOINT a; INSERT INTO t VALUES (2); ROLLBACK TO a;
		INSERT INTO t VALUES (3); SELECT txid_current(); COMMIT")
	sql 'BEGIN; INSERT INTO t VALUES (4); ROLLBACK'
	changes >"$BATS_TEST_TMPDIR/lines"
	[ "$(jq -c '[.after.id, .source.txId]' "$BATS_TEST_TMPDIR/lines")" = "[1,$xid]
[3,$xid]" ]
	[ "$(jq '.source.ts_ns' "$BATS_TEST_TMPDIR/lines" | sort -u | wc -l)" = 1 ]
	[ "$(jq '.source.lsn' "$BATS_TEST_TMPDIR/lines" | sort -u | wc -l)" = 2 ]
	[ "$(jq '(.cdc.pos | split("/")[4] | tonumber) == .source.lsn' "$BATS_TEST_TMPDIR/lines" | sort -u)" = true ]
}

@test "a changed key is a delete and a create, each with the other's key as its header" {
	prepare 'CREATE TABLE t (b int, a int, v text, PRIMARY KEY (a, b))'
	sql "INSERT INTO t VALUES (1, 2, 'x')"
	sql 'UPDATE t SET a = 3'
	run jq -c '[.op, .cdc.key, .cdc.headers, .before, .after]' < <(changes | tail -n 2)
	[ "${lines[0]}" = '["d",{"a":2,"b":1},{"__debezium.newkey":{"a":3,"b":1}},{"b":1,"a":2,"v":null},null]' ]
	[ "${lines[1]}" = '["c",{"a":3,"b":1},{"__debezium.oldkey":{"a":2,"b":1}},null,{"b":1,"a":3,"v":"x"}]' ]
	changes --control | rises
	# An update that writes the key's old value is an update.
	sql 'UPDATE t SET a = 3'
	[ "$(changes | tail -n 1 | jq -r '.op, (.cdc | has("headers"))' | paste -sd' ')" = 'u false' ]
}

@test "TRUNCATE of several tables: a line each, skipped unless asked for" {
	prepare 'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)'
	sql 'TRUNCATE a, b'
	[ -z "$(changes)" ]
	changes --skipped-operations none --control >"$BATS_TEST_TMPDIR/lines"
	rises <"$BATS_TEST_TMPDIR/lines"
	run short < <(grep '"op"' "$BATS_TEST_TMPDIR/lines" | sort -t'"' -k10)
	[ "$(sort <<<"$output")" = 't postgres.public.a null null null
t postgres.public.b null null null' ]
}

@test "unchanged TOAST: a placeholder; under FULL the old value" {
	prepare "CREATE TABLE t (id int PRIMARY KEY, n int, big text, raw bytea, doc jsonb);
		ALTER TABLE t ALTER big SET STORAGE EXTERNAL, ALTER raw SET STORAGE EXTERNAL, ALTER doc SET STORAGE EXTERNAL"
	sql "INSERT INTO t VALUES (1, 1, repeat('x', 5000), decode(repeat('ab', 5000), 'hex'),
		jsonb_build_object('a', repeat('y', 5000)))"
	sql 'UPDATE t SET n = 2'
	run jq -c '.after | del(.id)' < <(changes | tail -n 1)
	[ "$output" = '{"n":2,"big":"__debezium_unavailable_value","raw":"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==","doc":"__debezium_unavailable_value"}' ]
	sql 'ALTER TABLE t REPLICA IDENTITY FULL'
	sql 'UPDATE t SET n = 3'
	run jq -c '[.before.n, .after.n, (.after.big | length), .after.big == .before.big, .after.raw == .before.raw, (.after.doc | length)]' \
		< <(changes | tail -n 1)
	[ "$output" = '[2,3,5000,true,true,5009]' ] || { echo "$output"; false; }
	# A key change keeps the value that the log has.
	sql 'UPDATE t SET id = 9'
	[ "$(changes | tail -n 1 | jq -c '[.op, .cdc.key, (.after.big | length)]')" = '["c",{"id":9},5000]' ]
}

@test "a key column that is TOASTed and unchanged has its value in the key" {
	prepare "CREATE TABLE t (k text PRIMARY KEY, n int); ALTER TABLE t ALTER k SET STORAGE EXTERNAL"
	# A row of over 2 kB has its key moved out; an index entry holds no more than 2.7 kB.
	sql "INSERT INTO t VALUES (repeat('k', 2500), 1)"
	sql 'UPDATE t SET n = 2'
	run jq -c '[.op, (.cdc.key.k | length), .after.n]' < <(changes | tail -n 1)
	[ "$output" = '["u",2500,2]' ] || { echo "$output"; false; }
}

@test "replica identities: default, index, full, nothing" {
	prepare 'CREATE TABLE d (id int PRIMARY KEY, n int NOT NULL DEFAULT 7, v text);
		CREATE TABLE i (id int, code text NOT NULL, v text); CREATE UNIQUE INDEX code ON i (code);
		ALTER TABLE i REPLICA IDENTITY USING INDEX code;
		CREATE TABLE f (id int PRIMARY KEY, v text); ALTER TABLE f REPLICA IDENTITY FULL;
		CREATE TABLE bare (v text); ALTER TABLE bare REPLICA IDENTITY FULL'
	sql "INSERT INTO d VALUES (1, 1, 'x'); INSERT INTO i VALUES (1, 'c', 'x'); INSERT INTO f VALUES (1, 'x');
		INSERT INTO bare VALUES ('x')"
	sql "UPDATE d SET v = 'y'; UPDATE i SET v = 'y'; UPDATE f SET v = 'y'; UPDATE bare SET v = 'y'"
	sql 'DELETE FROM d; DELETE FROM i; DELETE FROM f; DELETE FROM bare'
	run short < <(changes | tail -n 8)
	[ "$output" = 'u postgres.public.d {"id":1} null {"id":1,"n":1,"v":"y"}
u postgres.public.i {"code":"c"} null {"id":1,"code":"c","v":"y"}
u postgres.public.f {"id":1} {"id":1,"v":"x"} {"id":1,"v":"y"}
u postgres.public.bare null {"v":"x"} {"v":"y"}
d postgres.public.d {"id":1} {"id":1,"n":7,"v":null} null
d postgres.public.i {"code":"c"} {"id":null,"code":"c","v":null} null
d postgres.public.f {"id":1} {"id":1,"v":"y"} null
d postgres.public.bare null {"v":"y"} null' ] || { echo "$output"; false; }
}

@test "DDL in the middle: columns added, dropped, renamed, of another type; each row as it was then" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY, a int)'
	spawn tail cdc-tail --slot-name $SLOT "$PG_URL"
	streams
	local step
	for step in \
		"INSERT INTO t VALUES (1, 1)" \
		"ALTER TABLE t ADD b text NOT NULL DEFAULT 'new'; INSERT INTO t VALUES (2, 2)" \
		"ALTER TABLE t RENAME a TO c; INSERT INTO t VALUES (3, 3)" \
		"ALTER TABLE t ALTER c TYPE text USING 'n' || c; INSERT INTO t VALUES (4, 'n4')" \
		"ALTER TABLE t DROP b; INSERT INTO t VALUES (5, 'n5')" \
		"ALTER TABLE t RENAME TO s; INSERT INTO s VALUES (6, 'n6')" \
		"ALTER TABLE s DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (c); INSERT INTO s VALUES (7, 'n7')"; do
		sql "$step" || return 1
	done
	has tail '"n7"'
	run short < <(grep '"op":"c"' "$(file tail)")
	[ "$output" = 'c postgres.public.t {"id":1} null {"id":1,"a":1}
c postgres.public.t {"id":2} null {"id":2,"a":2,"b":"new"}
c postgres.public.t {"id":3} null {"id":3,"c":3,"b":"new"}
c postgres.public.t {"id":4} null {"id":4,"c":"n4","b":"new"}
c postgres.public.t {"id":5} null {"id":5,"c":"n5"}
c postgres.public.s {"id":6} null {"id":6,"c":"n6"}
c postgres.public.s {"c":"n7"} null {"id":7,"c":"n7"}' ] || { echo "$output"; false; }
	# The same from the log, where the catalog is ahead of it.
	kill -TERM $PID
	ends $PID 0
	changes | jq -c 'select(.op == "c") | .after' >"$BATS_TEST_TMPDIR/again"
	jq -c 'select(.op == "c") | .after' "$(file tail)" | cmp - "$BATS_TEST_TMPDIR/again"
}

@test "a table that is made while the stream runs is not published; made before, but unused, it is" {
	prepare 'CREATE TABLE late (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY)'
	spawn tail cdc-tail --slot-name $SLOT "$PG_URL"
	streams
	sql 'CREATE TABLE later (id int PRIMARY KEY); INSERT INTO later VALUES (1); INSERT INTO late VALUES (2)'
	has tail '{"id":2}'
	[ "$(wc -l <"$(file tail)")" = 1 ]
}

@test "names with quotes, dots, backslashes and any script, in topics, keys and values" {
	prepare 'CREATE SCHEMA "Käse.x"; CREATE TABLE "Käse.x"."a""b\c😀" ("ключ 1" int PRIMARY KEY, "select" text, "q""\" text)'
	sql 'INSERT INTO "Käse.x"."a""b\c😀" VALUES (1, '"'\"\\ü😀	'"', null)'
	run jq -c '[.cdc.topic, .cdc.key, .source.schema, .source.table, .after]' < <(changes)
	[ "$output" = '["postgres.K_se.x.a_b_c__",{"ключ 1":1},"Käse.x","a\"b\\c😀",{"ключ 1":1,"select":"\"\\ü😀\t","q\"\\":null}]' ] ||
		{ echo "$output"; false; }
	[ "$(changes --table '"?Käse\.x\..*')" ]
	sql 'DROP SCHEMA "Käse.x" CASCADE' 2>/dev/null
}

@test "logical messages, transactional and not" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	sql "SELECT pg_logical_emit_message(false, 'pre', 'free')"
	sql "BEGIN; INSERT INTO t VALUES (1); SELECT pg_logical_emit_message(true, 'pre', 'bound'); COMMIT"
	sql "BEGIN; SELECT pg_logical_emit_message(true, 'pre', 'undone'); ROLLBACK"
	run jq -c '[.op, .cdc.topic, .cdc.key, .message.prefix, (.message.content // "" | @base64d), .source.txId == null]' < <(changes)
	[ "$output" = '["m","postgres.message",{"prefix":"pre"},"pre","free",true]
["c","postgres.public.t",{"id":1},null,"",false]
["m","postgres.message",{"prefix":"pre"},"pre","bound",false]' ] || { echo "$output"; false; }
}

# The commit record starts where the message's ends: the message is before the transaction, whose changes are
# older than it.
@test "tokens rise where a transaction that emitted a message of its own commits right behind it" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	sql "BEGIN; INSERT INTO t VALUES (1); SELECT pg_logical_emit_message(false, 'pre', 'x'); COMMIT"
	changes --control >"$BATS_TEST_TMPDIR/lines"
	[ "$(jq -r .op "$BATS_TEST_TMPDIR/lines" | grep -c '[mc]')" = 2 ]
	rises <"$BATS_TEST_TMPDIR/lines"
	# From the message on the row is still to come, and only the row.
	local token
	token=$(jq -r 'select(.op == "m") | .cdc.pos' "$BATS_TEST_TMPDIR/lines")
	run jq -r .op < <(cdc-tail --slot-name $SLOT --start "$token" --until now "$PG_URL")
	[ "$output" = c ]
}

@test "a message at the very end of the log is before --until now" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	sql "SELECT pg_logical_emit_message(false, 'pre', 'x')"
	[ "$(changes | jq -r .op)" = m ]
}

@test "tokens are of the log alone: the same under filters, skipped operations and another prefix" {
	prepare 'CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY)'
	sql "BEGIN; INSERT INTO a SELECT g, 'x' FROM generate_series(1, 20) g; INSERT INTO b VALUES (1);
		SELECT pg_logical_emit_message(true, 'p', 'x'); UPDATE a SET id = id + 100; DELETE FROM a WHERE id = 103; COMMIT"
	sql 'COPY b FROM STDIN' <<<"$(seq 10 40)"
	sql 'TRUNCATE a, b'
	tokens() { jq -r '[.cdc.pos, .op, .source.table, (.cdc.key.id // 0)] | join(" ")'; }
	changes --skipped-operations none | tokens >"$BATS_TEST_TMPDIR/all"
	[ "$(cut -d' ' -f1 "$BATS_TEST_TMPDIR/all" | sort -u | wc -l)" = "$(wc -l <"$BATS_TEST_TMPDIR/all")" ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/all")" = $((20 + 1 + 1 + 40 + 1 + 31 + 2)) ]
	local options
	for options in '--table public\.b' '--exclude-table public\.b' '--skipped-operations c,t' '--topic-prefix other' \
		'--exclude-column public\.a\.v'; do
		# shellcheck disable=SC2086
		changes --skipped-operations none $options | tokens >"$BATS_TEST_TMPDIR/some"
		[ -s "$BATS_TEST_TMPDIR/some" ]
		[ -z "$(comm -13 <(sort "$BATS_TEST_TMPDIR/all") <(sort "$BATS_TEST_TMPDIR/some"))" ]
	done
}

@test "tables, schemas and columns, and all but those; Debezium's names for the options" {
	prepare 'CREATE TABLE orders (id int PRIMARY KEY, v text, secret text); CREATE TABLE other (id int PRIMARY KEY);
		CREATE SCHEMA aside; CREATE TABLE aside.orders (id int PRIMARY KEY)'
	sql "INSERT INTO orders VALUES (1, 'x', 'hush'); INSERT INTO other VALUES (1); INSERT INTO aside.orders VALUES (1)"
	tables() { changes "$@" | jq -r '"\(.source.schema).\(.source.table)"' | sort | paste -sd' '; }
	[ "$(tables)" = 'aside.orders public.orders public.other' ]
	[ "$(tables --table 'public\.orders')" = public.orders ]
	[ "$(tables --table 'PUBLIC\.ord.*,aside\.orders')" = 'aside.orders public.orders' ]
	[ "$(tables --table 'orders')" = '' ]
	[ "$(tables --table '.*\.orders' --exclude-table 'aside\..*')" = public.orders ]
	[ "$(tables --schema aside)" = aside.orders ]
	[ "$(tables --exclude-schema aside)" = 'public.orders public.other' ]
	[ "$(tables --table-include-list 'public\.orders')" = public.orders ]
	[ "$(tables --table-exclude-list 'public\.orders')" = 'aside.orders public.other' ]
	[ "$(tables --schema-include-list aside)" = aside.orders ]
	[ "$(tables --schema-exclude-list aside)" = 'public.orders public.other' ]
	after() { changes --table 'public\.orders' "$@" | jq -c '[.cdc.key, .after]'; }
	[ "$(after --exclude-column '.*\.secret')" = '[{"id":1},{"id":1,"v":"x"}]' ]
	[ "$(after --column-exclude-list 'public\.orders\.(secret|id)')" = '[{"id":1},{"v":"x"}]' ]
	[ "$(after --column 'public\.orders\.v')" = '[{"id":1},{"v":"x"}]' ]
	[ "$(after --column-include-list 'public\.orders\.(id|v)')" = '[{"id":1},{"id":1,"v":"x"}]' ]
	run -2 changes --table '('
	[[ $output == *'--table'*'"("'* ]] || { echo "$output"; false; }
	sql 'DROP SCHEMA aside CASCADE' 2>/dev/null
}

@test "--topic-prefix names the topics and the source; it is Kafka's alphabet" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	sql 'INSERT INTO t VALUES (1)'
	[ "$(changes --topic-prefix shop-1.x | jq -r '.cdc.topic, .source.name' | paste -sd' ')" = 'shop-1.x.public.t shop-1.x' ]
	run -2 changes --topic-prefix 'a b'
	[[ $output == *'"a b"'* ]]
	run -2 changes --topic-prefix ""
}

@test "a change that came through a replication origin names it" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY)'
	sql "SELECT pg_replication_origin_create('elsewhere')" >/dev/null
	sql "SELECT pg_replication_origin_session_setup('elsewhere'); BEGIN;
		SELECT pg_replication_origin_xact_setup('0/1234', now()); INSERT INTO t VALUES (1); COMMIT" >/dev/null
	[ "$(changes | jq -c '[.source.origin, .source.origin_lsn]')" = '["elsewhere",4660]' ]
	sql "SELECT pg_replication_origin_drop('elsewhere')" >/dev/null
}

@test "a table is read anew from the catalog after ANALYZE and ALTER alone, and with a new type" {
	prepare 'CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL DEFAULT '"'x'"')'
	spawn tail cdc-tail --slot-name $SLOT "$PG_URL"
	streams
	sql "INSERT INTO t VALUES (1)"
	sql 'ANALYZE t'
	sql "CREATE TYPE mood AS ENUM ('sad', 'ok'); ALTER TABLE t ADD m mood NOT NULL DEFAULT 'ok'"
	sql 'INSERT INTO t VALUES (2); DELETE FROM t WHERE id = 2'
	has tail '"op":"d"'
	[ "$(tail -n 1 "$(file tail)" | jq -c .before)" = '{"id":2,"v":"x","m":"ok"}' ]
	kill -TERM $PID
	ends $PID 0
}
