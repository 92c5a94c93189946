# What cdc-tail makes on the server and what it asks of it: publications, slots, --check.
load tail

setup_file() { start_postgres; }
teardown_file() { stop_servers; }
teardown() {
	clean
	[ ! -e "$BATS_TEST_TMPDIR/other" ] || { "$SERVERS/postgres" stop "$(cat "$BATS_TEST_TMPDIR/other")"; rm -rf "$(cat "$BATS_TEST_TMPDIR/other")"; }
}

published() { sql "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_publication_tables WHERE pubname = '${1-$SLOT}'"; }

@test "filtered: the captured tables, completed with the next run; the application goes on" {
	sql 'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE bare (id int);
		CREATE TABLE later_checked (id int PRIMARY KEY DEFERRABLE)'
	cdc-tail --slot-name $SLOT --table 'public\.a' --until now "$PG_URL"
	[ "$(published)" = a ]
	run -0 cdc-tail --slot-name $SLOT --until now "$PG_URL"
	[ "$(published)" = 'a b' ]
	[[ $output == *'table public.bare is left out: it has no replica identity'*'ALTER TABLE public.bare REPLICA IDENTITY FULL'* ]]
	[[ $output == *'table public.later_checked is left out'* ]]
	sql 'INSERT INTO bare VALUES (1); UPDATE bare SET id = 2; DELETE FROM bare;
		INSERT INTO later_checked VALUES (1); UPDATE later_checked SET id = 2; DELETE FROM later_checked'
	# Asked for by name, it is a fault.
	run -2 cdc-tail --slot-name $SLOT --table 'public\.(a|bare)' --until now "$PG_URL"
	[[ $output == *'table public.bare has no replica identity'*'ALTER TABLE public.bare REPLICA IDENTITY FULL; or --allow-insert-only'* ]]
	sql 'UPDATE bare SET id = 2'
}

@test "--allow-insert-only captures the inserts of tables without an identity, and their UPDATE and DELETE go on" {
	sql 'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE bare (id int)'
	cdc-tail --slot-name $SLOT --allow-insert-only --until now "$PG_URL"
	[ "$(published)" = a ]
	[ "$(published ${SLOT}_insert)" = bare ]
	sql 'INSERT INTO bare VALUES (1)'
	sql 'UPDATE bare SET id = 2'
	sql 'DELETE FROM bare'
	sql 'INSERT INTO a VALUES (1); UPDATE a SET id = 2'
	run short < <(changes --allow-insert-only)
	[ "${lines[0]}" = 'c postgres.public.bare null null {"id":1}' ]
	[ "${#lines[@]}" = 4 ]
}

@test "all_tables: never while a table, captured or not, would fail" {
	sql 'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE bare (id int)'
	local more
	for more in '' --allow-insert-only; do
		run -2 cdc-tail --slot-name $SLOT --publication-autocreate-mode all_tables $more --table 'public\.a' --until now "$PG_URL"
		[[ $output == *'table public.bare has no replica identity'*'ALTER TABLE public.bare REPLICA IDENTITY FULL'* ]]
		[ "$(sql 'SELECT count(*) FROM pg_publication')" = 0 ]
	done
	sql 'ALTER TABLE bare REPLICA IDENTITY FULL'
	cdc-tail --slot-name $SLOT --publication-autocreate-mode all_tables --until now "$PG_URL"
	[ "$(sql 'SELECT puballtables FROM pg_publication')" = t ]
}

@test "disabled: the publication is somebody's own, and is left alone; no_tables: an empty one" {
	sql 'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)'
	run -2 cdc-tail --slot-name $SLOT --publication-autocreate-mode disabled --until now "$PG_URL"
	[[ $output == *"publication \"$SLOT\" is missing"*"CREATE PUBLICATION \"$SLOT\""* ]]
	sql "CREATE PUBLICATION $SLOT FOR TABLE b"
	cdc-tail --slot-name $SLOT --publication-autocreate-mode disabled --slot-drop-on-stop --until now "$PG_URL"
	[ "$(published)" = b ]
	cdc-tail --slot-name none --publication-autocreate-mode no_tables --until now "$PG_URL"
	[ "$(sql "SELECT count(*) FROM pg_publication WHERE pubname = 'none'")" = 1 ]
	[ "$(published none)" = '' ]
	run -2 cdc-tail --publication-autocreate-mode some "$PG_URL"
	[[ $output == *'filtered, all_tables, disabled or no_tables, not "some"'* ]]
}

