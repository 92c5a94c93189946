# Each option that shapes an event, by what Debezium's documentation says of it.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() { start_postgres; }
teardown_file() { stop_servers; }

setup() {
	cd "$BATS_TEST_TMPDIR"
	sql 'DROP SCHEMA IF EXISTS shop CASCADE; CREATE SCHEMA shop'
}

teardown() {
	kill_spawned
	sql 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active' >/dev/null
	sql 'DROP PUBLICATION IF EXISTS options'
}

# events STATEMENTS [OPTION…]: what the changes of the statements, each a transaction, give in out.ndjson and err.
# Without --publication-… in the options every table is published.
events() {
	case "${*:2}" in
	*--publication-*) ;;
	*) sql 'CREATE PUBLICATION options FOR ALL TABLES' ;;
	esac
	sql "SELECT pg_create_logical_replication_slot('options', 'pgoutput')" >/dev/null
	psql -X -q -v ON_ERROR_STOP=1 <<<"$1" >/dev/null
	cdc-tail --slot-name options --publication-name options --start earliest --until now --schema shop "${@:2}" \
		"$PG_URL" >out.ndjson 2>err
}

# out FILTER: jq over the events.
out() { jq -c "$1" out.ndjson; }

@test "decimal-handling-mode, time-precision-mode, binary-handling-mode" {
	sql "CREATE TABLE shop.t (id int PRIMARY KEY, n numeric(5,2), v numeric, m money, ts timestamp(6), b bytea)"
	local row="INSERT INTO shop.t VALUES (1, 1.50, 'NaN', '\$1.50', '2020-02-29 12:34:56.789', '\\xfbff')"
	events "$row" --decimal-handling-mode string --time-precision-mode isostring --binary-handling-mode hex
	[ "$(out .after)" = '{"id":1,"n":"1.50","v":"NAN","m":"1.50","ts":"2020-02-29T12:34:56.789Z","b":"fbff"}' ]
}

@test "--preset plain, and an option beside it goes before it" {
	sql "CREATE TABLE shop.t (id int PRIMARY KEY, n numeric(5,2), d date, iv interval, b bytea)"
	local row="INSERT INTO shop.t VALUES (1, 1.50, '2020-02-29', '1 day', '\\xfbff')"
	events "$row" --preset plain --time-precision-mode adaptive
	[ "$(out .after)" = '{"id":1,"n":"1.50","d":18321,"iv":"P0Y0M1DT0H0M0S","b":"+/8="}' ]
}

@test "a mode that there is not is refused with those that there are" {
	run -2 cdc-tail --decimal-handling-mode exact "$PG_URL"
	[[ "$output" = *"--decimal-handling-mode takes precise, string or double, not \"exact\""* ]]
	run -2 cdc-tail --column-truncate-to-0-chars 'shop\.t\.a' "$PG_URL"
	[[ "$output" = *"--column-truncate-to-0-chars: \"0\" is no count of characters"* ]]
}

@test "columns are cut, masked and hashed; keys are not, and what is no text is named" {
	sql "CREATE TABLE shop.t (id text PRIMARY KEY, cut text, mask text, hash varchar(12), hash2 text, n int)"
	events "INSERT INTO shop.t VALUES ('key', 'abcdef', NULL, 'hi', 'hi', 7)" \
		--column-truncate-to-3-chars 'shop\.t\.cut' --column-mask-with-4-chars 'shop\.t\.(mask|id|n)' \
		--column-mask-hash-v2-SHA-256-with-salt-s 'shop\.t\.hash2' --column-mask-hash-SHA-256-with-salt-s '.*\.hash'
	local hash2 hash
	hash2=$(printf 'shi' | sha256sum | cut -c1-64)
	hash=$(printf 's\xac\xed\x00\x05\x74\x00\x02hi' | sha256sum | cut -c1-12)
	[ "$(out .after)" = "{\"id\":\"****\",\"cut\":\"abc\",\"mask\":\"****\",\"hash\":\"$hash\",\"hash2\":\"$hash2\",\"n\":7}" ]
	[ "$(out .cdc.key)" = '{"id":"key"}' ]
	grep -F 'table shop.t: no text, so neither masked nor hashed: n (int4)' err
}

