# The tests of cdc-tail that MySQL and MariaDB have in common; mysql.bats and mariadb.bats say: load my
#
# A test's tables are in the database shop, its offset folder is $OFFSET.
load tail

setup() {
	OFFSET=$BATS_TEST_TMPDIR/shop.offset
	my 'DROP DATABASE IF EXISTS shop; CREATE DATABASE shop'
}
teardown() { kill_spawned; }

shop() { my "USE shop; $1"; }
ids() { jq -r 'select(.op) | (.after // .before).id' | paste -sd' '; }

# FILE:POSITION of the log's end.
log_end() {
	{ my 'SHOW BINARY LOG STATUS' 2>/dev/null || my 'SHOW MASTER STATUS'; } | awk '{ print $1 ":" $2 }'
}
gtids() {
	if [ "$MY_KIND" = mysql ]; then my 'SELECT @@global.gtid_executed'; else my 'SELECT @@gtid_binlog_pos'; fi
}

next_second() { wait_for '[ "$(date +%s)" != '"$(date +%s)"' ]'; }

# from PLACE [OPTION…]: the ids that came since.
from() { cdc-tail --table 'shop\..*' --start "$1" --until now --quiet "${@:2}" "$MY_URL" | ids; }

# pipeline OPTION…: a run whose sink acknowledges everything; what it saw is added to seen.
pipeline() {
	cdc-tail --offset "$OFFSET" --table 'shop\..*' "$@" "$MY_URL" | tee -a "$BATS_TEST_TMPDIR/seen" | ack_all |
		cdc-offset commit "$OFFSET" --interval 50ms
}

places() {
	shop 'CREATE TABLE t (id int PRIMARY KEY)'
	local i
	for i in 1 2 3 4 5 6; do
		END[i]=$(log_end)
		GTIDS[i]=$(gtids)
		# MariaDB's log counts seconds.
		[ $i != 4 ] || [ "$MY_KIND" = mysql ] || next_second
		TIME[i]=$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)
		[ "$MY_KIND" = mysql ] || TIME[i]=${TIME[i]%.*}Z
		shop "INSERT INTO t VALUES ($i)"
	done
	cdc-tail --table 'shop\..*' --start "${END[1]}" --until now --quiet "$MY_URL" >"$BATS_TEST_TMPDIR/six"
	token() { jq -r "select(.after.id == $1) | .cdc.pos" "$BATS_TEST_TMPDIR/six"; }
	[ "$(from latest)" = '' ]
	[ "$(from "${END[1]}")" = '1 2 3 4 5 6' ]
	[[ "$(from earliest)" = *'1 2 3 4 5 6' ]]
	[ "$(from "$(token 4)")" = '5 6' ]
	[ "$(from "${END[4]}")" = '4 5 6' ]
	[ "$(from "${TIME[4]}")" = '4 5 6' ]
	[ "$(from "${GTIDS[4]}")" = '4 5 6' ]
	ends_at() { cdc-tail --table 'shop\..*' --start "${END[1]}" --until "$1" --quiet "$MY_URL" | ids; }
	[ "$(ends_at "$(token 4)")" = '1 2 3 4' ]
	[ "$(ends_at "${END[4]}")" = '1 2 3' ]
	run -2 cdc-tail --start nowhere "$MY_URL"
	[[ $output == *'--start: "nowhere" is no place in the log'* ]]
	run -5 cdc-tail --start binlog.000999:4 "$MY_URL"
	[[ $output == *'it is in file 999 at 4, which this server does not have'* ]]
}

within_a_transaction() {
	shop 'CREATE TABLE t (id int PRIMARY KEY, v int)'
	local start
	start=$(log_end)
	shop 'BEGIN; INSERT INTO t VALUES (1, 1), (2, 2), (3, 3); UPDATE t SET v = 0; UPDATE t SET id = 4 WHERE id = 1;
		DELETE FROM t WHERE id = 2; COMMIT'
	cdc-tail --table 'shop\..*' --start "$start" --until now --quiet "$MY_URL" >"$BATS_TEST_TMPDIR/all"
	rises <"$BATS_TEST_TMPDIR/all"
	[ "$(jq -r '.op' "$BATS_TEST_TMPDIR/all" | paste -sd' ')" = 'c c c u u u d c d' ]
	# From each of the tokens on: what follows it, and the same tokens.
	local n token
	for n in 1 2 3 4 5 6 7 8 9; do
		token=$(sed -n "${n}p" "$BATS_TEST_TMPDIR/all" | jq -r .cdc.pos)
		cdc-tail --table 'shop\..*' --start "$token" --until now --quiet "$MY_URL" | jq -r .cdc.pos |
			diff - <(tail -n +$((n + 1)) "$BATS_TEST_TMPDIR/all" | jq -r .cdc.pos)
	done
	# A filter changes none.
	cdc-tail --table 'shop\..*' --skipped-operations u,t --start "$start" --until now --quiet "$MY_URL" | jq -r .cdc.pos |
		diff - <(jq -r 'select(.op != "u" and (.cdc.headers | not)) | .cdc.pos' "$BATS_TEST_TMPDIR/all")
}

folder() {
	shop 'CREATE TABLE t (id int PRIMARY KEY)'
	pipeline --until now
	shop 'INSERT INTO t VALUES (1), (2)'
	pipeline --until now
	my 'FLUSH BINARY LOGS'
	shop 'INSERT INTO t VALUES (3)'
	run pipeline --until now --start earliest
	[[ $output == *'--start does not apply'* ]]
	[ "$(ids <"$BATS_TEST_TMPDIR/seen")" = '1 2 3' ]
	[ "$(jq -r '.cdc.source // empty' "$BATS_TEST_TMPDIR/seen" | sort -u | wc -l)" = 1 ]
	[ "$(jq -r .kind "$OFFSET/source")" = "$MY_KIND" ]
	# Not acknowledged: it comes again, with the same tokens.
	shop 'INSERT INTO t VALUES (4), (5)'
	again() { cdc-tail --offset "$OFFSET" --table 'shop\..*' --until now "$MY_URL" | jq -c 'select(.op) | [.cdc.pos, .after.id]'; }
	local first
	first=$(again)
	[ "$(again)" = "$first" ]
	[ "$(jq -s length <<<"$first")" = 2 ]
	# A folder that began behind a GTID set, before anything was acknowledged, and after.
	OFFSET=$BATS_TEST_TMPDIR/gtid.offset
	first=$(gtids)
	shop 'INSERT INTO t VALUES (6)'
	[ "$(cdc-tail --offset "$OFFSET" --start "$first" --table 'shop\..*' --until now "$MY_URL" | ids)" = 6 ]
	[ "$(cdc-tail --offset "$OFFSET" --table 'shop\..*' --until now "$MY_URL" | ids)" = 6 ]
	pipeline --until now
	shop 'INSERT INTO t VALUES (7)'
	[ "$(cdc-tail --offset "$OFFSET" --table 'shop\..*' --until now "$MY_URL" | ids)" = 7 ]
}