@test "a publication that leaves out updates is told" {
	sql "CREATE TABLE a (id int PRIMARY KEY); CREATE PUBLICATION $SLOT FOR TABLE a WITH (publish = 'insert, delete')"
	run -0 cdc-tail --slot-name $SLOT --until now "$PG_URL"
	[[ $output == *"publication \"$SLOT\" does not send UPDATE"* ]]
}

@test "--publication-name and --slot-name, with any characters a publication may have" {
	sql 'CREATE TABLE a (id int PRIMARY KEY)'
	cdc-tail --slot-name s1 --publication-name 'My "pub", é' --until now "$PG_URL"
	sql 'INSERT INTO a VALUES (1)'
	[ "$(cdc-tail --slot-name s1 --publication-name 'My "pub", é' --start earliest --until now "$PG_URL" | jq .after.id)" = 1 ]
	run cdc-tail --slot-name 'No Slot' --until now "$PG_URL"
	[ "$status" = 2 ]
	[[ $output == *'No Slot'* ]]
}

@test "partitions: by their own names, the root by its leaves' identities" {
	sql "CREATE TABLE p (id int PRIMARY KEY, d int) PARTITION BY RANGE (id);
		CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
		CREATE TABLE q (id int) PARTITION BY LIST (id); CREATE TABLE q1 PARTITION OF q FOR VALUES IN (1);
		CREATE TABLE q2 PARTITION OF q FOR VALUES IN (2); ALTER TABLE q2 REPLICA IDENTITY FULL"
	cdc-tail --slot-name $SLOT --until now --quiet "$PG_URL"
	sql 'INSERT INTO p VALUES (1), (11); INSERT INTO q VALUES (1), (2)'
	sql 'UPDATE q SET id = id; UPDATE p SET d = 1'
	[ "$(changes | jq -r 'select(.op == "c").source.table' | paste -sd' ')" = 'p1 p2 q2' ]
}

@test "--slot-drop-on-stop drops both at the end, and only then" {
	sql 'CREATE TABLE a (id int PRIMARY KEY)'
	cdc-tail --offset "$OFFSET" --until now "$PG_URL" >/dev/null
	[ "$(sql 'SELECT count(*) FROM pg_replication_slots, pg_publication')" = 1 ]
	spawn tail cdc-tail --offset "$OFFSET" --slot-drop-on-stop "$PG_URL"
	local tail=$PID
	streams
	kill -TERM $tail
	ends $tail 0
	[ "$(sql 'SELECT (SELECT count(*) FROM pg_replication_slots) + (SELECT count(*) FROM pg_publication)')" = 0 ]
}

@test "a temporary run leaves nothing, and removes what killed ones of its kind left" {
	sql 'CREATE TABLE a (id int PRIMARY KEY)'
	spawn killed cdc-tail "$PG_URL"
	local killed=$PID
	streams
	[[ $(sql 'SELECT pubname FROM pg_publication') == cdc_tmp_*_$killed ]]
	[ "$(sql 'SELECT temporary FROM pg_replication_slots')" = t ]
	kill -9 $killed
	ends $killed 137
	wait_for '[ "$(sql "SELECT count(*) FROM pg_replication_slots")" = 0 ]' 60
	[ "$(sql 'SELECT count(*) FROM pg_publication')" = 1 ]
	spawn living cdc-tail "$PG_URL"
	local living=$PID
	streams
	[ "$(sql 'SELECT pubname FROM pg_publication' | grep -c .)" = 1 ]
	# One that lives is left alone, also where its process cannot be signalled.
	cdc-tail --until now "$PG_URL"
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=nobody --regid=nogroup --clear-groups "$CDC_BIN/cdc-tail" --until now "$PG_URL" || true
	fi
	[[ $(sql 'SELECT pubname FROM pg_publication') == cdc_tmp_*_$living ]]
	kill -TERM $living
	ends $living 0
	[ "$(sql 'SELECT count(*) FROM pg_publication')" = 0 ]
}

