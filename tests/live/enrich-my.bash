# The tests of cdc-enrich that MySQL and MariaDB have in common; enrich-mysql.bats and enrich-mariadb.bats say: load enrich-my
bats_require_minimum_version 1.5.0
load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR"
	my 'DROP DATABASE IF EXISTS shop; CREATE DATABASE shop'
	lookup=(--lookup 'shop.customers:.after.customer=id' --as c)
}
teardown() { kill_spawned; }

shop() { my "USE shop; $1"; }
change() { printf '{"cdc":{"topic":"orders","key":null},"after":%s,"op":"c"}\n' "$1"; }
enrich() { cdc-enrich --from "$MY_URL" "$@"; }

# running OPTION…: one that reads what is written on descriptor 7, with the look-up of shop.t.
running() {
	mkfifo fifo
	spawn enrich sh -c 'exec cdc-enrich --from "$0" --cache-size 0 "$@" --lookup "shop.t:.after.t=id" --as c <fifo' "$MY_URL" "$@"
	exec 7>fifo
}

# next KEY N: the N-th line's row.
next() {
	change "{\"t\":$1}" >&7
	wait_for "[ \"\$(wc -l <enrich.out)\" = $2 ]" 60
	tail -n 1 enrich.out | jq -c .c
}

# As cdc-tail prints the same row.
as_streamed() {
	shop "CREATE TABLE t (id int PRIMARY KEY, ts timestamp(3) NULL, d date, dt datetime, tm time(2), y year, f float, g double,
			n decimal(12,4) ZEROFILL, z int(8) ZEROFILL, u bigint unsigned, b binary(4), c char(4), g8 varchar(9) CHARACTER SET gbk,
			e enum('a','it''s','x\\\\y,z') CHARACTER SET latin1, s set('p','q'), bits bit(9), j json, p point, \`odd \"\`\`name\` bit(1));
		SET time_zone = '-05:00', sql_mode = '';
		INSERT INTO t VALUES (1, '2024-05-06 07:08:09.123', '0001-01-01', '2024-00-00', '-838:59:59.25', 2155, 1.1, -0e0, 12.5, 42,
				18446744073709551615, 'ab', 'x ', _utf8mb4'中', 'it''s', 'q,p', b'100000001',
				'{\"b\": [1, 2.50, 1e10, -0.0, 1e-7, null], \"a\": \"x, y: \\\\n\"}', POINT(1, -2), 1),
			(2, NULL, NULL, NULL, NULL, 0, 3.4e38, 1.7976931348623157e308, 0, 0, 0, '', '', '', 3, 0, 0, NULL, NULL, NULL),
			(3, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, '', '', '', 0, 0, 0, NULL, NULL, NULL)"
	cdc-snapshot --include-schema-changes=false --table 'shop\.t' "$MY_URL" >rows
	my "SET GLOBAL time_zone = '-05:00', GLOBAL sql_mode = 'ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES'"
	enrich --lookup 'shop.t:.after.id=id' --as c <rows >out
	my "SET GLOBAL time_zone = 'SYSTEM', GLOBAL sql_mode = ''"
	[ "$(jq -c '.after' out | wc -l)" = 3 ]
	diff <(jq -c .after out) <(jq -c .c out)
	diff <(cdc-snapshot --include-schema-changes=false --table 'shop\.t' --preset plain "$MY_URL" | jq -c .after) <(enrich --preset plain --lookup 'shop.t:.after.id=id' --as c <rows | jq -c .c)
	diff <(cdc-snapshot --include-schema-changes=false --table 'shop\.t' --bigint-unsigned-handling-mode precise --enable-time-adjuster=false "$MY_URL" | jq -c .after) \
		<(enrich --bigint-unsigned-handling-mode precise --enable-time-adjuster=false --lookup 'shop.t:.after.id=id' --as c <rows | jq -c .c)
	[ "$(change '{"t":2}' | enrich --lookup 'shop.t:.after.t=id' --as c --select 'z,id' | jq -c .c)" = '{"z":0,"id":2}' ]
	[ "$(change '{"t":9}' | enrich --lookup 'shop.t:.after.t=id' --as c | jq -c .c)" = null ]
	# A table of the URL's database, a view.
	shop 'CREATE VIEW v AS SELECT id, z FROM t'
	[ "$(change '{"t":1}' | cdc-enrich --from "$MY_URL/shop" --lookup 'v:.after.t=id' --as c | jq -c .c)" = '{"id":1,"z":42}' ]
	run -2 enrich --lookup 'v:.after.t=id' --as c
	[[ $output == *'table "v" is in no database'* ]]
}

# Whatever the column's type is, the server's equality.
keys() {
	shop "CREATE TABLE k (n tinyint, u bigint unsigned, d decimal(30,2), f double, t varchar(9) CHARACTER SET latin1, x varchar(9) COLLATE utf8mb4_bin,
			dt datetime(3), b varbinary(9), e enum('a','b'), bit1 bit(1), y year);
		INSERT INTO k VALUES (-128, 18446744073709551615, 12345678901234567890.50, 0.5, 'Gräce', 'Q''\\\\', '2020-01-02 03:04:05.5', 'q', 'b', 1, 2020)"
	found() { change "{\"k\":$2}" | enrich --lookup "shop.k:.after.k=$1" --select y --as c | jq -c .c; }
	local yes='{"y":2020}'
	[ "$(found n -128)" = "$yes" ]
	[ "$(found u 18446744073709551615)" = "$yes" ]
	[ "$(found d '"12345678901234567890.5"')" = "$yes" ]
	[ "$(found d '"12345678901234567890.4"')" = null ]
	[ "$(found f 5e-1)" = "$yes" ]
	[ "$(found t '"GRÄCE"')" = "$yes" ] # the column's collation
	[ "$(found t '"中"' 2>/dev/null)" != "$yes" ] # MariaDB: none for the column
	[ "$(found x "\"Q'\\\\\"")" = "$yes" ]
	[ "$(found x "\"q'\\\\\"")" = null ]
	[ "$(found dt '"2020-01-02 03:04:05.500"')" = "$yes" ]
	[ "$(found b '"q"')" = "$yes" ]
	[ "$(found b '"Q"')" = null ]
	[ "$(found e '"b"')" = "$yes" ]
	[ "$(found e '"z"')" = null ]
	[ "$(found bit1 true)" = "$yes" ]
	[ "$(found y 2020)" = "$yes" ]
	# Each of two lines whose keys are equal to the server alone.
	[ "$({ change '{"k":"gräce"}'; change '{"k":"GRÄCE"}'; change '{"k":"x"}'; } | enrich --lookup 'shop.k:.after.k=t' --select n --as c | jq -c .c)" = \
		$'{"n":-128}\n{"n":-128}\nnull' ]
	local bad
	for bad in 'n 300' 'n "1x"' 'n 1.5' 'u -1' 'd "x"' 'dt "yesterday"' 'bit1 2'; do
		change "{\"k\":${bad#* }}" >in
		run -3 enrich --lookup "shop.k:.after.k=${bad%% *}" --as c <in
		[[ $output == *"the line's key for it is none for its column"* ]]
	done
	# Keys of several columns, in several queries, on several connections.
	shop "CREATE TABLE prices (sku varchar(9), country char(2), price int, PRIMARY KEY (sku, country));
		INSERT INTO prices WITH RECURSIVE i AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM i WHERE i < 999) SELECT concat('s', i), if(i % 2, 'de', 'fr'), i FROM i"
	local i
	for i in {1..999}; do change "{\"sku\":\"s$i\",\"country\":\"de\",\"i\":$i}"; done >in
	enrich --batch 999 --jobs 3 --lookup 'shop.prices:.after.sku=sku,.after.country=country' --select price --as p <in >out
	diff <(jq -c '[.after.i, .p.price]' out) <(jq -nc 'range(1; 1000) | [., if . % 2 == 1 then . else null end]')
	run -2 enrich --lookup 'shop.k:.after.k=nobody' --as c
	[[ $output == *'has no column "nobody"'* ]]
	run -2 enrich --lookup 'shop.k:.after.k=n' --select nobody --as c
	run -2 enrich --lookup 'shop.nothing:.after.k=n' --as c
	[[ $output == *"shop.nothing"* ]]
}

alone() {
	shop "CREATE TABLE customers (id int PRIMARY KEY, name text); INSERT INTO customers VALUES (1, 'Ada'), (2, 'Grace')"
	{ for i in $(seq 50); do change '{"customer":1}'; done; change '{"customer":"x"}'; change '{"customer":2}'; } >in
	run -1 --separate-stderr enrich --quiet --reject refused "${lookup[@]}" <in
	[ "$(jq -r 'select(.c.id) | 1' <<<"$output" | wc -l)" = 51 ]
	[ "$(jq -r .line refused)" = 51 ]
}

# Prepared once for a connection, by IN.
prepared() {
	shop "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)"
	my "SET GLOBAL log_output = 'TABLE', GLOBAL general_log = 1"
	running --jobs 1
	next 1 1
	next 2 2
	exec 7>&-
	my 'SET GLOBAL general_log = 0'
	logged() { my "SELECT count(*) FROM mysql.general_log WHERE argument LIKE '$1'"; }
	[ "$(logged 'PREPARE cdc_enrich FROM%')" = 1 ]
	[ "$(logged '%SELECT CASE%IN (?%')" -ge 1 ]
	[ "$(logged 'EXECUTE cdc_enrich%')" -ge 2 ]
}

changed() {
	shop "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 7)"
	running --jobs 1 --reject refused
	[ "$(next 1 1)" = '{"id":1,"v":7}' ]
	shop 'ALTER TABLE t MODIFY v decimal(5,1)' 7>&-
	[ "$(next 1 2)" = '{"id":1,"v":"Rg=="}' ]
	shop "ALTER TABLE t ADD w enum('old', 'new') DEFAULT 'new', MODIFY v varchar(9)" 7>&-
	[ "$(next 1 3)" = '{"id":1,"v":"7.0","w":"new"}' ]
	shop "ALTER TABLE t MODIFY w enum('zero', 'new', 'old')" 7>&-
	[ "$(next 1 4)" = '{"id":1,"v":"7.0","w":"new"}' ]
	shop "ALTER TABLE t MODIFY id bigint; INSERT INTO t VALUES (5000000000, 'far', 'old')" 7>&-
	[ "$(next 5000000000 5)" = '{"id":5000000000,"v":"far","w":"old"}' ]
	shop "ALTER TABLE t MODIFY id varchar(20)" 7>&-
	[ "$(next '"1"' 6)" = '{"id":"1","v":"7.0","w":"new"}' ]
	shop 'ALTER TABLE t DROP id' 7>&-
	change '{"t":"1"}' >&7
	exec 7>&-
	status=0
	wait "$PID" || status=$?
	[ "$status" = 2 ]
	[[ $(cat enrich.err) == *'table "shop.t" has no column "id"'* ]]
	[ ! -s refused ]
}

gone() {
	my 'SET GLOBAL innodb_flush_log_at_trx_commit = 1' # what is committed outlives kill -9
	shop "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)"
	running
	next 1 1
	"$SERVERS/$MY_KIND" kill9 "$MY_DIR"
	change '{"t":2}' >&7
	wait_for 'grep -q "waiting for it" enrich.err' 60
	"$SERVERS/$MY_KIND" restart "$MY_DIR" 3>&- 7>&-
	wait_for '[ "$(wc -l <enrich.out)" = 2 ]' 60
	# A connection that somebody ends.
	local id
	id=$(my "SELECT id FROM information_schema.processlist WHERE user = 'cdc' LIMIT 1" 7>&-)
	my "KILL $id" 7>&-
	next 1 3
	exec 7>&-
	wait "$PID"
	[ "$(jq -c .c enrich.out)" = $'{"id":1}\n{"id":2}\n{"id":1}' ]
	# At the start, too; what will not pass is an error at once.
	spawn away cdc-enrich --drain-timeout 100ms --from "$MY_KIND://cdc@127.0.0.1:1/x" "${lookup[@]}"
	wait_for 'grep -q "cannot connect.*waiting for it" away.err' 60
	kill -TERM "$PID"
	local status=0
	wait "$PID" || status=$?
	[ "$status" = 4 ]
	echo cdc >password
	change '{"t":2}' | cdc-enrich --from "${MY_URL/cdc:cdc/cdc}" --password-file password --lookup 'shop.t:.after.t=id' --as c | jq -e .c.id
	run -2 cdc-enrich --from "${MY_URL/cdc:cdc/cdc:wrong-secret}" --lookup 'shop.t:.after.t=id' --as c
	[[ $output != *secret* ]]
}