lost() {
	shop 'CREATE TABLE t (id int PRIMARY KEY)'
	pipeline --until now
	my 'FLUSH BINARY LOGS'
	shop 'INSERT INTO t VALUES (1)'
	# MariaDB keeps a file that a connection which ends just now still reads.
	wait_for 'my "PURGE BINARY LOGS TO '"'$(log_end | cut -d: -f1)'"'"; [ "$(my "SHOW BINARY LOGS" | wc -l)" = 1 ]' 60
	run -5 cdc-tail --offset "$OFFSET" --until now "$MY_URL"
	[[ $output == *'the position is lost: it is in file'*"which this server does not have (any more); the server's log begins with"* ]]
	[[ $output == *"cdc-offset set --force $OFFSET my/2/l/0/0/0/0"* ]]
	cdc-offset set --force "$OFFSET" my/2/l/0/0/0/0
	[ "$(cdc-tail --offset "$OFFSET" --start earliest --table 'shop\..*' --until now "$MY_URL" | ids)" = 1 ]
}

# The log begun anew, and grown past the old position: the same file's name, other content.
reset() {
	shop 'CREATE TABLE t (id int PRIMARY KEY)'
	OFFSET=$BATS_TEST_TMPDIR/reset.offset
	my "$RESET"
	shop 'INSERT INTO t VALUES (1)'
	pipeline --until now --start earliest
	[ "$(ids <"$BATS_TEST_TMPDIR/seen")" = 1 ]
	next_second
	my "$RESET"
	local i
	for i in 2 3 4 5 6 7; do shop "INSERT INTO t VALUES ($i)"; done
	run -5 cdc-tail --offset "$OFFSET" --until now "$MY_URL"
	[[ $output == *"the server's log was begun anew"* || $output == *'has not written that far'* ]]
}

running() {
	shop 'CREATE TABLE t (id int PRIMARY KEY)'
	spawn tail cdc-tail --control --table 'shop\..*' "$MY_URL"
	local tail=$PID
	wait_for "grep -q '\"control\":\"start\"' '$(file tail)'" 60
	shop 'INSERT INTO t VALUES (1)'
	has tail '"after":{"id":1}'
	# The server goes and comes back; the log has a new file.
	"$SERVERS/$MY_KIND" restart "$MY_DIR" 3>&-
	shop 'INSERT INTO t VALUES (2)'
	has tail '"after":{"id":2}'
	[[ $(cat "$(errors tail)") == *'connecting again'* ]]
	kill -TERM $tail
	ends $tail 0
	[ "$(jq -r 'select(.op) | .after.id' "$(file tail)" | paste -sd' ')" = '1 2' ]
	[ "$(tail -n 1 "$(file tail)" | jq -r '.cdc.control, .cdc.status' | paste -sd' ')" = 'end 0' ]
	rises <"$(file tail)"
}

idle_and_count() {
	shop 'CREATE TABLE t (id int PRIMARY KEY)'
	local start
	start=$(log_end)
	shop 'INSERT INTO t VALUES (1), (2), (3)'
	shop 'INSERT INTO t VALUES (4)'
	[ "$(cdc-tail --table 'shop\..*' --start "$start" --count 2 "$MY_URL" | ids)" = '1 2 3' ]
	[ "$(cdc-tail --table 'shop\..*' --start "$start" --idle 300ms "$MY_URL" | ids)" = '1 2 3 4' ]
}

# Multi-table RENAME as gh-ost and pt-osc do it, DROP and re-CREATE, columns that move: rows as they were logged.
definitions() {
	local start
	start=$(log_end)
	shop "CREATE TABLE a (id int PRIMARY KEY, v varchar(9)); INSERT INTO a VALUES (1, 'a');
		CREATE TABLE _a_new (id int PRIMARY KEY, n int, v varchar(9)); INSERT INTO _a_new VALUES (1, 7, 'a');
		RENAME TABLE a TO _a_old, _a_new TO a; INSERT INTO a VALUES (2, 8, 'b'); UPDATE _a_old SET v = 'old';
		DROP TABLE _a_old; ALTER TABLE a MODIFY v varchar(9) FIRST; INSERT INTO a VALUES ('c', 3, 9);
		DROP TABLE a; CREATE TABLE a (id varchar(9) PRIMARY KEY); INSERT INTO a VALUES ('x')"
	run cdc-tail --database shop --include-schema-changes=false --start "$start" --until now --topic-prefix s --quiet "$MY_URL"
	diff <(short <<<"$output") - <<-'EOF'
		c s.shop.a {"id":1} null {"id":1,"v":"a"}
		c s.shop._a_new {"id":1} null {"id":1,"n":7,"v":"a"}
		c s.shop.a {"id":2} null {"id":2,"n":8,"v":"b"}
		u s.shop._a_old {"id":1} {"id":1,"v":"a"} {"id":1,"v":"old"}
		c s.shop.a {"id":3} null {"v":"c","id":3,"n":9}
		c s.shop.a {"id":"x"} null {"id":"x"}
	EOF
}