@test "message-key-columns names the key, in its order; other tables keep theirs" {
	sql "CREATE TABLE shop.t (id int PRIMARY KEY, a int, b text); ALTER TABLE shop.t REPLICA IDENTITY FULL;
	     CREATE TABLE shop.u (id int PRIMARY KEY, a int)"
	events "INSERT INTO shop.t VALUES (1, 2, 'x'); UPDATE shop.t SET b = 'y'; DELETE FROM shop.t;
	        INSERT INTO shop.u VALUES (3, 4)" --message-key-columns 'shop\.t:b,a'
	[ "$(out '[.op, .cdc.key]')" = '["c",{"b":"x","a":2}]
["d",{"b":"x","a":2}]
["c",{"b":"y","a":2}]
["d",{"b":"y","a":2}]
["c",{"id":3}]' ]
}

@test "skipped-operations judges the halves of a key change" {
	sql "CREATE TABLE shop.t (id int PRIMARY KEY)"
	events "INSERT INTO shop.t VALUES (1); UPDATE shop.t SET id = 2; DELETE FROM shop.t; TRUNCATE shop.t" \
		--skipped-operations u,d
	[ "$(out '[.op, .cdc.key, .cdc.headers]')" = '["c",{"id":1},null]
["c",{"id":2},{"__debezium.oldkey":{"id":1}}]
["t",null,null]' ]
}

@test "a named key that does not tell rows apart says so" {
	sql "CREATE TABLE shop.t (id int PRIMARY KEY, a int); ALTER TABLE shop.t REPLICA IDENTITY FULL;
	     CREATE TABLE shop.u (id int PRIMARY KEY, a int); CREATE TABLE shop.v (id int, a int);
	     ALTER TABLE shop.v REPLICA IDENTITY FULL"
	events "INSERT INTO shop.t VALUES (1, 2); UPDATE shop.t SET a = 3; INSERT INTO shop.u VALUES (3, 4); INSERT INTO shop.v VALUES (5, 6)" \
		--message-key-columns 'shop\.[tv]:a;shop\.u:a,id'
	[ "$(out '[.source.table, .cdc.key, .cdc.unique]')" = '["t",{"a":2},false]
["t",{"a":2},false]
["t",{"a":3},false]
["u",{"a":4,"id":3},null]
["v",{"a":6},false]' ]
	grep -F '"key":{"a":3},"unique":false,"headers":{' out.ndjson
}

@test "skip-messages-without-change leaves out an update whose captured columns are equal" {
	sql "CREATE TABLE shop.t (id int PRIMARY KEY, a int, hidden int); ALTER TABLE shop.t REPLICA IDENTITY FULL"
	events "INSERT INTO shop.t VALUES (1, 1, 1); UPDATE shop.t SET hidden = 2; UPDATE shop.t SET a = 2" \
		--skip-messages-without-change --exclude-column 'shop\.t\.hidden'
	[ "$(out '[.op, .after.a]')" = '["c",1]
["u",2]' ]
}

@test "unavailable-value-placeholder stands for a large value that was not touched" {
	sql "CREATE TABLE shop.t (id int PRIMARY KEY, k int, big text)"
	events "INSERT INTO shop.t SELECT 1, 1, string_agg(md5(i::text), '') FROM generate_series(1, 400) i;
	        UPDATE shop.t SET k = 2" --unavailable-value-placeholder n/a
	[ "$(out 'select(.op == "u").after')" = '{"id":1,"k":2,"big":"n/a"}' ]
}

@test "unknown types are left out and named once, or are bytes" {
	sql "CREATE TYPE shop.pair AS (a int, b text); CREATE TABLE shop.t (id int PRIMARY KEY, p shop.pair, c circle)"
	local rows="INSERT INTO shop.t VALUES (1, '(1,x)', '<(0,0),1>'); INSERT INTO shop.t VALUES (2, NULL, NULL)"
	events "$rows"
	[ "$(out .after)" = '{"id":1}
{"id":2}' ]
	[ "$(grep -c 'columns of types that are not supported are left out: p (pair), c (circle)' err)" = 1 ]
	sql "SELECT pg_drop_replication_slot('options'); DROP PUBLICATION options; TRUNCATE shop.t" >/dev/null
	events "$rows" --include-unknown-datatypes
	[ "$(out .after)" = '{"id":1,"p":"KDEseCk=","c":"PCgwLDApLDE+"}
{"id":2,"p":null,"c":null}' ]
}

@test "domains, arrays of domains and of enums" {
	sql "CREATE DOMAIN shop.posint AS int; CREATE DOMAIN shop.small AS shop.posint; CREATE DOMAIN shop.price AS numeric(6,2);
	     CREATE TYPE shop.mood AS ENUM ('sad', 'a, b');
	     CREATE TABLE shop.t (id int PRIMARY KEY, a shop.small, b shop.small[], c shop.price[], d shop.mood[], r int4range[])"
	events "INSERT INTO shop.t VALUES (1, 2, '{3,NULL}', '{1.5}', ARRAY['a, b', 'sad']::shop.mood[], '{\"[1,5)\"}')"
	[ "$(out .after)" = '{"id":1,"a":2,"b":[3,null],"c":["AJY="],"d":["a, b","sad"],"r":["[1,5)"]}' ]
}

@test "logical messages by their prefix, their content by binary-handling-mode" {
	events "SELECT pg_logical_emit_message(true, 'orders.x', 'a'); SELECT pg_logical_emit_message(false, 'other', 'b');
	        SELECT pg_logical_emit_message(true, 'orders.y', 'c')" \
		--message-prefix-include-list 'orders\..*' --message-prefix-exclude-list '.*\.y' --binary-handling-mode hex
	[ "$(out '[.op, .message]')" = '["m",{"prefix":"orders.x","content":"61"}]' ]
}

@test "topic-delimiter and the names of topics" {
	sql "CREATE TABLE shop.t (id int PRIMARY KEY)"
	events "INSERT INTO shop.t VALUES (1)" --topic-prefix p --topic-delimiter - --provide-transaction-metadata \
		--topic-transaction tx
	[ "$(out .cdc.topic)" = '"p-tx"
"p-shop-t"
"p-tx"' ]
}

@test "transaction metadata after a restart in the middle of a transaction" {
	sql "CREATE TABLE shop.t (id int PRIMARY KEY)"
	events "INSERT INTO shop.t SELECT generate_series(1, 3)" --provide-transaction-metadata
	mv out.ndjson whole
	[ "$(wc -l <whole)" = 5 ]
	local middle
	middle=$(jq -r 'select(.after.id == 2).cdc.pos' whole)
	cdc-tail --slot-name options --publication-name options --start "$middle" --until now --schema shop \
		--provide-transaction-metadata "$PG_URL" >rest
	diff <(tail -n 2 whole | jq -c 'del(.ts_ms, .ts_us, .ts_ns)') <(jq -c 'del(.ts_ms, .ts_us, .ts_ns)' rest)
}

@test "heartbeats come while nothing else does, with their statement" {
	sql "CREATE TABLE shop.beat (at timestamptz); CREATE PUBLICATION options FOR ALL TABLES"
	spawn tail cdc-tail --publication-name options --publication-autocreate-mode disabled --topic-prefix p --schema none \
		--heartbeat-interval-ms 50 --heartbeat-action-query 'INSERT INTO shop.beat VALUES (now())' --control "$PG_URL"
	wait_for '[ "$(grep -c "__debezium-heartbeat" tail.out)" -ge 3 ]' 60
	wait_for '[ "$(sql "SELECT count(*) >= 2 FROM shop.beat")" = t ]' 60
	kill -TERM $PID
	wait $PID
	[ "$(jq -c 'select(.cdc.topic) | [.cdc.topic, .cdc.key, keys]' tail.out | sort -u)" = \
		'["__debezium-heartbeat.p",{"serverName":"p"},["cdc","ts_ms"]]' ]
	# Tokens never go down, and the last one is completed by progress.
	[ "$(jq -r .cdc.control tail.out | tail -n 2 | head -n 1)" = progress ]
	jq -r '.cdc.pos // empty' tail.out | awk -F/ '{ l = $4 * 1 } l < last { print; bad = 1 } { last = l } END { exit bad }'
}

@test "a heartbeat's statement that fails is told and ends nothing" {
	sql 'CREATE PUBLICATION options FOR ALL TABLES'
	spawn tail cdc-tail --publication-name options --publication-autocreate-mode disabled --heartbeat-interval-ms 50 \
		--topic-heartbeat-prefix hb --heartbeat-action-query 'SELEC' "$PG_URL"
	wait_for '[ "$(grep -c "^{.cdc.*hb.postgres" tail.out)" -ge 2 ]' 60
	grep -F "the heartbeat's statement failed" tail.err
	kill -TERM $PID
	wait $PID
}

@test "publish-via-partition-root: the rows of partitions are the partitioned table's" {
	sql "CREATE TABLE shop.t (id int PRIMARY KEY) PARTITION BY RANGE (id);
	     CREATE TABLE shop.t_1 PARTITION OF shop.t FOR VALUES FROM (1) TO (10)"
	cdc-tail --slot-name options --publication-name options --publish-via-partition-root --until now "$PG_URL"
	sql 'INSERT INTO shop.t VALUES (1)'
	cdc-tail --slot-name options --publication-name options --publish-via-partition-root --start earliest --until now \
		"$PG_URL" | jq -c '[.source.table, .after]' >out
	[ "$(cat out)" = '["t",{"id":1}]' ]
	# An existing publication is changed.
	sql 'ALTER PUBLICATION options SET (publish_via_partition_root = false)'
	cdc-tail --slot-name options --publication-name options --publish-via-partition-root --start earliest --until now \
		"$PG_URL" >/dev/null
	[ "$(sql 'SELECT pubviaroot FROM pg_publication')" = t ]
}

has_extension() { [ "$(sql "SELECT count(*) FROM pg_available_extensions WHERE name = '$1'")" = 1 ]; }

@test "pgvector: arrays of numbers, and a sparse vector's pairs" {
	has_extension vector || skip "this server has no pgvector"
	sql "CREATE EXTENSION vector SCHEMA shop;
	     CREATE TABLE shop.t (id int PRIMARY KEY, k int, v shop.vector(3), h shop.halfvec(2), s shop.sparsevec(5),
	                          a shop.vector[], big shop.vector(2000))"
	events "INSERT INTO shop.t VALUES (1, 1, '[1,2.5,-3]', '[0.5,1]', '{1:1.5,3:2}/5', ARRAY['[1,2]'::shop.vector, NULL]);
	        INSERT INTO shop.t VALUES (2, 1); UPDATE shop.t SET big = (SELECT array_agg(i)::shop.vector FROM
	        generate_series(1, 2000) i) WHERE id = 2; UPDATE shop.t SET k = 2 WHERE id = 2" --unavailable-value-placeholder no
	[ "$(jq -c '.after | del(.big)' out.ndjson | head -n 1)" = \
		'{"id":1,"k":1,"v":[1,2.5,-3],"h":[0.5,1],"s":{"dimensions":5,"vector":[[1,1.5],[3,2]]},"a":[[1,2],null]}' ]
	[ "$(tail -n 1 out.ndjson | jq -c .after.big)" = '[110,111]' ]
}

@test "PostGIS: EWKB and the SRID" {
	has_extension postgis || skip "this server has no PostGIS"
	sql "CREATE EXTENSION postgis SCHEMA shop;
	     CREATE TABLE shop.t (id int PRIMARY KEY, g shop.geometry, p shop.geography, a shop.geometry[])"
	events "SET search_path = shop; INSERT INTO shop.t VALUES (1, 'POINT(1 2)', 'SRID=4326;POINT(1 2)',
	        ARRAY['POINT(1 2)', 'SRID=3857;POINT(1 2)']::geometry[])"
	[ "$(out .after)" = '{"id":1,"g":{"wkb":"AQEAAAAAAAAAAADwPwAAAAAAAABA","srid":null},'\
'"p":{"wkb":"AQEAACDmEAAAAAAAAAAA8D8AAAAAAAAAQA==","srid":4326},'\
'"a":[{"wkb":"AQEAAAAAAAAAAADwPwAAAAAAAABA","srid":null},{"wkb":"AQEAACARDwAAAAAAAAAA8D8AAAAAAAAAQA==","srid":3857}]}' ]
}

# rows FILE: key and row of each line, byte for byte.
rows() { sed -E 's/.*,"key":(.*)\},"before":null,"after":(.*),"source":.*/\1 \2/' "$1" | sort; }

@test "a snapshot's rows have the stream's bytes, whatever the options" {
	sql "CREATE EXTENSION IF NOT EXISTS hstore;
	     CREATE TYPE shop.mood AS ENUM ('sad', 'ok'); CREATE TYPE shop.pair AS (a int, b text);
	     CREATE TABLE shop.t (id int PRIMARY KEY, i8 bigint, b bool, f4 real, f8 float8, n numeric(8,2), v numeric, m money,
	         t text, c char(5), vc varchar(8), e shop.mood, u uuid, j json, jb jsonb, x xml, by bytea, d date, tm time(2),
	         tz timetz, ts timestamp, ts3 timestamp(3), tstz timestamptz(3), iv interval, b1 bit, b9 bit(9), vb varbit, h hstore,
	         p point, ip inet, r int4range, tv tsvector, ai int[], an numeric(6,2)[], at text[], aby bytea[], ats timestamp[],
	         ah hstore[], pr shop.pair, ci circle)"
	sql 'CREATE PUBLICATION options FOR ALL TABLES'
	sql "SELECT pg_create_logical_replication_slot('base', 'pgoutput')" >/dev/null
	sql "INSERT INTO shop.t VALUES
	     (1, -9e18, true, 1.5, 1e300, 12.34, 1e-9, '-\$1.55', E'a\"b\\\\c', 'ab', 'abcdefgh', 'ok',
	      'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{\"a\": 1}', '{\"a\": 1}', '<a/>', '\\xfbff00', '0044-03-15 BC', '12:34:56.78',
	      '12:34:56+02', '1969-12-31 23:59:59.999999', '2020-02-29 12:34:56.789', '2020-02-29 12:34:56.789+02', '1 mon -2 days',
	      '1', '100000001', '101', 'a=>1, b=>NULL', '(1,2)', '10.0.0.1', '[1,5)', 'a:1 b:2', '{1,NULL}', '{1.5}', '{a,\"b,c\"}',
	      '{\"\\\\x01ff\"}', '{infinity}', '{\"a=>1\"}', '(1,x)', '<(0,0),1>');
	     INSERT INTO shop.t VALUES (2); INSERT INTO shop.t VALUES (3, 0, false, 'NaN', '-Infinity', 0, 'NaN')"
	local set n=0
	while read -r set; do
		n=$((n + 1))
		sql "SELECT pg_copy_logical_replication_slot('base', 'options$n')" >/dev/null
		# shellcheck disable=SC2086
		cdc-snapshot --schema shop $set "$PG_URL" >snapshot 2>/dev/null
		# shellcheck disable=SC2086
		cdc-tail --slot-name options$n --publication-name options --start earliest --until now --schema shop $set "$PG_URL" \
			>stream 2>/dev/null
		[ "$(wc -l <stream)" = 3 ]
		diff <(rows stream) <(rows snapshot) || { echo "with $set"; false; }
	done <<-'EOF'
		--decimal-handling-mode precise
		--preset plain
		--decimal-handling-mode double --time-precision-mode connect --binary-handling-mode base64-url-safe
		--time-precision-mode adaptive_time_microseconds --binary-handling-mode hex --hstore-handling-mode map
		--time-precision-mode microseconds --interval-handling-mode string --include-unknown-datatypes --money-fraction-digits 1
		--column-mask-with-3-chars .*\.(t|vc|e) --column-truncate-to-2-chars .*\.(by|c|j) --message-key-columns shop\.t:u,id
		--column-mask-hash-MD5-with-salt-s .* --exclude-column .*\.(d|ts)
	EOF
}
