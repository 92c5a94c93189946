# The snapshots that MySQL and MariaDB have in common; mysql-snapshot.bats and mariadb-snapshot.bats say: load my-snapshot
load my
set -o pipefail

# fill TABLE ROWS: ids from 1.
fill() {
	shop "INSERT INTO $1 (id) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT a.i + 1000 * (b.i - 1) FROM n a JOIN n b
		WHERE a.i + 1000 * (b.i - 1) <= $2"
}

initial() { cdc-tail --include-schema-changes=false --offset "$OFFSET" --table 'shop\..*' --start initial --until now "$@" "$MY_URL"; }

# delivered OPTION…: such a run whose sink acknowledges everything.
delivered() {
	initial "$@" | tee -a "$BATS_TEST_TMPDIR/seen" | ack_all | cdc-offset commit "$OFFSET" --interval 50ms
}

short_seen() { jq -r 'select(.op) | "\(.op)\(.source.table)\((.after // .before).id)"' "$@" | paste -sd' '; }

# Rows, then the log, in one run and by hand; nothing twice, and the folder knows it.
rows_and_log() {
	shop 'CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 0), (2, 0)'
	delivered
	shop 'INSERT INTO t VALUES (3, 0); UPDATE t SET v = 1 WHERE id = 1'
	pipeline --until now
	delivered
	[ "$(short_seen "$BATS_TEST_TMPDIR/seen")" = 'rt1 rt2 ct3 ut1' ]
	# By hand, written and not acknowledged; what commits between the two comes once.
	OFFSET=$BATS_TEST_TMPDIR/hand.offset
	{ cdc-snapshot --include-schema-changes=false --offset "$OFFSET" --table 'shop\..*' "$MY_URL" && shop 'INSERT INTO t VALUES (4, 0)' >&2 &&
		cdc-tail --include-schema-changes=false --offset "$OFFSET" --table 'shop\..*' --until now "$MY_URL"; } >"$BATS_TEST_TMPDIR/hand"
	[ "$(short_seen "$BATS_TEST_TMPDIR/hand")" = 'rt1 rt2 rt3 ct4' ]
	# To another reader the snapshot is not finished.
	run -2 cdc-tail --include-schema-changes=false --offset "$OFFSET" --table 'shop\..*' --until now "$MY_URL"
	[[ $output == *'the snapshot is not finished'* ]]
}

# A table that comes later: the log up to now, its rows, the log.
added() {
	shop 'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)'
	delivered
	shop 'CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (7), (8); INSERT INTO t VALUES (2); DELETE FROM u WHERE id = 7'
	delivered
	shop 'INSERT INTO u VALUES (9)'
	delivered
	[ "$(short_seen "$BATS_TEST_TMPDIR/seen")" = 'rt1 ct2 ru8 cu9' ]
}

# Killed within, it goes on behind the row that was acknowledged, in a new view, and drops by the view that read.
killed() {
	shop 'CREATE TABLE t (id int PRIMARY KEY, v varchar(200) NOT NULL DEFAULT (repeat("x", 200)))'
	fill t 20000
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	spawn tail bash -c 'exec cdc-tail --include-schema-changes=false --offset "$0" --table "shop\..*" --start initial --chunk-rows 100 "$MY_URL" >"$1"' "$OFFSET" "$BATS_TEST_TMPDIR/pipe"
	local tail=$PID
	exec 7<"$BATS_TEST_TMPDIR/pipe"
	head -n 501 <&7 >"$BATS_TEST_TMPDIR/first" # start, and the rows 1 to 500
	exec 7<&-
	kill -9 $tail 2>/dev/null || true
	sed -n '501p' "$BATS_TEST_TMPDIR/first" | ack_all | cdc-offset commit "$OFFSET" || true
	[ "$(cdc-offset show "$OFFSET" | grep -o 'shop.t/%5B[0-9]*%5D')" = 'shop.t/%5B500%5D' ]
	shop "UPDATE t SET v = 'a' WHERE id = 400; UPDATE t SET v = 'b' WHERE id = 600; UPDATE t SET id = 30000 WHERE id = 450; UPDATE t SET id = 0 WHERE id = 700"
	initial --jobs 3 --chunk-rows 999 >"$BATS_TEST_TMPDIR/second"
	# The sink may hold rows that it did not acknowledge: what happened to them since the first view comes too.
	jq -r 'select(.op) | "\(.op)\(.source.table)\((.after // .before).id)"' "$BATS_TEST_TMPDIR/second" |
		diff - <(for i in {501..20000} 30000; do [ $i = 700 ] || echo "rt$i"; done
			printf '%s\n' ut400 ut600 dt450 ct30000 dt700 ct0)
	[ "$(jq -r 'select(.op == "r") | .cdc.pos | split("/")[3]' "$BATS_TEST_TMPDIR/second" | sort -u)" = 2 ]
	# A sink that keeps its own token has none: it is told of each change once.
	jq '.sinks.default.exact = true' "$OFFSET/position" >"$BATS_TEST_TMPDIR/exact"
	cp "$BATS_TEST_TMPDIR/exact" "$OFFSET/position"
	initial >"$BATS_TEST_TMPDIR/third"
	jq -r 'select(.op) | "\(.op)\(.source.table)\((.after // .before).id)"' "$BATS_TEST_TMPDIR/third" |
		diff - <(for i in {501..20000} 30000; do [ $i = 700 ] || echo "rt$i"; done; printf '%s\n' ut400 dt450 ct0) | head >&2
	[ "$(grep '"id":600,' "$BATS_TEST_TMPDIR/second" | jq -r 'select(.op == "r") | .after.v')" = b ]
}

