# From a server of MySQL or MariaDB to its promoted replica: by GTID, each event once.
load my

setup_file() { :; }
setup() { OFFSET=$BATS_TEST_TMPDIR/shop.offset; }
teardown() {
	kill_spawned
	local dir
	for dir in ${DIRS-}; do
		"$SERVERS/$MY_KIND" stop "$dir"
		rm -rf "$dir"
	done
}

# use NUMBER: the first or the second server from now on.
use() {
	MY_DIR=$(eval "echo \$DIR_$1") MY_URL=$(eval "echo \$URL_$1")
	export MY_DIR MY_URL
}

# two KIND RESET OPTION…: a server, and a replica of it, whose logs are empty.
two() {
	local kind=$1 reset=$2 n
	shift 2
	for n in 1 2; do
		start_my "$kind" --server-id=$n "$@"
		eval "DIR_$n=\$MY_DIR URL_$n=\$MY_URL PORT_$n=\$MY_PORT"
		DIRS="${DIRS-} $MY_DIR"
		my "$reset"
	done
	use 2
	if [ "$kind" = mysql ]; then
		my "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=$PORT_1, SOURCE_USER='cdc', SOURCE_PASSWORD='cdc',
			SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1; START REPLICA"
	else
		my "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=$PORT_1, MASTER_USER='cdc', MASTER_PASSWORD='cdc',
			MASTER_USE_GTID=slave_pos; START SLAVE"
	fi
	use 1
}

# write FIRST LAST: a transaction each, of an insert of two rows and a change of one of them.
write() {
	local i
	for ((i = $1; i <= $2; i++)); do
		echo "BEGIN; INSERT INTO shop.t VALUES ($i, 0), (-$i, 0); UPDATE shop.t SET v = $i WHERE id = $i; COMMIT;"
	done
}

count() { my 'SELECT count(*) FROM shop.t' 2>/dev/null; }
now() { cdc-tail --offset "$OFFSET" --table 'shop\..*' --until now --quiet "$MY_URL"; }

# each_once N: of the transactions 1 to N each line came; one that came again has the token that it had.
each_once() {
	jq -r 'select(.op) | [(.cdc.pos | split("/")[0:6] | join("/")), .op, .after.id, .after.v] | @tsv' "$BATS_TEST_TMPDIR/seen" |
		sort -u >"$BATS_TEST_TMPDIR/came"
	diff <(cut -f2- "$BATS_TEST_TMPDIR/came" | sort) \
		<(for ((i = 1; i <= $1; i++)); do printf 'c\t%d\t0\nc\t-%d\t0\nu\t%d\t%d\n' $i $i $i $i; done | sort)
}