# Schema changes: which, in which words, and each with a token of its own.
schema_changes() {
	local start
	start=$(log_end)
	shop "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, v varchar(9) CHARACTER SET latin1 DEFAULT 'it''s');
		CREATE TABLE u (x int NOT NULL); CREATE INDEX plain ON u (x); CREATE UNIQUE INDEX is_key ON u (x); CREATE UNIQUE INDEX beside ON a (id);
		RENAME TABLE a TO a_old, b TO a; DROP TABLE IF EXISTS a_old, a; CREATE TEMPORARY TABLE mine (id int);
		CREATE VIEW seen AS SELECT x FROM u; ALTER DATABASE CHARACTER SET latin1; CREATE DATABASE \`shop 2\`; DROP DATABASE \`shop 2\`"
	my "SET NAMES latin1; USE shop; CREATE TABLE caf"$'\xe9'" (\`"$'\xfc'"\` int)" --default-character-set=latin1
	changes() {
		cdc-tail --topic-prefix s --start "$start" --until now --quiet "$@" "$MY_URL" | tee "$BATS_TEST_TMPDIR/lines" |
			jq -r 'select(.ddl) | "\(.databaseName) \(.source.table) \(.ddl) \(.tableChanges | map(.type + " " + .id + " " + (.table.columns // [] | map(.name) | join(","))))"'
	}
	diff <(changes --table 'shop\.a') - <<-'EOF'
		shop a CREATE TABLE a (id int PRIMARY KEY) ["CREATE \"shop\".\"a\" "]
		shop b CREATE TABLE b (id int PRIMARY KEY, v varchar(9) CHARACTER SET latin1 DEFAULT 'it''s') ["CREATE \"shop\".\"b\" "]
		shop u CREATE TABLE u (x int NOT NULL) ["CREATE \"shop\".\"u\" x"]
		shop null CREATE INDEX plain ON u (x) []
		shop u CREATE UNIQUE INDEX is_key ON u (x) ["ALTER \"shop\".\"u\" x"]
		shop null CREATE UNIQUE INDEX beside ON a (id) []
		shop a_old,a RENAME TABLE a TO a_old ["ALTER \"shop\".\"a_old\" "]
		shop a_old,a RENAME TABLE b TO a ["ALTER \"shop\".\"a\" "]
		shop a_old,a DROP TABLE IF EXISTS `shop`.`a_old` ["DROP \"shop\".\"a_old\" "]
		shop a_old,a DROP TABLE IF EXISTS `shop`.`a` ["DROP \"shop\".\"a\" "]
		shop null ALTER DATABASE CHARACTER SET latin1 []
		shop 2 null CREATE DATABASE `shop 2` []
		shop 2 null DROP DATABASE `shop 2` []
		shop café CREATE TABLE café (`ü` int) ["CREATE \"shop\".\"café\" ü"]
	EOF
	rises <"$BATS_TEST_TMPDIR/lines"
	# What is left out changes no token, and going on from one skips no other.
	local pos
	pos=$(jq -r 'select(.ddl | startswith("RENAME TABLE a")) | .cdc.pos' "$BATS_TEST_TMPDIR/lines")
	[ "$(cdc-tail --start "$pos" --until now --quiet "$MY_URL" | jq -r .ddl | head -n 1)" = 'RENAME TABLE b TO a' ]
	[ "$(changes --table 'shop\.b' --store-only-captured-tables-ddl | cut -d' ' -f1-3 | paste -sd,)" = \
		'shop b CREATE,shop null ALTER,shop 2 null,shop 2 null' ]
	[ "$(changes --database 'shop 2' --schema-history-internal-store-only-captured-databases-ddl | cut -d' ' -f1-4 | paste -sd,)" = \
		'shop 2 null CREATE,shop 2 null DROP' ]
	[ "$(changes --include-schema-changes=false)" = '' ]
}

# A field of the value's schema a line: its name and the rest, of the schema lines of table t.
fields() {
	jq -r 'select(.cdc.control == "schema" and .cdc.topic == "mysql.shop.t") | .cdc.value.fields[1].fields[] |
		"\(.field) \(del(.field) | tojson)"'
}

with_schema() {
	local start more='' want=''
	start=$(log_end)
	if [ "$MY_KIND" = mysql ]; then
		more=', ve vector(3)'
		want='ve {"type":"array","items":{"type":"float","optional":false},"optional":true,"name":"io.debezium.data.FloatVector","version":1}'
	else
		more=', ui uuid, i4 inet4'
		want='ui {"type":"string","optional":true,"name":"io.debezium.data.Uuid","version":1}
i4 {"type":"string","optional":true}'
	fi
	shop "CREATE TABLE t (id int PRIMARY KEY, ti tinyint unsigned NOT NULL DEFAULT 7, sm smallint unsigned, me mediumint, iu int unsigned,
			bi bigint unsigned DEFAULT 3, f float DEFAULT 1.5, f2 float(7,3), d double, n decimal(7,3) NOT NULL DEFAULT 1.25, b1 bit DEFAULT b'1',
			b9 bit(9) DEFAULT b'100000001', y year DEFAULT 2024, da date DEFAULT '2020-01-02', tm time(3) DEFAULT '-01:00:00', dt datetime DEFAULT CURRENT_TIMESTAMP,
			d6 datetime(6) DEFAULT '2020-01-02 03:04:05.678901', ts timestamp(2) NOT NULL DEFAULT CURRENT_TIMESTAMP(2), tn timestamp NULL DEFAULT CURRENT_TIMESTAMP,
			v varchar(9) CHARACTER SET latin1 DEFAULT 'é''x', vb varbinary(9) DEFAULT 'ab', tx text, e enum('a','b,c') DEFAULT 'b,c', s set('p','q') DEFAULT 'p,q',
			p point, g geometry, gen int AS (id + 1)$more); INSERT INTO t (id) VALUES (1)"
	cdc-tail --table 'shop\.t' --with-schema --control --start "$start" --until now "$MY_URL" >"$BATS_TEST_TMPDIR/lines"
	grep -v '"control":"schema"' "$BATS_TEST_TMPDIR/lines" | rises
	fields <"$BATS_TEST_TMPDIR/lines" | diff - <(cat <<-EOF
		id {"type":"int32","optional":false}
		ti {"type":"int16","optional":false,"default":7}
		sm {"type":"int32","optional":true}
		me {"type":"int32","optional":true}
		iu {"type":"int64","optional":true}
		bi {"type":"int64","optional":true,"default":3}
		f {"type":"float","optional":true,"default":1.5}
		f2 {"type":"double","optional":true}
		d {"type":"double","optional":true}
		n {"type":"bytes","optional":false,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"3","connect.decimal.precision":"7"},"default":"BOI="}
		b1 {"type":"boolean","optional":true,"default":true}
		b9 {"type":"bytes","optional":true,"name":"io.debezium.data.Bits","version":1,"parameters":{"length":"9"},"default":"AQE="}
		y {"type":"int32","optional":true,"name":"io.debezium.time.Year","version":1,"default":2024}
		da {"type":"int32","optional":true,"name":"io.debezium.time.Date","version":1,"default":18263}
		tm {"type":"int64","optional":true,"name":"io.debezium.time.MicroTime","version":1,"default":-3600000000}
		dt {"type":"int64","optional":true,"name":"io.debezium.time.Timestamp","version":1,"default":0}
		d6 {"type":"int64","optional":true,"name":"io.debezium.time.MicroTimestamp","version":1,"default":1577934245678901}
		ts {"type":"string","optional":false,"name":"io.debezium.time.ZonedTimestamp","version":1,"default":"1970-01-01T00:00:00.00Z"}
		tn {"type":"string","optional":true,"name":"io.debezium.time.ZonedTimestamp","version":1}
		v {"type":"string","optional":true,"default":"é'x"}
		vb {"type":"bytes","optional":true,"default":"YWI="}
		tx {"type":"string","optional":true}
		e {"type":"string","optional":true,"name":"io.debezium.data.Enum","version":1,"parameters":{"allowed":"a,b\\\\,c"},"default":"b,c"}
		s {"type":"string","optional":true,"name":"io.debezium.data.EnumSet","version":1,"parameters":{"allowed":"p,q"},"default":"p,q"}
		p {"type":"struct","fields":[{"type":"double","optional":false,"field":"x"},{"type":"double","optional":false,"field":"y"},{"type":"bytes","optional":true,"field":"wkb"},{"type":"int32","optional":true,"field":"srid"}],"optional":true,"name":"io.debezium.data.geometry.Point","version":1,"doc":"Geometry (POINT)"}
		g {"type":"struct","fields":[{"type":"bytes","optional":false,"field":"wkb"},{"type":"int32","optional":true,"field":"srid"}],"optional":true,"name":"io.debezium.data.geometry.Geometry","version":1,"doc":"Geometry"}
		gen {"type":"int32","optional":true}
	EOF
	echo "$want")
	# Each topic has its schema in front of its first line; the key's has the key's columns.
	jq -r 'select(.cdc.topic) | "\(.cdc.control // "line") \(.cdc.topic)"' "$BATS_TEST_TMPDIR/lines" | diff - <(
		printf '%s\n' 'schema mysql' 'line mysql' 'schema mysql.shop.t' 'line mysql.shop.t')
	[ "$(jq -c 'select(.cdc.topic == "mysql.shop.t" and .cdc.control).cdc.key' "$BATS_TEST_TMPDIR/lines")" = \
		'{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"}],"optional":false,"name":"mysql.shop.t.Key"}' ]
	# A snapshot's rows have the stream's schema.
	cdc-snapshot --table 'shop\.t' --with-schema --control "$MY_URL" | jq -c 'select(.cdc.control == "schema") | del(.cdc.pos)' |
		diff - <(jq -c 'select(.cdc.control == "schema") | del(.cdc.pos)' "$BATS_TEST_TMPDIR/lines")
	# The modes' types, and a changed table's.
	start=$(log_end)
	shop 'ALTER TABLE t DROP COLUMN ti; INSERT INTO t (id) VALUES (2)'
	cdc-tail --table 'shop\.t' --with-schema --control --decimal-handling-mode string --time-precision-mode isostring --binary-handling-mode hex \
		--bigint-unsigned-handling-mode precise --start "$start" --until now "$MY_URL" | fields | cut -d, -f1-3 |
		grep -E '^(ti|bi|n|da|tm|d6|ts|vb) ' | diff - <(cat <<-'EOF'
			bi {"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal"
			n {"type":"string","optional":false,"default":"1.250"}
			da {"type":"string","optional":true,"name":"io.debezium.time.IsoDate"
			tm {"type":"string","optional":true,"name":"io.debezium.time.IsoTime"
			d6 {"type":"string","optional":true,"name":"io.debezium.time.IsoTimestamp"
			ts {"type":"string","optional":false,"name":"io.debezium.time.ZonedTimestamp"
			vb {"type":"string","optional":true,"default":"6162"}
		EOF
		)
}

# binlog_row_metadata=MINIMAL: the catalog's names, as long as they are the rows'.
metadata_catalog() {
	local start row="SELECT id + 1, u, b, f, n, v, l, x, vb, e, s, d, dt, ts, bits, p, j FROM t WHERE id = 1"
	shop "CREATE TABLE t (id int PRIMARY KEY, u int unsigned, b bigint unsigned, f float, n decimal(9,3), v varchar(20) CHARACTER SET utf8mb4, l varchar(20) CHARACTER SET latin1,
			x text CHARACTER SET gbk, vb varbinary(9), e enum('a','é'), s set('p','q'), d date, dt datetime(3), ts timestamp(6) NULL, bits bit(9), p point, j json)"
	start=$(log_end)
	shop "INSERT INTO t VALUES (1, 4294967295, 18446744073709551615, 1.5, -1.25, '汉', 'é', '汉', x'00ff', 'é', 'p,q', '2020-01-02',
			'2020-01-02 03:04:05.678', '2020-01-02 03:04:05.678901', b'100000001', POINT(1, 2), '[1]')"
	my "SET GLOBAL binlog_row_metadata = MINIMAL"
	shop "INSERT INTO t $row"
	catalog() { cdc-tail --table 'shop\.[tu]' --metadata catalog --include-schema-changes=false --until now --start "$@" "$MY_URL"; }
	run --separate-stderr catalog "$start"
	[ "$status" = 0 ]
	[[ $stderr == *'binlog_row_metadata is MINIMAL: the columns'*'may bear wrong names'* ]]
	jq -c '[(.cdc.key | keys), .cdc.topic]' <<<"$output" | sort -u | diff - <(echo '[["id"],"mysql.shop.t"]')
	diff <(head -n 1 <<<"$output" | jq -c '.after | .id = 2') <(tail -n 1 <<<"$output" | jq -c .after)
	run -2 cdc-tail --table 'shop\.t' --until now --start "$start" "$MY_URL"
	[[ $output == *'binlog_row_metadata is MINIMAL, needed is FULL'* ]]
	run -2 cdc-tail --table 'shop\.t' --metadata other "$MY_URL"
	[[ $output == *'--metadata takes log or catalog'* ]]
	# A change in the range still to be read: columns of one type that change places, another number, another type.
	shop 'CREATE TABLE u (id int PRIMARY KEY, a int, b int)'
	start=$(log_end)
	shop 'INSERT INTO u VALUES (1, 2, 3); ALTER TABLE u MODIFY b int AFTER id'
	run -3 catalog "$start"
	[[ $output == *'ALTER TABLE u'*'a captured table was changed before its rows were read'*'may bear wrong names'* ]]
	start=$(log_end)
	shop 'INSERT INTO u VALUES (2, 3, 4); ALTER TABLE u ADD c int'
	run -3 catalog "$start"
	[[ $output == *'table shop.u: '*'the log has 3 columns, the catalog 4'*'the table was changed since'* ]]
	start=$(log_end)
	shop 'INSERT INTO u VALUES (3, 4, 5, 6); ALTER TABLE u MODIFY c varchar(9)'
	run -3 catalog "$start"
	[[ $output == *'column 4 is another in the log than in the catalog, where it is c'* ]]
	# Changes that are read as they come are none.
	spawn tail cdc-tail --control --table 'shop\.u' --metadata catalog "$MY_URL"
	local tail=$PID i=0 column
	wait_for "grep -q '\"control\":\"start\"' '$(file tail)'" 60
	lines() { grep -c -e "$1" "$(file tail)"; }
	for column in a b a; do
		i=$((i + 1))
		shop "ALTER TABLE u MODIFY $column int AFTER id"
		wait_for '[ "$(lines MODIFY)" = '$i' ]' 60
		shop "INSERT INTO u (id, a, b) VALUES ($((i + 10)), 10, 20)"
		wait_for '[ "$(lines ts_ns)" -ge '$i' ] && [ "$(lines "\"op\":\"c\"")" = '$i' ]' 60
	done
	kill -TERM $tail
	ends $tail 0
	[ "$(jq -c 'select(.op).after | [.a, .b]' "$(file tail)" | sort -u)" = '[10,20]' ]
	my "SET GLOBAL binlog_row_metadata = FULL"
}

# one COLUMNS VALUES: the row's after with each set of options that follows, a line each.
one() {
	local start options
	shop "DROP TABLE IF EXISTS one"
	shop "CREATE TABLE one ($1) CHARACTER SET utf8mb4"
	start=$(log_end)
	shop "SET sql_mode = ''; INSERT INTO one VALUES ($2)"
	for options in "${@:3}"; do
		# shellcheck disable=SC2086 # several words
		cdc-tail --table 'shop\.one' --start "$start" --until now --quiet $options "$MY_URL" | grep -o '"after":{[^}]*}' | cut -c9-
	done
}

# Each value of each option that says how values look.
option_values() {
	diff <(one 'a bigint unsigned' 18446744073709551615 '' '--bigint-unsigned-handling-mode long' '--bigint-unsigned-handling-mode precise') - <<-'EOF'
		{"a":-1}
		{"a":-1}
		{"a":"AP//////////"}
	EOF
	diff <(one 'a decimal(6,2)' "-1.50" '' '--decimal-handling-mode precise' '--decimal-handling-mode string' '--decimal-handling-mode double') - <<-'EOF'
		{"a":"/2o="}
		{"a":"/2o="}
		{"a":"-1.50"}
		{"a":-1.5}
	EOF
	diff <(one 'a varbinary(9)' "x'fbff00'" '' '--binary-handling-mode bytes' '--binary-handling-mode base64' '--binary-handling-mode base64-url-safe' '--binary-handling-mode hex') - <<-'EOF'
		{"a":"+/8A"}
		{"a":"+/8A"}
		{"a":"+/8A"}
		{"a":"-_8A"}
		{"a":"fbff00"}
	EOF
	diff <(one 'd date, t time(4), m datetime(3), u datetime(6), z timestamp(2) NULL' "'1970-01-02', '01:00:00.5', '1970-01-01 00:00:01.5', '1970-01-01 00:00:01.5', '2000-01-02 03:04:05.6'" \
		'' '--time-precision-mode adaptive_time_microseconds' '--time-precision-mode connect' '--time-precision-mode isostring' \
		'--time-precision-mode microseconds' '--time-precision-mode nanoseconds') - <<-'EOF'
		{"d":1,"t":3600500000,"m":1500,"u":1500000,"z":"2000-01-02T03:04:05.60Z"}
		{"d":1,"t":3600500000,"m":1500,"u":1500000,"z":"2000-01-02T03:04:05.60Z"}
		{"d":1,"t":3600500,"m":1500,"u":1500,"z":"2000-01-02T03:04:05.60Z"}
		{"d":"1970-01-02Z","t":"01:00:00.5Z","m":"1970-01-01T00:00:01.5Z","u":"1970-01-01T00:00:01.5Z","z":"2000-01-02T03:04:05.60Z"}
		{"d":1,"t":3600500000,"m":1500000,"u":1500000,"z":"2000-01-02T03:04:05.60Z"}
		{"d":1,"t":3600500000000,"m":1500000000,"u":1500000000,"z":"2000-01-02T03:04:05.60Z"}
	EOF
	run -2 cdc-tail --time-precision-mode adaptive "$MY_URL"
	diff <(one 'd date, m datetime' "'0001-01-01', '0069-01-01'" '' --enable-time-adjuster --enable-time-adjuster=false) - <<-'EOF'
		{"d":11323,"m":3124224000000}
		{"d":11323,"m":3124224000000}
		{"d":-719162,"m":-59989680000000}
	EOF
	# A hash is cut to the column's characters, not to its bytes.
	[ "$(one 'a varchar(12)' "'hi'" '--column-mask-hash-v2-SHA-256-with-salt-s shop\.one\.a')" = "{\"a\":\"$(printf shi | sha256sum | cut -c1-12)\"}" ]
	# Whose changes: another GTID source is not wanted.
	local start source
	source=$(gtids | sed 's/.*,//; s/:.*//; s/-[0-9]*$//')
	[ "$MY_KIND" = mariadb ] || source=$(my 'SELECT @@server_uuid')
	start=$(log_end)
	shop "INSERT INTO one VALUES ('x')"
	sources() { cdc-tail --table 'shop\.one' --start "$start" --until now --quiet "$@" "$MY_URL" | jq -r .after.a; }
	[ "$(sources --gtid-source-includes "$source")" = x ]
	[ "$(sources --gtid-source-includes "no,other")" = '' ]
	[ "$(sources --gtid-source-excludes "$source")" = '' ]
	[ "$(sources --gtid-source-excludes "no,other")" = x ]
}

include_query() {
	local start
	shop 'CREATE TABLE t (id int PRIMARY KEY)'
	start=$(log_end)
	if [ "$MY_KIND" = mysql ]; then
		shop 'SET binlog_rows_query_log_events = ON; INSERT INTO t SET id = 1'
	else
		shop 'INSERT INTO t SET id = 1'
	fi
	[ "$(cdc-tail --table 'shop\.t' --start "$start" --until now --include-query "$MY_URL" | jq -r .source.query)" = 'INSERT INTO t SET id = 1' ]
	[ "$(cdc-tail --table 'shop\.t' --start "$start" --until now "$MY_URL" | jq -r .source.query)" = null ]
}

# Compressed events and payloads, and each server's own types and columns.
compressed_and_own_types() {
	local start
	if [ "$MY_KIND" = mysql ]; then
		my "SET GLOBAL binlog_transaction_compression = ON"
		shop "CREATE TABLE t (id int PRIMARY KEY, x text, inv int INVISIBLE DEFAULT 3, gen int AS (id * 2) STORED, v vector(2))"
	else
		my "SET GLOBAL log_bin_compress = ON, GLOBAL log_bin_compress_min_len = 10"
		shop "CREATE TABLE t (id int PRIMARY KEY, x text COMPRESSED, inv int INVISIBLE DEFAULT 3, gen int AS (id * 2) STORED, c varchar(300) COMPRESSED CHARACTER SET utf8mb4,
			cb blob COMPRESSED, u uuid, i4 inet4, i6 inet6)"
	fi
	start=$(log_end)
	if [ "$MY_KIND" = mysql ]; then
		shop "BEGIN; INSERT INTO t (id, x, v) VALUES (1, repeat('a', 3000), STRING_TO_VECTOR('[1,-0.5]')), (2, NULL, NULL); UPDATE t SET id = 3 WHERE id = 2; DELETE FROM t; COMMIT"
	else
		shop "BEGIN; INSERT INTO t (id, x, c, cb, u, i4, i6) VALUES (1, repeat('a', 3000), repeat('é', 100), repeat('b', 200), '123e4567-e89b-12d3-a456-426655440000', '10.0.0.1', '2001:db8::ff00:42:8329'),
			(2, NULL, NULL, NULL, NULL, NULL, NULL); UPDATE t SET id = 3 WHERE id = 2; DELETE FROM t; COMMIT"
	fi
	my "SET GLOBAL $([ "$MY_KIND" = mysql ] && echo binlog_transaction_compression || echo log_bin_compress) = OFF"
	cdc-tail --table 'shop\.t' --start "$start" --until now "$MY_URL" >"$BATS_TEST_TMPDIR/lines"
	rises <"$BATS_TEST_TMPDIR/lines"
	[ "$(jq -r .op "$BATS_TEST_TMPDIR/lines" | paste -sd' ')" = 'c c d c d d' ]
	jq -c '(.after // .before) | del(.inv, .gen) | map_values(if type == "string" and length > 99 then [.[0:2], length] else . end)' "$BATS_TEST_TMPDIR/lines" |
		sort | uniq -c | sed 's/^ *//' | if [ "$MY_KIND" = mysql ]; then
		diff - <(cat <<-'EOF'
			2 {"id":1,"x":["aa",3000],"v":[1,-0.5]}
			2 {"id":2,"x":null,"v":null}
			2 {"id":3,"x":null,"v":null}
		EOF
		)
	else
		diff - <(cat <<-'EOF'
			2 {"id":1,"x":["aa",3000],"c":["éé",100],"cb":["Ym",268],"u":"123e4567-e89b-12d3-a456-426655440000","i4":"10.0.0.1","i6":"2001:db8::ff00:42:8329"}
			2 {"id":2,"x":null,"c":null,"cb":null,"u":null,"i4":null,"i6":null}
			2 {"id":3,"x":null,"c":null,"cb":null,"u":null,"i4":null,"i6":null}
		EOF
		)
	fi
	[ "$(jq -c '(.after // .before) | [.id, .inv, .gen]' "$BATS_TEST_TMPDIR/lines" | sort -u | paste -sd' ')" = '[1,3,2] [2,3,4] [3,3,6]' ]
}

xa() {
	shop 'CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)'
	local start
	start=$(log_end)
	shop "XA START 'x1'; INSERT INTO t VALUES (1); XA END 'x1'; XA PREPARE 'x1'; XA COMMIT 'x1'"
	shop 'INSERT INTO t VALUES (2)'
	run -3 cdc-tail --table 'shop\.t' --start "$start" --until now "$MY_URL"
	[[ $output == *"XA transaction X'7831',X'',1 changes table shop.t"*'--xa at-prepare'* ]]
	[ "$(from "$start" --xa at-prepare)" = '1 2' ]
	[ "$(cdc-tail --table 'shop\.other' --start "$start" --until now "$MY_URL")" = '' ]
}

# faults OPTION…: what the preflight says.
faults() { run -2 cdc-tail --check "$@" "$MY_URL"; }

preflight() {
	cdc-tail --check "$MY_URL"
	my "SET GLOBAL binlog_row_image = MINIMAL; SET GLOBAL binlog_row_metadata = MINIMAL; SET GLOBAL binlog_format = STATEMENT"
	faults --server-id 1
	my "SET GLOBAL binlog_row_image = FULL; SET GLOBAL binlog_row_metadata = FULL; SET GLOBAL binlog_format = ROW"
	[[ $output == *'binlog_format is STATEMENT, needed is ROW: SET'*"binlog_format = 'ROW'"* ]]
	[[ $output == *'binlog_row_image is MINIMAL, needed is FULL: SET'* ]]
	[[ $output == *'binlog_row_metadata is MINIMAL, needed is FULL: SET'* ]]
	[[ $output == *"--server-id 1 is the server's own"* ]]
	[[ $output == *'the server is not ready: 4 faults found'* ]]
	my "SET GLOBAL binlog_row_image = NOBLOB; SET GLOBAL binlog_format = MIXED"
	faults
	my "SET GLOBAL binlog_row_image = FULL; SET GLOBAL binlog_format = ROW"
	[[ $output == *'binlog_format is MIXED, needed is ROW: SET'*'binlog_row_image is NOBLOB, needed is FULL: SET'*'2 faults found'* ]]
	my "CREATE USER nobody@'%' IDENTIFIED BY 'n'"
	run -2 cdc-tail --check "${MY_URL/cdc:cdc/nobody:n}"
	my 'DROP USER nobody'
	[[ $output == *"'nobody'@'%' has no right REPLICATION SLAVE: GRANT REPLICATION SLAVE ON *.* TO 'nobody'@'%'"* ]]
	[[ $output == *"has no right SELECT: GRANT SELECT ON *.* TO 'nobody'@'%'"* ]]
	[[ $output == *'not ready: 3 faults found'* ]]
	my "CREATE USER reader@'%' IDENTIFIED BY 'r'; GRANT SELECT, REPLICATION SLAVE, $([ "$MY_KIND" = mysql ] && echo REPLICATION CLIENT || echo BINLOG MONITOR) ON *.* TO reader@'%'"
	local reader=${MY_URL/cdc:cdc/reader:r} lock
	cdc-tail --check "$reader"
	cdc-snapshot --check --lock none "$reader"
	for lock in 'RELOAD global' 'LOCK\ TABLES tables'; do
		eval "set -- $lock"
		[ "$MY_KIND" = mysql ] || continue # which does without
		run -2 cdc-snapshot --check --lock "$2" "$reader"
		[[ $output == *"'reader'@'%' has no right $1: GRANT $1 ON *.* TO 'reader'@'%'"*'not ready: 1 fault found'* ]]
		run -2 cdc-tail --check --start initial --lock "$2" "$reader"
		[[ $output == *'not ready: 1 fault found'* ]]
	done
	cdc-snapshot --check "$MY_URL"
	my 'DROP USER reader'
}

# What was logged while a setting was wrong.
wrong_log() {
	shop 'CREATE TABLE t (id int PRIMARY KEY, v int)'
	local start
	start=$(log_end)
	shop "SET binlog_format = STATEMENT; INSERT INTO t VALUES (1, 1)"
	run -3 cdc-tail --start "$start" --until now "$MY_URL"
	[[ $output == *'a change is logged as a statement, not as rows: INSERT INTO t VALUES (1, 1)'* ]]
	start=$(log_end)
	shop "SET binlog_row_image = MINIMAL; UPDATE t SET v = 2"
	[ "$(cdc-tail --start "$start" --until now "$MY_URL" | jq -c '[.cdc.key, .before, .after]')" = '[{"id":1},{"id":1},{"v":2}]' ]
}

passwords() {
	run -2 cdc-tail --check "${MY_URL/cdc:cdc/cdc:wrong-secret}"
	[[ $output == *'cannot connect'* && $output != *secret* ]]
	echo cdc >"$BATS_TEST_TMPDIR/password"
	cdc-tail --check --password-file "$BATS_TEST_TMPDIR/password" "${MY_URL/cdc:cdc/cdc}"
	MYSQL_PWD=cdc cdc-tail --check "${MY_URL/cdc:cdc/cdc}"
	printf '[client]\nuser=nobody\n[cdc]\nuser=cdc\npassword=cdc\nport=%s\nhost=127.0.0.1\n' "$MY_PORT" >"$BATS_TEST_TMPDIR/my.cnf"
	cdc-tail --check --defaults-file "$BATS_TEST_TMPDIR/my.cnf" "$MY_KIND://"
	local encrypted
	encrypted=$(my "SHOW GLOBAL STATUS LIKE 'Ssl_accepts'")
	cdc-tail --check "$MY_KIND://cdc:cdc@localhost/?socket=$MY_DIR/s"
	[ "$(my "SHOW GLOBAL STATUS LIKE 'Ssl_accepts'")" = "$encrypted" ]
	cdc-tail --check --ssl-mode disabled "$MY_URL"
	if [ "$MY_KIND" = mysql ]; then
		cdc-tail --check --ssl-mode required "$MY_URL"
		run -2 cdc-tail --check --ssl-mode verify_ca "$MY_URL"
		[[ $output == *'cannot connect: '*certificate* ]]
	else # it has no TLS, and libmariadb would go on without
		run -2 cdc-tail --check --ssl-mode required "$MY_URL"
		[[ $output == *'the connection is not encrypted, and ssl-mode asks for that'* || $output == *'SSL is required'* ]]
	fi
}

# --message-key-columns: each rule in its order, and a word where rows may share such a key.
named_keys() {
	local start
	start=$(log_end)
	shop "CREATE TABLE a (id int PRIMARY KEY, x int, y int); CREATE TABLE b (id int PRIMARY KEY, x int); CREATE TABLE c (id int PRIMARY KEY);
		INSERT INTO a VALUES (1, 2, 3); INSERT INTO b VALUES (4, 5); INSERT INTO c VALUES (6)"
	cdc-tail --table 'shop\..*' --include-schema-changes=false --start "$start" --until now --message-key-columns 'shop\.a:none,y,x;shop\.b:x,id' "$MY_URL" |
		jq -c '[.cdc.key, .cdc.unique]' | diff - <(printf '%s\n' '[{"y":3,"x":2},false]' '[{"x":5,"id":4},null]' '[{"id":6},null]')
}

# A heartbeat's line, and its statement, while nothing else happens.
heartbeats() {
	shop 'CREATE TABLE beat (id int AUTO_INCREMENT PRIMARY KEY)'
	my "GRANT INSERT ON shop.beat TO cdc@'%'"
	spawn tail cdc-tail --table 'shop\.t' --control --topic-prefix p --with-schema --heartbeat-interval-ms 50 --heartbeat-action-query 'INSERT INTO shop.beat VALUES (NULL)' "$MY_URL"
	local tail=$PID
	wait_for '[ "$(shop "SELECT count(*) >= 3 FROM beat")" = 1 ] && [ "$(grep -c serverName "$(file tail)")" -ge 3 ]' 60
	kill -TERM $tail
	ends $tail 0
	jq -r '.cdc.pos // empty' "$(file tail)" | awk -F/ '{ l = $4 * 4294967296 + $5 } l < last { bad = 1 } { last = l } END { exit bad }'
	[ "$(grep __debezium-heartbeat "$(file tail)" | jq -c 'if .cdc.control then "schema" else [.cdc.topic, .cdc.key, (del(.cdc) | keys)] end' | uniq)" = \
		$'"schema"\n["__debezium-heartbeat.p",{"serverName":"p"},["ts_ms"]]' ]
}

# The rows of cdc-snapshot: their order, markers and place.
rows_of_a_moment() {
	shop "CREATE TABLE a (id int PRIMARY KEY, v varchar(9)); INSERT INTO a VALUES (2, 'b'), (1, 'a'), (3, NULL);
		CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY); INSERT INTO c VALUES (7);
		CREATE TABLE d (x int); INSERT INTO d VALUES (1), (2); CREATE TABLE e (id int) ENGINE=MyISAM"
	local end
	end=$(log_end)
	run --separate-stderr cdc-snapshot --table 'shop\..*' --include-schema-changes=false --chunk-rows 2 "$MY_URL"
	[ "$status" = 0 ]
	diff <(jq -c '[.source.snapshot, .source.table, .cdc.key, .after]' <<<"$output") - <<-'EOF'
		["first","a",{"id":1},{"id":1,"v":"a"}]
		["true","a",{"id":2},{"id":2,"v":"b"}]
		["last_in_data_collection","a",{"id":3},{"id":3,"v":null}]
		["last_in_data_collection","c",{"id":7},{"id":7}]
		["first_in_data_collection","d",null,{"x":1}]
		["last","d",null,{"x":2}]
	EOF
	[ "$(jq -r '.source | "\(.file):\(.pos)"' <<<"$output" | sort -u)" = "$end" ]
	[ "$(jq -c '[.op, .before, .source.server_id, .source.gtid, .source.row, .transaction]' <<<"$output" | sort -u)" = \
		'["r",null,0,null,0,null]' ]
	[ "$(jq -r .cdc.pos <<<"$output" | head -3 | paste -sd' ')" = \
		'my/1/s/1/4294967296/shop.a/%5B1%5D my/1/s/1/4294967297/shop.a/%5B2%5D my/1/s/1/8589934592/shop.a/%5B3%5D' ]
	[[ $stderr == *'table shop.e is of an engine that has no transactions'* ]]
	[ "$(cdc-tail --start initial-only --include-schema-changes=false --table 'shop\.[ad]' --where 'shop.a:id < 3' "$MY_URL" | jq -r '.after | .id // .x' |
		paste -sd' ')" = '1 2 1 2' ]
	[ "$(cdc-snapshot --table 'shop\..*' --include-schema-changes=false "$MY_URL" | head -n 1 | jq -c .after)" = '{"id":1,"v":"a"}' ]
	run -2 cdc-snapshot --table 'shop\.a' --where 'shop.b:id < 3' "$MY_URL"
	[[ $output == *'no such table is read'* ]]
}

# A table that was written anew since the view began shows nothing there: it is read in a new one.
rows_of_a_changed_table() {
	shop "CREATE TABLE a (id int PRIMARY KEY, v varchar(1000)); CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1)"
	shop "INSERT INTO a WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i, repeat('x', 1000) FROM n"
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	spawn snapshot bash -c 'exec cdc-snapshot --table "shop\..*" "$MY_URL" >"$0"' "$BATS_TEST_TMPDIR/pipe"
	local snapshot=$PID line
	exec 7<"$BATS_TEST_TMPDIR/pipe"
	read -r line <&7 # it waits within a
	shop 'ALTER TABLE b ADD x varchar(9) FIRST, ADD KEY (x), ALGORITHM=COPY'
	[ "$(cat <&7 | tail -n 1 | jq -c '[.after, (.cdc.pos | split("/")[3])]')" = '[{"x":null,"id":1},"2"]' ]
	exec 7<&-
	ends $snapshot 0
}

# A row that is read is the row that was streamed, whatever the server's time zone, and what its users like.
rows_as_streamed() {
	local start
	start=$(log_end)
	shop "CREATE TABLE t (id int PRIMARY KEY, ts timestamp(3) NULL, d date, dt datetime, tm time(2), y year, f float, g double,
			n decimal(12,4) ZEROFILL, z int(8) ZEROFILL, u bigint unsigned, b binary(4), c char(4), g8 varchar(9) CHARACTER SET gbk,
			e enum('a','it''s','x\\\\y,z'), s set('p','q'), bits bit(9), j json, p point);
		SET time_zone = '-05:00', sql_mode = '';
		INSERT INTO t VALUES (1, '2024-05-06 07:08:09.123', '0001-01-01', '2024-00-00', '-838:59:59.25', 2155, 1.1, -0e0, 12.5, 42,
				18446744073709551615, 'ab', 'x ', _utf8mb4'中', 'it''s', 'q,p', b'100000001',
				'{\"b\": [1, 2.50, 1e10, -0.0, 1e-7, null], \"a\": \"x, y: \\\\n\"}', POINT(1, -2)),
			(2, NULL, NULL, NULL, NULL, 0, 3.4e38, 1.7976931348623157e308, 0, 0, 0, '', '', '', 3, 0, 0, NULL, NULL)"
	my "SET GLOBAL time_zone = '-05:00', GLOBAL sql_mode = 'ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES'"
	cdc-snapshot --table 'shop\.t' --include-schema-changes=false "$MY_URL" | jq -c '[.cdc.topic, .cdc.key, .after]' >"$BATS_TEST_TMPDIR/rows"
	my "SET GLOBAL time_zone = 'SYSTEM', GLOBAL sql_mode = ''"
	cdc-tail --table 'shop\.t' --include-schema-changes=false --start "$start" --until now "$MY_URL" |
		jq -c '[.cdc.topic, .cdc.key, .after]' | diff "$BATS_TEST_TMPDIR/rows" -
	[ "$(wc -l <"$BATS_TEST_TMPDIR/rows")" = 2 ]
}

# Rows of one moment while writers run, and the log from the place that they tell: together what the table is in the end.
rows_then_log() {
	shop 'CREATE TABLE t (id int PRIMARY KEY, v int); CREATE TABLE s (id int PRIMARY KEY, v int)'
	local i start
	for i in {1..6000}; do echo "BEGIN; REPLACE INTO shop.t VALUES ($((i % 50)), $i); REPLACE INTO shop.s VALUES ($((i % 70)), $i); DELETE FROM shop.t WHERE id = $((i * 7 % 50)); COMMIT;"; done \
		>"$BATS_TEST_TMPDIR/writes"
	spawn writer my_client <"$BATS_TEST_TMPDIR/writes"
	local writer=$PID
	wait_for '[ "$(shop "SELECT count(*) > 30 FROM s")" = 1 ]' 60
	cdc-snapshot --table 'shop\.[st]' "$MY_URL" >"$BATS_TEST_TMPDIR/all"
	ends $writer 0
	start=$(head -n 1 "$BATS_TEST_TMPDIR/all" | jq -r '.source | "\(.file):\(.pos)"')
	cdc-tail --table 'shop\.[st]' --start "$start" --until now "$MY_URL" >"$BATS_TEST_TMPDIR/log"
	[ -s "$BATS_TEST_TMPDIR/log" ] # 4,000 transactions take longer than it takes to begin
	# An insert finds no row there, an update and a delete the row that they show as before.
	jq -n -r 'reduce inputs as $l ({}; ($l.source.table + " " + ($l.cdc.key.id | tostring)) as $k |
			if .[$k] != $l.before then error("\($k): \(.[$k]) is not \($l.before)") else .[$k] = $l.after end) |
			to_entries[] | select(.value) | "\(.key) \(.value.v)"' "$BATS_TEST_TMPDIR/all" "$BATS_TEST_TMPDIR/log" | sort |
		diff - <(shop "SELECT concat('s ', id, ' ', v) FROM s UNION SELECT concat('t ', id, ' ', v) FROM t" | sort)
}

# cdc-offset lag: bytes behind, across files, and a log that is gone.
behind() {
	shop 'CREATE TABLE t (id int PRIMARY KEY, v longtext)'
	pipeline --until now
	[ "$(cdc-offset lag "$OFFSET" "$MY_URL" --json | jq -c '[.sinks.default.behind_bytes, .sinks.default.behind_ms, .log.lost]')" = '[0,0,false]' ]
	shop "INSERT INTO t VALUES (1, repeat('x', 100000))"
	my 'FLUSH BINARY LOGS'
	shop "INSERT INTO t VALUES (2, repeat('x', 100000))"
	run cdc-offset lag "$OFFSET" "$MY_URL" --json
	[ "$(jq '.sinks.default | .behind_bytes > 200000 and .behind_bytes < 210000 and .behind_ms > 0' <<<"$output")" = true ]
	[ "$(jq -r '.log | "\(.file):\(.position)"' <<<"$output")" = "$(log_end)" ]
	run cdc-offset lag "$OFFSET" "$MY_URL"
	[[ ${lines[0]} =~ ^"default      "20[0-9]{4}" bytes behind, "[0-9]+m?s" behind"$ ]]
	[[ ${lines[1]} =~ ^"log          binlog."[0-9]+" to binlog."[0-9]+", "[0-9]+" bytes"$ ]]
	wait_for 'my "PURGE BINARY LOGS TO '"'$(log_end | cut -d: -f1)'"'"; [ "$(my "SHOW BINARY LOGS" | wc -l)" = 1 ]' 60
	run -5 cdc-offset lag "$OFFSET" "$MY_URL"
	[[ $output == *'what a sink needs is not there any more'* ]]
	sed -i 's/"server":"[^"]*"/"server":"other"/' "$OFFSET/source"
	run -2 cdc-offset lag "$OFFSET" "$MY_URL"
	[[ $output == *"$OFFSET belongs to another server: other, not "* ]]
}