# Keys of all kinds in chunks: each row once, in order, read by several.
keys() {
	shop "CREATE TABLE seed (i int PRIMARY KEY)"
	shop "INSERT INTO seed WITH RECURSIVE n AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 700) SELECT i FROM n"
	shop "CREATE TABLE k_int (id int PRIMARY KEY); INSERT INTO k_int SELECT i * 3 - 1000 FROM seed;
		CREATE TABLE k_big (id bigint unsigned PRIMARY KEY); INSERT INTO k_big SELECT i * CAST(26351249180170510 AS UNSIGNED) FROM seed;
		CREATE TABLE k_zero (id int(8) unsigned ZEROFILL PRIMARY KEY); INSERT INTO k_zero SELECT i FROM seed;
		CREATE TABLE k_bin (id binary(8) PRIMARY KEY); INSERT INTO k_bin SELECT unhex(left(sha2(i, 256), 4 + 2 * (i % 7))) FROM seed GROUP BY unhex(left(sha2(i, 256), 4 + 2 * (i % 7))), i ON DUPLICATE KEY UPDATE id = k_bin.id;
		CREATE TABLE k_var (id varbinary(20) PRIMARY KEY); INSERT INTO k_var SELECT concat(unhex(left(sha2(i, 256), 4)), repeat(char(0), i % 3)) FROM seed ON DUPLICATE KEY UPDATE id = k_var.id;
		CREATE TABLE k_date (id date, t datetime(3), PRIMARY KEY (id, t)); INSERT INTO k_date SELECT '2000-01-01' + INTERVAL i % 50 DAY, '1999-12-31' + INTERVAL i * 7001 MICROSECOND FROM seed;
		CREATE TABLE k_stamp (b bigint, a timestamp(6), PRIMARY KEY (a, b)); INSERT INTO k_stamp SELECT i, '2020-02-28 23:59:59.5' + INTERVAL i % 9 SECOND FROM seed;
		CREATE TABLE k_text (id varchar(20) PRIMARY KEY); INSERT INTO k_text SELECT concat(if(i % 2, 'E', 'e'), i) FROM seed;
		CREATE TABLE k_prefix (id varbinary(50), PRIMARY KEY (id(40))); INSERT INTO k_prefix SELECT i FROM seed;
		CREATE TABLE k_none (id int); INSERT INTO k_none SELECT i DIV 2 FROM seed; CREATE TABLE \`a.b\` (\`i\`\`d\` int PRIMARY KEY); INSERT INTO \`a.b\` SELECT i FROM seed"
	local options table
	cdc-snapshot --include-schema-changes=false --table 'shop\..*' "$MY_URL" | jq -c '[.source.table, .cdc.key, .after]' >"$BATS_TEST_TMPDIR/one"
	for table in k_int k_big k_zero k_bin k_var k_date k_stamp k_text k_prefix k_none a.b; do
		[ "$(grep -c "^\[\"$table\"," "$BATS_TEST_TMPDIR/one")" = "$(shop "SELECT count(*) FROM \`$table\`")" ]
	done
	for options in '--chunk-rows 13' '--chunk-rows 40 --jobs 3' '--chunk-rows 1 --jobs 2 --lock tables'; do
		cdc-snapshot --include-schema-changes=false --table 'shop\..*' $options "$MY_URL" >"$BATS_TEST_TMPDIR/lines"
		jq -c '[.source.table, .cdc.key, .after]' "$BATS_TEST_TMPDIR/lines" | diff - "$BATS_TEST_TMPDIR/one"
		jq -r '.cdc.pos | split("/")[4]' "$BATS_TEST_TMPDIR/lines" | sort -n -C
	done
}

# What a lock is waited for is bounded, and who holds it is named; writers go on meanwhile.
locks() {
	shop 'CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE); CREATE TABLE log (id int PRIMARY KEY AUTO_INCREMENT, x int);
		CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW INSERT INTO log (x) VALUES (NEW.id);
		INSERT INTO p VALUES (1), (2); INSERT INTO t VALUES (1, 1), (2, 2)'
	local lock
	for lock in global tables none; do
		cdc-snapshot --include-schema-changes=false --table 'shop\..*' --lock $lock --jobs 2 "$MY_URL" >"$BATS_TEST_TMPDIR/rows"
		[ "$(jq -r .source.table "$BATS_TEST_TMPDIR/rows" | paste -sd' ')" = 'log log p p t t' ]
	done
	run -2 cdc-snapshot --lock some "$MY_URL"
	[[ $output == *'--lock takes global, tables or none'* ]]
	# The user's own transaction is held by nobody: a table that is locked is.
	spawn holder my 'LOCK TABLES shop.t WRITE; DO SLEEP(100)'
	wait_for "my 'SHOW PROCESSLIST' | grep -q 'DO SLEEP'" 60
	my "GRANT PROCESS ON *.* TO cdc@'%'"
	run -4 cdc-snapshot --include-schema-changes=false --table 'shop\..*' --lock none --lock-timeout 1s "$MY_URL"
	[[ $output == *'cannot lock table shop.'*' against DDL'* ]] || { echo "$output"; false; }
	[[ $output == *'holds it or waits in front'*'DO SLEEP(100)'*'end it (KILL '* ]] || { echo "$output"; false; }
}

# A DDL waits for the rows of its table, and nothing for it.
ddl_waits() {
	shop 'CREATE TABLE t (id int PRIMARY KEY, v varchar(1000) NOT NULL DEFAULT (repeat("x", 1000))); CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (1)'
	fill t 20000
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	spawn snapshot bash -c 'exec cdc-snapshot --include-schema-changes=false --table "shop\..*" --chunk-rows 10 --jobs 2 "$MY_URL" >"$0"' "$BATS_TEST_TMPDIR/pipe"
	local snapshot=$PID line
	exec 7<"$BATS_TEST_TMPDIR/pipe"
	read -r line <&7
	spawn ddl my 'ALTER TABLE shop.t ADD x int'
	local ddl=$PID
	wait_for "my 'SHOW PROCESSLIST' | grep -q 'Waiting for table metadata lock'" 60
	[ "$(cat <&7 | wc -l)" = 20000 ]
	exec 7<&-
	ends $snapshot 0
	ends $ddl 0
}

# View after view while writers write: each change once. views OPTION…
views() {
	shop 'CREATE TABLE t (id int PRIMARY KEY, v int, pad varchar(300) NOT NULL DEFAULT (repeat("y", 300)))'
	shop "INSERT INTO t (id, v) WITH RECURSIVE n AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 999) SELECT a.i * 20 + b.i, 0 FROM n a JOIN n b WHERE b.i < 20"
	local i
	for i in {1..3000}; do echo "UPDATE shop.t SET v = v + 1 WHERE id = $((i * 7919 % 20000)); DELETE FROM shop.t WHERE id = $((i * 104729 % 20000)); INSERT IGNORE INTO shop.t (id, v) VALUES ($((i * 31 % 20000)), 1); UPDATE IGNORE shop.t SET id = $((20000 + i)) WHERE id = $((i * 613 % 20000));"; done \
		>"$BATS_TEST_TMPDIR/writes"
	spawn writer my_client <"$BATS_TEST_TMPDIR/writes"
	local writer=$PID
	cdc-tail --include-schema-changes=false --offset "$OFFSET" --table 'shop\..*' --start initial --idle 3s --view-time 100ms "$@" "$MY_URL" | awk 'NR == 3000 { system("sleep 1") } 1' >"$BATS_TEST_TMPDIR/all"
	ends $writer 0
	[ "$(jq -r 'select(.op == "r") | .cdc.pos | split("/")[3]' "$BATS_TEST_TMPDIR/all" | sort -u | wc -l)" -ge 2 ]
	jq -n -r 'reduce (inputs | select(.op)) as $l ({}; ($l.cdc.key.id | tostring) as $k |
			if .[$k] != $l.before then error("\($k): \(.[$k]) is not \($l.before)") else .[$k] = $l.after end) |
			to_entries[] | select(.value) | "\(.key) \(.value.v)"' "$BATS_TEST_TMPDIR/all" | sort |
		diff - <(shop "SELECT concat(id, ' ', v) FROM t" | sort)
}

# stalled OPTION…: cdc-tail, process $PID, from a snapshot, whose reader has taken one line and leaves the rest, at
# descriptor 7.
stalled() {
	local line pipe=$BATS_TEST_TMPDIR/pipe
	mkfifo "$pipe"
	spawn tail sh -c 'pipe=$1; shift; exec cdc-tail --include-schema-changes=false --start initial --chunk-rows 100 "$@" >"$pipe"' \
		sh "$pipe" --offset "$OFFSET" "$@" "$MY_URL"
	exec 7<"$pipe"
	read -r line <&7
}

# A DDL that comes between two views of a table: the rows behind it are as it is then.
altered() {
	shop 'CREATE TABLE t (id int PRIMARY KEY, v varchar(1000) NOT NULL DEFAULT (repeat("x", 1000)), n int NOT NULL DEFAULT 7)'
	fill t 20000
	stalled --table 'shop\..*' --until now --view-time 100ms
	local tail=$PID
	spawn ddl my "ALTER TABLE shop.t MODIFY n varchar(9) FIRST, DROP v, ADD w int DEFAULT 5"
	local ddl=$PID
	wait_for "my 'SHOW PROCESSLIST' | grep -q 'Waiting for table metadata lock'" 60
	shop 'SELECT 1' # time passes
	cat <&7 | jq -c 'select(.op)' >"$BATS_TEST_TMPDIR/all"
	exec 7<&-
	ends $tail 0 || { cat "$(errors tail)"; false; }
	ends $ddl 0
	jq -r .after.id "$BATS_TEST_TMPDIR/all" | diff - <(seq 20000)
	[ "$(jq -c '.after | map_values(type)' "$BATS_TEST_TMPDIR/all" | uniq)" = '{"id":"number","v":"string","n":"number"}
{"n":"string","id":"number","w":"number"}' ]
}

# A table that takes another's name behind the view's back, as pt-osc does it: none of its rows is lost, and what is
# changed before and after comes once.
swapped() {
	shop 'CREATE TABLE a (id int PRIMARY KEY, v varchar(1000) NOT NULL DEFAULT (repeat("x", 1000)))'
	fill a 20000
	shop 'CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)'
	next_second
	shop 'CREATE TABLE t_new (id int PRIMARY KEY, v bigint)'
	stalled --table 'shop\.[at]' --until now
	local tail=$PID line
	shop 'UPDATE t SET v = 1 WHERE id = 1; INSERT INTO t_new SELECT * FROM t; RENAME TABLE t TO t_old, t_new TO t; UPDATE t SET v = 2 WHERE id = 2'
	{ read -r line <&7; } || true
	cat <&7 >"$BATS_TEST_TMPDIR/all"
	exec 7<&-
	ends $tail 0 || { cat "$(errors tail)"; false; }
	jq -c 'select(.source.table == "t") | [.op, .after]' "$BATS_TEST_TMPDIR/all" | diff - <(printf '%s\n' '["r",{"id":1,"v":1}]' '["r",{"id":2,"v":2}]' '["r",{"id":3,"v":0}]')
}

# The same name, another table, between two views: of each key what its view showed, and each change since.
recreated() {
	shop 'CREATE TABLE t (id int PRIMARY KEY, v varchar(1000) NOT NULL DEFAULT (repeat("x", 1000)))'
	fill t 20000
	stalled --table 'shop\.t' --view-time 100ms
	local tail=$PID
	shop "UPDATE t SET v = 'old' WHERE id IN (10, 19990)"
	spawn ddl my "DROP TABLE shop.t; CREATE TABLE shop.t (id int PRIMARY KEY, v int); INSERT INTO shop.t VALUES (10, 1), (19990, 1)"
	local ddl=$PID
	# It waits for the view, or came between two.
	wait_for "! kill -0 $ddl || my 'SHOW PROCESSLIST' | grep -q 'Waiting for table metadata lock'" 60
	spawn all cat <&7
	exec 7<&-
	ends $ddl 0
	has all '"after":{"id":10,"v":1}'
	kill -TERM $tail
	ends $tail 0 || { cat "$(errors tail)"; false; }
	jq -c 'select(.op and (.after // .before).id == 10) | [.op, (.after.v | if . and type == "string" then .[0:3] else . end)]' "$(file all)" |
		diff - <(printf '%s\n' '["r","xxx"]' '["u","old"]' '["c",1]')
	# The view came before the new row, or after, or the first one saw all of the old table; the new row comes last, once.
	jq -c 'select(.op and (.after // .before).id == 19990) | [.op, .after.v]' "$(file all)" >"$BATS_TEST_TMPDIR/last"
	[[ $(tail -n 1 "$BATS_TEST_TMPDIR/last") = '["'[rc]'",1]' && $(grep -c ',1]' "$BATS_TEST_TMPDIR/last") = 1 ]]
}