failover() {
	export -f ack_all
	export OFFSET
	my 'CREATE DATABASE shop; CREATE TABLE shop.t (id int PRIMARY KEY, v int)'
	# A snapshot that is cut short, for later.
	my 'CREATE DATABASE rows_; CREATE TABLE rows_.t (id int PRIMARY KEY); INSERT INTO rows_.t VALUES (1), (2), (3)'
	local half=$BATS_TEST_TMPDIR/half.offset
	cdc-tail --offset "$half" --start initial --include-schema-changes=false --table 'rows_\..*' "$MY_URL" | head -n 2 | ack_all | cdc-offset commit "$half" || true
	[ "$MY_KIND" = mysql ] || my "GRANT REPLICATION MASTER ADMIN ON *.* TO cdc@'%'" # what it takes to ask
	wait_for '! cdc-tail --check --server-id 2 "$MY_URL"' 60
	run -2 cdc-tail --check --server-id 2 "$MY_URL"
	[[ $output == *'--server-id 2 is that of a replica: give another, or none'* ]]
	spawn run bash -c 'cdc-tail --offset "$OFFSET" --table "shop\..*" "$MY_URL" | tee -a "$0" | ack_all |
		cdc-offset commit "$OFFSET" --interval 100ms' "$BATS_TEST_TMPDIR/seen"
	local run=$PID
	wait_for "grep -q start '$BATS_TEST_TMPDIR/seen'" 60
	spawn writer my_client < <(write 1 150)
	local writer=$PID
	wait_for '[ "$(grep -c "\"op\":" "$BATS_TEST_TMPDIR/seen")" -ge 100 ]' 60
	kill -9 -- -$run # what was acknowledged lags, and an event may be half written
	wait $run || true
	ends $writer 0
	write 151 170 | my_client
	# A run that reads all and acknowledges none of it.
	now >>"$BATS_TEST_TMPDIR/seen.new"
	sed -i '$!b;/}$/!d' "$BATS_TEST_TMPDIR/seen"
	cat "$BATS_TEST_TMPDIR/seen.new" >>"$BATS_TEST_TMPDIR/seen"
	write 171 180 | my_client
	use 2
	wait_for '[ "$(count)" = 360 ]' 60
	"$SERVERS/$MY_KIND" kill9 "$DIR_1"
	# Promoted: its writers write.
	if [ "$MY_KIND" = mysql ]; then my 'STOP REPLICA; RESET REPLICA ALL'; else my 'STOP SLAVE; RESET SLAVE ALL'; fi
	write 181 200 | my_client
	# Within a snapshot it is a lost position, and the way out is a new snapshot.
	snapshot() { cdc-tail --offset "$half" --start initial --include-schema-changes=false --table 'rows_\..*' --until now "$MY_URL"; }
	run -5 snapshot
	[[ $output == *'the position is lost: this server is '*', by whose log its snapshot was read'*"cdc-offset set --force $half my/2/l/0/0/0/0"* ]]
	cdc-offset set --force "$half" my/2/l/0/0/0/0
	[ "$(snapshot | jq -r 'select(.op) | "\(.op)\(.after.id)"' | paste -sd' ')" = 'r1 r2 r3' ]
	cp -r "$OFFSET" "$BATS_TEST_TMPDIR/before.offset"
	# One that is cut short first, then all, with an acknowledging sink.
	cdc-tail --offset "$OFFSET" --table 'shop\..*' --until now "$MY_URL" 2>"$BATS_TEST_TMPDIR/said" | head -n 40 >>"$BATS_TEST_TMPDIR/seen" || true
	grep -q 'going on behind the GTIDs' "$BATS_TEST_TMPDIR/said"
	pipeline --until now
	each_once 200
	# Lines of both epochs; those that were known of the first have its tokens.
	[ "$(jq -r 'select(.op and .after.id == 170) | .cdc.pos | split("/")[1]' "$BATS_TEST_TMPDIR/seen" | sort -u)" = 1 ]
	[ "$(jq -r 'select(.op and .after.id == 180) | .cdc.pos | split("/")[1]' "$BATS_TEST_TMPDIR/seen" | sort -u)" = 2 ]
	# The same server after a crash: its log has a new file, and the epoch goes on.
	"$SERVERS/$MY_KIND" kill9 "$MY_DIR"
	"$SERVERS/$MY_KIND" restart "$MY_DIR" 3>&-
	write 201 210 | my_client
	pipeline --until now
	each_once 210
	[ "$(jq -r 'select(.op and .after.id == 210) | .cdc.pos | split("/")[1]' "$BATS_TEST_TMPDIR/seen" | sort -u)" = 2 ]
	# The first server comes back without what was written since.
	use 1
	"$SERVERS/$MY_KIND" restart "$MY_DIR" 3>&-
	run -5 now
	[[ $output == *'the position is lost: this server, '*', does not have '*', which was read from '*"cdc-offset set --force $OFFSET my/3/l/0/0/0/0"* ]]
	# And the second one whose log has not any more what was not read.
	use 2
	my 'FLUSH BINARY LOGS; FLUSH BINARY LOGS'
	my "PURGE BINARY LOGS TO '$(log_end | cut -d: -f1)'"
	OFFSET=$BATS_TEST_TMPDIR/before.offset
	run -5 now
	[[ $output == *'the position is lost: cannot read the log: '*"cdc-offset set --force $OFFSET my/2/l/0/0/0/0"* ]]
}

@test "MySQL: to the promoted replica: each event once; a server without the GTIDs, or the log, is status 5" {
	two mysql 'RESET BINARY LOGS AND GTIDS'
	failover
}
@test "MariaDB: to the promoted replica: each event once; a server without the GTIDs, or the log, is status 5" {
	two mariadb 'RESET MASTER' --log-slave-updates
	failover
}