@test "--slot-failover needs PostgreSQL 17" {
	sql 'CREATE TABLE a (id int PRIMARY KEY)'
	if [ "$(sql "SHOW server_version_num")" -ge 170000 ]; then
		cdc-tail --slot-name $SLOT --slot-failover --until now "$PG_URL"
		[ "$(sql 'SELECT failover FROM pg_replication_slots')" = t ]
	else
		run -2 cdc-tail --slot-name $SLOT --slot-failover --until now "$PG_URL"
		[[ $output == *'--slot-failover needs PostgreSQL 17'* ]]
		[ "$(sql 'SELECT count(*) FROM pg_replication_slots')" = 0 ]
	fi
}

@test "--check: nothing is wrong, and nothing is made" {
	sql 'CREATE TABLE a (id int PRIMARY KEY)'
	run -0 cdc-tail --check --offset "$OFFSET" "$PG_URL"
	[ ! -e "$OFFSET" ]
	[ "$(sql 'SELECT (SELECT count(*) FROM pg_replication_slots) + (SELECT count(*) FROM pg_publication)')" = 0 ]
}

@test "--check: every fault at once, each with the SQL that mends it; mended, all is well" {
	# A server of its own, as most are at first.
	local dir port url
	dir=$(server_dir) port=$("$SERVERS/free-port")
	"$SERVERS/postgres" start "$dir" "$port" -c wal_level=replica -c max_replication_slots=1 3>&-
	echo "$dir" >"$BATS_TEST_TMPDIR/other"
	url=postgres://app@127.0.0.1:$port/postgres
	sql "CREATE ROLE app LOGIN; SELECT pg_create_physical_replication_slot('taken');
		CREATE TABLE bare (id int); ALTER TABLE bare OWNER TO app" -p "$port" >/dev/null
	run -2 cdc-tail --check --slot-name $SLOT --table 'public\.bare' "$url"
	echo "$output"
	[[ $output == *'wal_level is replica, needed is logical: ALTER SYSTEM SET wal_level = logical'* ]]
	[[ $output == *'role app may not replicate: ALTER ROLE app REPLICATION'* ]]
	sql 'ALTER ROLE app REPLICATION' -p "$port"
	run -2 cdc-tail --check --slot-name $SLOT --table 'public\.bare' "$url"
	echo "$output"
	local fault
	for fault in 'wal_level is replica' 'all 1 of max_replication_slots are taken' \
		'role app may not make a publication: GRANT CREATE ON DATABASE postgres TO app' \
		'table public.bare has no replica identity'*'ALTER TABLE public.bare REPLICA IDENTITY FULL' 'the server is not ready: 4 faults found'; do
		[[ $output == *$fault* ]] || { echo "missing: $fault"; false; }
	done
	sql 'GRANT CREATE ON DATABASE postgres TO app' -p "$port"
	sql 'ALTER TABLE public.bare REPLICA IDENTITY FULL' -p "$port"
	sql "SELECT pg_drop_replication_slot('taken')" -p "$port" >/dev/null
	"$SERVERS/postgres" stop "$dir"
	"$SERVERS/postgres" start "$dir" "$port" -c wal_level=logical -c max_replication_slots=1 3>&-
	run -0 cdc-tail --check --slot-name $SLOT --table 'public\.bare' "$url"
	# And a role that owns nothing else can run.
	cdc-tail --slot-name $SLOT --table 'public\.bare' --until now "$url"
	"$SERVERS/postgres" stop "$dir"
}

@test "--check: no sender is free" {
	local dir port senders=()
	dir=$(server_dir) port=$("$SERVERS/free-port")
	"$SERVERS/postgres" start "$dir" "$port" -c max_wal_senders=1 3>&-
	echo "$dir" >"$BATS_TEST_TMPDIR/other"
	spawn sender cdc-tail "postgres://postgres@127.0.0.1:$port/postgres"
	wait_for "[ \"\$(sql 'SELECT count(*) FROM pg_stat_replication' -p $port)\" = 1 ]" 60
	run -2 cdc-tail --check "postgres://postgres@127.0.0.1:$port/postgres"
	[[ $output == *'all 1 of max_wal_senders are taken: ALTER SYSTEM SET max_wal_senders = 6'* ]]
	"$SERVERS/postgres" stop "$dir"
}
