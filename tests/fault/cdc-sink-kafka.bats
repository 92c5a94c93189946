# The whole pipeline to Kafka under what an operator's day brings: a full disk, folders lost, old or ahead, a second sink, a
# broker that is down. A real server and a real broker.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() {
	start_postgres
	start_kafka
}
teardown_file() { stop_servers; }

setup() {
	T=t$BATS_TEST_NUMBER
	ID=id$BATS_TEST_NUMBER
	TOPIC=postgres.public.$T
	DIR=$BATS_TEST_TMPDIR/$T.offset
	sql "CREATE TABLE $T (id int PRIMARY KEY)"
}

teardown() {
	cat "$BATS_TEST_TMPDIR"/*.err 2>/dev/null || true
	kill_spawned
	umount "$BATS_TEST_TMPDIR/disk" 2>/dev/null || true
	sql "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active" >/dev/null
}

PIPELINE='cdc-tail --offset "$1" --table "public\.$2" ${5-} "$PG_URL" | cdc-sink-kafka -b "$BROKER" $4 --ack-fd 3 3>&1 >&2 |
	${6-} cdc-offset commit "$1"'
# pipeline [OPTION of cdc-tail…]: to the end of the log.
pipeline() { bash -c "$PIPELINE" - "$DIR" $T $ID "-X transactional.id=$ID" "--until now $*"; }
ids() { consume $TOPIC | jq -r '.after.id' | paste -sd' '; }

# ---- the disk under the folder

# A disk of 64 KiB: a mount of its own, or without the right to one, what tells cdc-offset that the disk is full.
make_disk() {
	mkdir "$BATS_TEST_TMPDIR/disk"
	DIR=$BATS_TEST_TMPDIR/disk/$T.offset
	mount -t tmpfs -o size=64k none "$BATS_TEST_TMPDIR/disk" 2>/dev/null || shim=yes
}

# full_disk SINK-OPTIONS: the ids 1 to 40, the disk full from the second on, and a second run with room.
full_disk() {
	local shim= full= status=0 i
	make_disk
	bash -c "$PIPELINE" - "$DIR" $T $ID "$1" "--until now"
	sql "INSERT INTO $T VALUES (1)"
	if [ -z "$shim" ]; then
		spawn pipeline bash -c "$PIPELINE" - "$DIR" $T $ID "$1"
		wait_for '[ "$(ids)" = 1 ]' 60
		head -c 1M /dev/zero >"$BATS_TEST_TMPDIR/disk/full" 2>/dev/null || true
	else
		full="env LD_PRELOAD=$CDC_BIN/tests/fault/shim.so ASAN_OPTIONS=verify_asan_link_order=0 FAULT=write:3+:ENOSPC FAULT_UNDER=$DIR"
		spawn pipeline bash -c "$PIPELINE" - "$DIR" $T $ID "$1" "" "$full"
	fi
	for i in $(seq 2 40); do sql "INSERT INTO $T VALUES ($i)"; done
	wait "$PID" || status=$?
	[ "$status" = 6 ]
	grep 'No space left' "$BATS_TEST_TMPDIR/pipeline.err"
	rm -f "$BATS_TEST_TMPDIR/disk/full"
	bash -c "$PIPELINE" - "$DIR" $T $ID "$1" "--until now"
}

@test "a full disk under the folder: status 6, nothing is lost; with room again it goes on, each event once" {
	full_disk "-X transactional.id=$ID"
	[ "$(ids)" = "$(seq 40 | paste -sd' ')" ]
}

@test "the same without transactions: each event at least once" {
	full_disk ""
	[ "$(ids | tr ' ' '\n' | sort -n -u | paste -sd' ')" = "$(seq 40 | paste -sd' ')" ]
}

# ---- the folder and the sink's own position

@test "the folder deleted: a new one is another source to the sink, status 2; pulled, each event once" {
	pipeline
	sql "INSERT INTO $T VALUES (1)"
	pipeline
	sql "INSERT INTO $T VALUES (2)"
	rm -rf "$DIR"
	run -2 pipeline
	[[ $output == *"the sink holds the position of source"* ]]
	rm -rf "$DIR"
	cdc-offset pull -b "$BROKER" $ID "$DIR"
	sql "INSERT INTO $T VALUES (3)"
	pipeline
	[ "$(ids)" = '1 2 3' ]
}

# confirmed: how far the slot is
confirmed() { sql "SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots"; }

@test "the folder of a day before: what the sink has is dropped; with a slot that is further, status 5 and a pull" {
	local old
	pipeline
	sql "INSERT INTO $T VALUES (1)"
	pipeline
	cp -a "$DIR" "$DIR.old"
	cp -a "$DIR" "$DIR.older"
	old=$(confirmed)
	sql "INSERT INTO $T VALUES (2)"
	pipeline
	# As a rule the run has ended before the slot was told.
	if [ "$(confirmed)" = "$old" ]; then
		rm -rf "$DIR"
		mv "$DIR.old" "$DIR"
		sql "INSERT INTO $T VALUES (3)"
		pipeline
		[ "$(ids)" = '1 2 3' ]
	else
		sql "INSERT INTO $T VALUES (3)"
	fi
	spawn pipeline bash -c "$PIPELINE" - "$DIR" $T $ID "-X transactional.id=$ID"
	wait_for '[ "$(confirmed)" -gt '"$old"' ] && [ "$(ids)" = "1 2 3" ]' 60
	kill -- -"$PID"
	wait "$PID" || true
	wait_for '[ "$(sql "SELECT active FROM pg_replication_slots")" = f ]' 60
	sql "INSERT INTO $T VALUES (4)"
	rm -rf "$DIR"
	mv "$DIR.older" "$DIR"
	run -5 pipeline
	[ "$(ids)" = '1 2 3' ]
	cdc-offset pull -b "$BROKER" $ID "$DIR"
	pipeline
	[ "$(ids)" = '1 2 3 4' ]
}

@test "a folder ahead of the sink, as after the restore of an older topic: status 5, nothing is written" {
	pipeline
	sql "INSERT INTO $T VALUES (1)"
	pipeline
	local old
	old=$(consume cdc-offsets -f '%k %s\n' | grep "^$ID {" | tail -n 1)
	sql "INSERT INTO $T VALUES (2)"
	pipeline
	sql "INSERT INTO $T VALUES (3)"
	echo "$old" | kcat -P -b "$BROKER" -t cdc-offsets -K ' '
	run -5 pipeline
	[[ $output == *"ahead of this sink"* ]]
	[ "$(ids)" = '1 2' ]
}

# ---- two sinks

@test "two sinks with one transactional.id at the same time: one ends with status 7, and each event is there once, in order" {
	local round first second status
	for round in 1 2 3; do
		TOPIC=two$round
		# 4,000 events in two seconds.
		cat >"$BATS_TEST_TMPDIR/slowly" <<-'END'
			import sys, time
			print('{"cdc":{"control":"start","pos":"pg/1/l/100/0/0","source":"7301-ab"}}')
			for number in range(1000, 5000):
			    print('{"cdc":{"pos":"pg/1/l/%d/150/1","topic":"%s","key":null},"id":%d}' % (number, sys.argv[1], number))
			    if number % 20 == 19:
			        sys.stdout.flush()
			        time.sleep(0.01)
			print('{"cdc":{"control":"progress","pos":"pg/1/l/9999/0/0"}}\n{"cdc":{"control":"end","status":0}}')
		END
		local feed='python3 "$1/slowly" $3 | cdc-sink-kafka -b "$BROKER" -X transactional.id=$2 --ack-fd 1 --commit-interval 10ms'
		spawn first bash -c "$feed" - "$BATS_TEST_TMPDIR" $ID$round $TOPIC
		first=$PID
		wait_for 'grep -q pg/1/l/1 "$BATS_TEST_TMPDIR/first.out"' 60
		spawn second bash -c "$feed" - "$BATS_TEST_TMPDIR" $ID$round $TOPIC
		status=0
		wait "$PID" || status=$?
		[ "$status" = 0 ]
		status=0
		wait "$first" || status=$?
		[ "$status" = 7 ]
		[ "$(tail -n 1 "$BATS_TEST_TMPDIR/first.out")" = 'end 7' ]
		consume $TOPIC | jq -r .id | cmp - <(seq 1000 4999)
	done
}

# ---- the broker

@test "a broker that is down for 30 s with message.timeout.ms=5000: back-pressure, no loss, plain and in transactions" {
	local name
	for name in plain exact; do
		cat >"$BATS_TEST_TMPDIR/$name.sh" <<-END
			{
				echo '{"cdc":{"control":"start","pos":"pg/1/l/100/0/0","source":"7301-ab"}}'
				i=1000000
				while [ ! -e "$BATS_TEST_TMPDIR/stop" ]; do
					seq -f '{"cdc":{"pos":"pg/1/l/%.0f/150/1","topic":"down$name","key":null},"fill":"$(printf '%0200d' 0)","op":"c"}' \$i \$((i + 9999))
					i=\$((i + 10000))
					echo \$i >"$BATS_TEST_TMPDIR/$name.written"
					[ -e "$BATS_TEST_TMPDIR/down" ] || sleep 0.2
				done
				echo '{"cdc":{"control":"progress","pos":"pg/1/l/99999999/0/0"}}'
				echo '{"cdc":{"control":"end","status":0}}'
			} | cdc-sink-kafka -b "$BROKER" -X message.timeout.ms=5000 --ack-fd 1 \$*
		END
	done
	spawn plain bash "$BATS_TEST_TMPDIR/plain.sh"
	local plain=$PID
	spawn exact bash "$BATS_TEST_TMPDIR/exact.sh" -X transactional.id=$ID
	local exact=$PID
	wait_for 'grep -q pg/1/l/1 "$BATS_TEST_TMPDIR/plain.out" && grep -q pg/1/l/1 "$BATS_TEST_TMPDIR/exact.out"' 60
	"$SERVERS/kafka" kill9 "$KAFKA_DIR"
	touch "$BATS_TEST_TMPDIR/down"
	local killed=$SECONDS written
	wait_for "[ \$SECONDS -ge $((killed + 20)) ]" 60
	written=$(cat "$BATS_TEST_TMPDIR"/{plain,exact}.written)
	wait_for "[ \$SECONDS -ge $((killed + 30)) ]" 60
	# Both are there, and their writers stand still.
	kill -0 "$plain" && kill -0 "$exact"
	[ "$(cat "$BATS_TEST_TMPDIR"/{plain,exact}.written)" = "$written" ]
	touch "$BATS_TEST_TMPDIR/stop"
	"$SERVERS/kafka" restart "$KAFKA_DIR" 3>&-
	wait "$plain"
	wait "$exact"
	local now
	for name in plain exact; do
		now=$(cat "$BATS_TEST_TMPDIR/$name.written")
		[ "$(tail -n 1 "$BATS_TEST_TMPDIR/$name.out")" = 'end 0' ]
		[ "$(consume down$name | wc -l)" = $((now - 1000000)) ]
	done
}

# ---- bad input

@test "bad input: cut lines, wrong UTF-8, huge lines, no key, no header, unknown op, token order: documented statuses" {
	local start='{"cdc":{"control":"start","pos":"pg/1/l/100/0/0","source":"7301-ab"}}' end='{"cdc":{"control":"end","status":0}}'
	local options
	event() { printf '{"cdc":{"pos":"pg/1/l/%s/150/1","topic":"bad","key":%s},"op":"%s","n":"%s"}\n' "$1" "${2-1}" "${3-c}" "${4-n}"; }
	bad() { printf '%s\n' "$start" "$@" "$end" | cdc-sink-kafka -b "$BROKER" $options --ack-fd 1; }
	for options in "" "-X transactional.id=$ID"; do
		run -3 bad "$(event 200 | head -c 40)"
		run -3 bad "$(event 200 1 c $'\xff\xfe')"
		[[ $output == *"line 2: byte"* ]]
		run -3 bash -c 'head -c 3000000 /dev/zero | tr "\0" x | cdc-sink-kafka -b "$BROKER" --max-line 1MiB '"$options -t bad"
		run -3 bad '{"op":"c"}'
		run -3 bad "$(event 300)" "$(event 200)"
		run -3 bad '{"cdc":{"control":"start","pos":"nonsense","source":"7301-ab"}}'
		# The source died within a line.
		run -4 bash -c 'printf "%s\n%s" "$1" "$2" | cdc-sink-kafka -b "$BROKER" --ack-fd 1 '"$options" - "$start" "$(event 200 | head -c 40)"
		# No key, and an operation that nobody knows, are Kafka's to take.
		run -0 bad "$(event 400 null x)" '{"cdc":{"control":"progress","pos":"pg/1/l/401/0/0"}}'
	done
	[ "$(consume bad | jq -r .op | sort -u | paste -sd' ')" = x ] || [ "$(consume bad | grep -c '"op":"x"')" = 2 ]
}
