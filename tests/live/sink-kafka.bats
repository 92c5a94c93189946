# cdc-sink-kafka against a real broker: what a consumer sees, and what becomes of what cannot be delivered.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() {
	start_kafka auto.create.topics.enable=false
	"$SERVERS/kafka-topics" "$BROKER" seven:7 small:1:max.message.bytes=100000 $(seq -f 't%.0f' 40)
}
teardown_file() { stop_servers; }

setup() {
	T=t$BATS_TEST_NUMBER # a topic of the test's own, of one partition
	ID=id$BATS_TEST_NUMBER
	FIFO=$BATS_TEST_TMPDIR/lines
	REJECT=$BATS_TEST_TMPDIR/reject
	START=$(start pg/1/l/100/0/0)
	END='{"cdc":{"control":"end","status":0}}'
}

teardown() {
	cat "$BATS_TEST_TMPDIR"/sink.err 2>/dev/null || true
	kill_spawned
	kill -CONT "$(cat "$KAFKA_DIR/pid")"
}

# sink OPTION… -- LINE…: without the line by which one with transactions begins, which has its own test.
sink() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	printf '%s\n' "$@" | cdc-sink-kafka -b "$BROKER" "${options[@]}" > >(grep -v '^exact$')
}

exactly() { sink -X transactional.id="$ID" --ack-fd 1 -- "$@"; }

start() { printf '{"cdc":{"control":"start","pos":"%s","source":"%s"}}\n' "$1" "${2-7301-ab}"; }
progress() { printf '{"cdc":{"control":"progress","pos":"%s"}}\n' "$1"; }
# event TOKEN N [TOPIC [HEADERS]]
event() {
	printf '{"cdc":{"pos":"%s","topic":"%s","key":{"id":%s}%s},"n":%s,"op":"c"}\n' "$1" "${3-$T}" "$2" \
		"${4:+,\"headers\":$4}" "$2"
}
# big TOKEN BYTES [TOPIC]
big() { printf '{"cdc":{"pos":"%s","topic":"%s","key":{"id":"big"}},"a":"%0*d"}\n' "$1" "${3-$T}" "$2" 0; }

# numbers [TOPIC]: the events that a consumer sees.
numbers() { consume "${1-$T}" | jq -r .n | paste -sd' '; }

token() { consume cdc-offsets -f '%k %s\n' | sed -n "s/^$ID //p" | tail -n 1 | jq -r .token; }

# figure NAME: of --stats $BATS_TEST_TMPDIR/stats
figure() { sed -n "s/^cdc_sink_$1 //p" "$BATS_TEST_TMPDIR/stats"; }

spawn_sink() {
	rm -f "$FIFO" "$BATS_TEST_TMPDIR"/sink.*
	mkfifo "$FIFO"
	spawn sink sh -c 'fifo=$1; shift; exec "$@" <"$fifo"' sh "$FIFO" cdc-sink-kafka -b "$BROKER" "$@"
	exec 7>"$FIFO"
}

ends() {
	local status=0
	exec 7>&-
	wait "$PID" || status=$?
	[ "$status" = "$1" ] || { echo "ended with $status"; cat "$BATS_TEST_TMPDIR/sink.err"; return 1; }
}

acks() { grep -v '^exact$' "$BATS_TEST_TMPDIR/sink.out"; }
pause_broker() { kill -STOP "$(cat "$KAFKA_DIR/pid")"; }
resume_broker() { kill -CONT "$(cat "$KAFKA_DIR/pid")"; }

# ---- records

@test "key and value are Debezium's bytes: the value is all behind the header's comma" {
	sink -- '{"cdc":{"pos":"pg/1/l/1/1/1","topic":"'$T'","key":{"id": 1, "x":"é\u00e9"}},"before":null, "after":{"a":1.50e3} ,"op":"c"}' \
		'{"cdc":{"topic":"'$T'","key":null},"op":"t"}'
	run consume $T -Z -f '%K %k|%S %s|%h\n'
	[ "${lines[0]}" = '25 {"id": 1, "x":"é\u00e9"}|47 {"before":null, "after":{"a":1.50e3} ,"op":"c"}|' ]
	[ "${lines[1]}" = '-1 NULL|10 {"op":"t"}|' ]
	[ "${#lines[@]}" = 2 ]
}

@test "what Debezium sent, whole: keys, values, headers, tombstones" {
	local golden=$ROOT/tests/golden/postgres/default.ndjson.gz
	"$ROOT/tests/live/debezium-records" lines "$golden" >"$BATS_TEST_TMPDIR/in"
	"$ROOT/tests/live/debezium-records" records "$golden" >"$BATS_TEST_TMPDIR/wanted"
	cdc-sink-kafka -b "$BROKER" -t $T <"$BATS_TEST_TMPDIR/in"
	consume $T -Z -f '%k|%s|%h\n' >"$BATS_TEST_TMPDIR/got"
	[ "$(grep -c '|NULL|$' "$BATS_TEST_TMPDIR/got")" -gt 5 ]
	[ "$(grep -c '|NULL|__debezium.newkey=' "$BATS_TEST_TMPDIR/got")" -gt 0 ]
	cmp "$BATS_TEST_TMPDIR/wanted" "$BATS_TEST_TMPDIR/got"
}

@test "--with-schema: key and value are the bytes of Debezium's JSON converter with schemas.enable=true" {
	for db in postgres mysql mariadb; do
		local golden=$ROOT/tests/golden/$db/schemas.first40.ndjson.gz
		"$ROOT/tests/live/debezium-records" lines "$golden" >"$BATS_TEST_TMPDIR/in"
		"$ROOT/tests/live/debezium-records" records "$golden" >>"$BATS_TEST_TMPDIR/wanted"
		cdc-sink-kafka -b "$BROKER" -t $T --with-schema <"$BATS_TEST_TMPDIR/in"
	done
	consume $T -Z -f '%k|%s|%h\n' >"$BATS_TEST_TMPDIR/got"
	[ "$(grep -c '^{"schema":.*"payload":.*|{"schema":.*"payload":' "$BATS_TEST_TMPDIR/got")" -gt 80 ]
	cmp "$BATS_TEST_TMPDIR/wanted" "$BATS_TEST_TMPDIR/got"
}

# schema TOKEN NAME
schema() {
	echo '{"cdc":{"control":"schema","pos":"'$1'","topic":"'$T'","key":{"name":"'$2'"},"value":{"name":"'$2'"}}}'
}

@test "a record has the schema of its place, also when its transaction is made again; without one it is status 2" {
	run -1 sink -X transactional.id=$ID -X topic.metadata.propagation.max.ms=1000 --ack-fd 1 --reject "$REJECT" \
		--with-schema --stats "$BATS_TEST_TMPDIR/stats" -- "$START" "$(schema pg/1/l/200/150/1 a)" "$(event pg/1/l/200/150/1 1)" \
		"$(schema pg/1/l/200/150/2 b)" "$(event pg/1/l/200/150/2 2)" \
		"$(schema pg/1/l/200/150/3 x | sed "s/$T/none/")" "$(event pg/1/l/200/150/3 3 none)" "$(progress pg/1/l/201/0/0)" "$END"
	[ "$(figure retries_total)" = 1 ]
	[ "$(consume $T | jq -r '.schema.name + (.payload.n | tostring)' | paste -sd' ')" = 'a1 b2' ]
	run -2 sink --with-schema -- "$(event pg/1/l/200/150/1 1)"
	[[ $output == *"topic $T: no schema line"*--with-schema* ]]
}

@test "--unwrap: the row, the tombstone of a delete, and what is no row's; also with its schema" {
	local value='{"fields":[{"name":"v","field":"before"},{"name":"v","field":"after"}],"name":"e"}'
	local lines=('{"cdc":{"control":"schema","pos":"pg/1/l/1/1/1","topic":"'$T'","key":{"name":"k"},"value":'$value'}}'
		'{"cdc":{"topic":"'$T'","key":1},"before":null,"after":{"id":1},"op":"c"}'
		'{"cdc":{"topic":"'$T'","key":1},"before":{"id":1},"after":null,"op":"d"}'
		'{"cdc":{"topic":"'$T'","key":null},"before":null,"after":null,"op":"t"}'
		'{"cdc":{"topic":"'$T'","key":1},"ts_ms":5}')
	sink --unwrap -- "${lines[@]}"
	sink --unwrap --with-schema -- "${lines[@]}"
	run consume $T -Z -f '%k|%s\n'
	[ "${lines[0]}" = '1|{"id":1}' ]
	[ "${lines[1]}" = '1|NULL' ]
	[ "${lines[2]}" = '1|{"ts_ms":5}' ]
	[ "${lines[3]}" = '{"schema":{"name":"k"},"payload":1}|{"schema":{"name":"v"},"payload":{"id":1}}' ]
	[ "${lines[4]}" = '{"schema":{"name":"k"},"payload":1}|NULL' ]
	[ "${lines[5]}" = '{"schema":{"name":"k"},"payload":1}|{"schema":'$value',"payload":{"ts_ms":5}}' ]
	[ "${#lines[@]}" = 6 ]
}

@test "--create-topics: as told where one is missing, untouched where not; what the broker refuses is status 2" {
	sink --create-topics --topic-partitions 3 --topic-replication 1 --topic-config cleanup.policy=compact \
		--topic-config segment.ms=60000 -- "$(event pg/1/l/1/1/1 1 made)" "$(event pg/1/l/1/1/2 2 small)"
	[ "$("$SERVERS/kafka-topics" "$BROKER" 'made?cleanup.policy' 'made?segment.ms' 'small?cleanup.policy')" = $'compact\n60000\ndelete' ]
	[ "$(kcat -L -J -b "$BROKER" -t made | jq '.topics[0].partitions | length')" = 3 ]
	[ "$(numbers made)" = 1 ]
	sink --create-topics -X transactional.id=$ID --ack-fd 1 -- "$START" "$(event pg/1/l/200/150/1 5 made.too)" "$(progress pg/1/l/201/0/0)" "$END"
	[ "$(numbers made.too)" = 5 ]
	run -2 sink --create-topics --topic-replication 2 -- "$(event pg/1/l/1/1/1 1 unmade)"
	[[ $output == *'cannot create topic "unmade"'*eplication* ]]
	run -2 sink --create-topics --topic-config no.such=1 -- "$(event pg/1/l/1/1/1 1 unmade)"
	[[ $output == *'cannot create topic "unmade"'*no.such* ]]
	run -2 sink --topic-partitions 3 -- "$(event pg/1/l/1/1/1 1 unmade)"
	[[ $output == *--create-topics* ]]
	run -2 sink -X topic.metadata.propagation.max.ms=1000 -- "$(event pg/1/l/1/1/1 1 unmade)"
}

# delete KEY [HEADERS]
delete() { echo '{"cdc":{"topic":"'$T'","key":'"$1${2:+,\"headers\":$2}"'},"before":{"op":"c"},"after":null,"op":"d"}'; }

@test "a delete is followed by its tombstone, with its headers, also without a key; none if not wanted" {
	sink -- "$(delete '{"id":1}')" "$(delete null)" "$(delete '{"id":2}' '{"__debezium.newkey":{"id":3}}')"
	sink --tombstones-on-delete=false -- "$(delete '{"id":4}')"
	run consume $T -Z -f '%k|%s|%h\n'
	local value='{"before":{"op":"c"},"after":null,"op":"d"}'
	[ "${lines[0]}" = '{"id":1}|'$value'|' ]
	[ "${lines[1]}" = '{"id":1}|NULL|' ]
	[ "${lines[2]}" = 'NULL|'$value'|' ]
	[ "${lines[3]}" = 'NULL|NULL|' ]
	[ "${lines[4]}" = '{"id":2}|'$value'|__debezium.newkey={"id":3}' ]
	[ "${lines[5]}" = '{"id":2}|NULL|__debezium.newkey={"id":3}' ]
	[ "${lines[6]}" = '{"id":4}|'$value'|' ]
	[ "${#lines[@]}" = 7 ]
}

@test "a line that is a header alone is a tombstone, within a transaction too" {
	tombstone() { printf '{"cdc":{"pos":"%s","topic":"%s","key":{"id":%s}%s}}\n' "$1" "$T" "$2" "${3:+,\"headers\":$3}"; }
	sink -- "$(tombstone pg/1/l/200/1/1 1)" "$(tombstone pg/1/l/200/2/1 2 '{"h":"x"}')"
	exactly "$START" "$(tombstone pg/1/l/200/3/1 3)" "$(progress pg/1/l/201/0/0)" "$END"
	run consume $T -Z -f '%k|%s|%h\n'
	[ "$output" = $'{"id":1}|NULL|\n{"id":2}|NULL|h="x"\n{"id":3}|NULL|' ]
}

@test "the partition is the Java client's" {
	# From the Java client 4.4.0: BuiltInPartitioner.partitionForKey(key, 7). The first six are of its own tests.
	cat >"$BATS_TEST_TMPDIR/wanted" <<-'END'
		3 21
		0 foobar
		1 a-little-bit-long-string
		0 a-little-bit-longer-string
		3 lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8
		4 abc
		3 {"id":1}
		5 {"id":2}
		4 {"id":3}
		6 {"id":9223372036854775807}
		3 {"id":-1}
		6 {"id":1,"part":"Zürich"}
		6 {"sku":"ab/c 12"}
		2 "x"
		1 7
	END
	# A key in a line is JSON: bare words are not.
	grep -v ' [a-z]' "$BATS_TEST_TMPDIR/wanted" | sort >"$BATS_TEST_TMPDIR/json"
	sed 's/^[0-9]* //; s/.*/{"cdc":{"topic":"seven","key":&},"a":1}/' "$BATS_TEST_TMPDIR/json" |
		cdc-sink-kafka -b "$BROKER"
	consume seven -f '%p %k\n' | sort | diff "$BATS_TEST_TMPDIR/json" -
}

@test "a key's events stay in one partition's order; -p names it" {
	local at
	at=$(kcat -Q -b "$BROKER" -t seven:2:-1 | awk '{print $NF}')
	sink -p 2 -- "$(event pg/1/l/1/1/1 1 seven)" "$(event pg/1/l/1/1/2 2 seven)"
	[ "$(kcat -C -q -e -b "$BROKER" -t seven -p 2 -o "$at" | jq -r .n | paste -sd' ')" = '1 2' ]
	run -2 sink -p 9 -X topic.metadata.propagation.max.ms=1000 -- "$(event pg/1/l/1/1/1 1 seven)"
	[[ $output == *'key {"id":1}, position pg/1/l/1/1/1'* ]]
}

@test "-t in place of each line's topic, -F properties, -z compression" {
	printf '# of the test\nclient.id=me\n bootstrap.servers=%s\n' "$BROKER" >"$BATS_TEST_TMPDIR/conf"
	big pg/1/l/1/1/1 90000 elsewhere | cdc-sink-kafka -F "$BATS_TEST_TMPDIR/conf" -t $T -z zstd
	[ "$(consume $T | wc -c)" -gt 90000 ]
	[ "$(cat "$KAFKA_DIR"/data/$T-0/*.log | wc -c)" -lt 9000 ]
}

@test "lines without a header: --topic, --key" {
	sink -t $T --key after.id -- '{"after":{"id":7}}' '{"after":{"id":{"a":"b"}}, "x":[]}'
	run consume $T -f '%k|%s\n'
	[ "$output" = $'7|{"after":{"id":7}}\n{"a":"b"}|{"after":{"id":{"a":"b"}}, "x":[]}' ]
}

@test "acks and idempotence are not up for choice" {
	for property in acks=1 acks=0 enable.idempotence=false; do
		run -2 sink -X $property -- "$(event pg/1/l/1/1/1 1)"
		[[ $output == *"needs"* ]]
	done
	sink -X acks=all -- "$(event pg/1/l/1/1/1 1)"
	[ "$(numbers)" = 1 ]
}

# ---- what cannot be delivered

@test "a message too large ends the sink at it: key, position, status 3; what came before is acknowledged" {
	run -3 --separate-stderr sink --ack-fd 1 -- "$START" "$(event pg/1/l/200/150/1 1)" "$(big pg/1/l/200/150/2 1100000)" \
		"$(event pg/1/l/200/150/3 3)" "$(progress pg/1/l/201/0/0)" "$END"
	[[ $stderr == *'line 3, topic '$T', key {"id":"big"}, position pg/1/l/200/150/2'*--reject* ]]
	[[ $output != *pg/1/l/200/150/2* && $output == *'end 3' ]]
	[[ $(numbers) != *3* ]]
}

@test "a message too large for the topic alone is the broker's to refuse" {
	run -3 --separate-stderr sink --ack-fd 1 -- "$START" "$(big pg/1/l/200/150/2 150000 small)" \
		"$(progress pg/1/l/201/0/0)" "$END"
	[[ $stderr == *'line 2, topic small, key {"id":"big"}, position pg/1/l/200/150/2'* ]]
	[ "$output" = 'end 3' ]
}

@test "--reject: what is refused goes there, by the client or by the broker, and the rest goes on" {
	run -1 --separate-stderr sink --reject "$REJECT" --ack-fd 1 -X topic.metadata.propagation.max.ms=1000 -- "$START" \
		"$(event pg/1/l/200/150/1 1)" "$(big pg/1/l/200/150/2 1100000)" "$(big pg/1/l/200/150/3 150000 small)" \
		"$(event pg/1/l/200/150/4 4 none '{"h":{"a":1},"i":null}')" "$(event pg/1/l/200/150/5 5)" \
		"$(progress pg/1/l/201/0/0)" "$END"
	[ "${lines[-2]}" = pg/1/l/201/0/0 ]
	[ "${lines[-1]}" = 'end 1' ]
	[ "$(numbers)" = '1 5' ]
	run jq -c '[.line, .pos, .topic, .key, .headers, .value.n]' <(jq -s -c 'sort_by(.line)[]' "$REJECT")
	[ "${lines[0]}" = '[3,"pg/1/l/200/150/2","'$T'",{"id":"big"},null,null]' ]
	[ "${lines[1]}" = '[4,"pg/1/l/200/150/3","small",{"id":"big"},null,null]' ]
	[ "${lines[2]}" = '[5,"pg/1/l/200/150/4","none",{"id":4},{"h":{"a":1},"i":null},4]' ]
	[ "${#lines[@]}" = 3 ]
	[ "$(jq -r .reason "$REJECT" | sort -u | wc -l)" = 2 ]
	[ "$(jq -r .value.a "$REJECT" | wc -c)" -gt 1250000 ]
}

@test "a batch too large for the topic: no good record is rejected, and the setting is named" {
	local lines=("$START" $(for i in 1 2 3 4 5 6; do big pg/1/l/200/150/$i 30000 small; done) "$(progress pg/1/l/201/0/0)" "$END")
	for options in "" "-X transactional.id=$ID"; do
		run -2 --separate-stderr sink $options --reject "$REJECT" --ack-fd 1 -X linger.ms=500 -- "${lines[@]}"
		[[ $stderr == *"topic small refuses a batch"*"line 2, position pg/1/l/200/150/1"*"-X batch.size=100000"* ]]
		[ "$output" = 'end 2' ]
		[ ! -s "$REJECT" ]
		lines=("$START" $(for i in 1 2 3 4 5 6; do big pg/1/l/200/150/$i 30000 small; done) "$(progress pg/1/l/201/0/0)" "$END")
	done
	run -0 --separate-stderr sink --ack-fd 1 -X linger.ms=500 -X batch.size=100000 -- "${lines[@]}"
	[ "${lines[-2]}" = pg/1/l/201/0/0 ]
}

@test "an unknown topic: status 2 with key and position" {
	run -2 --separate-stderr sink --ack-fd 1 -X topic.metadata.propagation.max.ms=1000 -- "$START" \
		"$(event pg/1/l/200/150/1 1 none)" "$(progress pg/1/l/201/0/0)" "$END"
	[[ $stderr == *'nknown topic'*'line 2, topic none, key {"id":1}, position pg/1/l/200/150/1'* ]]
	[ "$output" = 'end 2' ]
}

@test "message.timeout.ms loses nothing: what takes longer is waited for" {
	spawn_sink --ack-fd 1 -X message.timeout.ms=500
	echo "$START" >&7
	event pg/1/l/200/150/1 1 >&7
	event pg/1/l/200/150/2 2 >&7
	wait_for 'acks | grep -qx pg/1/l/200/150/1' 60
	pause_broker
	event pg/1/l/200/150/3 3 >&7
	local paused=$SECONDS
	wait_for "[ \$SECONDS -ge $((paused + 4)) ]" 60
	event pg/1/l/200/150/4 4 >&7
	resume_broker
	progress pg/1/l/201/0/0 >&7
	echo "$END" >&7
	ends 0
	[ "$(numbers)" = '1 2 3 4' ]
}

@test "a broker that is away for a while is waited for; --stats counts the requests" {
	spawn_sink --ack-fd 1 --stats "$BATS_TEST_TMPDIR/stats"
	echo "$START" >&7
	event pg/1/l/200/150/1 1 >&7
	event pg/1/l/200/150/2 2 >&7
	wait_for 'acks | grep -qx pg/1/l/200/150/1' 60
	# A request that is never answered.
	pause_broker
	event pg/1/l/200/150/3 3 >&7
	wait_for '[ "$(figure in_flight)" = 1 ]' 60
	sleep 0.5
	"$SERVERS/kafka" kill9 "$KAFKA_DIR"
	event pg/1/l/200/150/4 4 >&7
	# Nothing is durable that the dead broker holds.
	"$SERVERS/kafka" restart "$KAFKA_DIR" 7>&-
	wait_for 'acks | grep -qx pg/1/l/200/150/3' 60
	wait_for '[ "$(figure in_flight)" = 0 ]' 60
	progress pg/1/l/201/0/0 >&7
	echo "$END" >&7
	ends 0
	[ "$(numbers)" = '1 2 3 4' ]
	[ "$(figure batches_total)" -ge 2 ]
	[ "$(figure retries_total)" -ge 1 ]
}

@test "after a stop signal a broker that does not answer is given --drain-timeout, with or without transactions" {
	for options in "" "-X transactional.id=$ID" "-X queue.buffering.max.messages=2"; do
		spawn_sink --ack-fd 1 --drain-timeout 500ms $options
		echo "$START" >&7
		progress pg/1/l/200/0/0 >&7
		wait_for 'acks | grep -qx pg/1/l/200/0/0' 60
		pause_broker
		for i in 1 2 3 4; do event pg/1/l/300/250/$i $i >&7; done
		kill -TERM "$PID"
		wait_for '! kill -0 "$PID"' 60
		resume_broker
		ends 4
		grep drain-timeout "$BATS_TEST_TMPDIR/sink.err"
		[ "$(acks)" = $'pg/1/l/200/0/0\nend 4' ]
	done
}

# ---- exactly once

@test "events and token in one transaction; a replay is dropped, and acknowledged" {
	local lines=("$START" "$(event pg/1/l/200/150/1 1)" "$(event pg/1/l/200/150/2 2)" "$(progress pg/1/l/201/0/0)" "$END")
	run -0 --separate-stderr exactly "${lines[@]}"
	[ "${lines[-1]}" = 'end 0' ]
	[ "${lines[-2]}" = pg/1/l/201/0/0 ]
	lines=("$START" "$(event pg/1/l/200/150/1 1)" "$(event pg/1/l/200/150/2 2)" "$(progress pg/1/l/201/0/0)")
	[ "$(token)" = pg/1/l/201/0/0 ]
	consume cdc-offsets -f '%k %s\n' | grep "^$ID " | tail -n 1 | grep '"source":"7301-ab"'
	run -0 --separate-stderr exactly "${lines[@]}" "$(event pg/1/l/300/250/1 3)" "$(progress pg/1/l/301/0/0)" "$END"
	[ "${lines[0]}" = pg/1/l/201/0/0 ]
	[ "$output" = $'pg/1/l/201/0/0\npg/1/l/301/0/0\nend 0' ]
	[ "$(numbers)" = '1 2 3' ]
}

@test "a sink with transactions says first that it shows nothing above its acknowledgements; another does not" {
	local lines=("$START" "$(event pg/1/l/200/150/1 1)" "$(progress pg/1/l/201/0/0)" "$END")
	run -0 --separate-stderr cdc-sink-kafka -b "$BROKER" -X transactional.id="$ID" --ack-fd 1 < <(printf '%s\n' "${lines[@]}")
	[ "${lines[0]}" = exact ]
	lines=("$START" "$(event pg/1/l/200/150/1 1)" "$(progress pg/1/l/201/0/0)" "$END")
	run -0 --separate-stderr cdc-sink-kafka -b "$BROKER" --ack-fd 1 < <(printf '%s\n' "${lines[@]}")
	[ "$output" = $'pg/1/l/201/0/0\nend 0' ]
}

@test "an incomplete token's lines stay out of the transaction" {
	exactly "$START" "$(event pg/1/l/200/150/1 1)" "$(event pg/1/l/200/150/2 2)" "$(event pg/1/l/200/150/2 3)" "$END"
	[ "$(numbers)" = 1 ]
	[ "$(token)" = pg/1/l/200/150/1 ]
	exactly "$START" "$(event pg/1/l/200/150/1 1)" "$(event pg/1/l/200/150/2 2)" "$(event pg/1/l/200/150/2 3)" \
		"$(event pg/1/l/200/150/3 4)" "$(progress pg/1/l/201/0/0)" "$END"
	[ "$(numbers)" = '1 2 3 4' ]
}

@test "handshake: another source is status 2" {
	exactly "$START" "$(progress pg/1/l/201/0/0)" "$END"
	run -2 --separate-stderr exactly "$(start pg/1/l/100/0/0 7302-cd)" "$(event pg/1/l/300/250/1 1)" "$(progress pg/1/l/301/0/0)" "$END"
	[[ $stderr == *7301-ab*7302-cd* ]]
	[ "$output" = 'end 2' ]
	[ "$(numbers)" = '' ]
}

@test "handshake: an offset ahead of the sink is status 5" {
	exactly "$START" "$(progress pg/1/l/201/0/0)" "$END"
	run -5 --separate-stderr exactly "$(start pg/1/l/202/0/0)" "$(event pg/1/l/300/250/1 1)" "$(progress pg/1/l/301/0/0)" "$END"
	[[ $stderr == *"ahead of this sink"*pg/1/l/201/0/0* ]]
	[ "$output" = 'end 5' ]
	[ "$(numbers)" = '' ]
	# Equal is not ahead.
	exactly "$(start pg/1/l/201/0/0)" "$(event pg/1/l/300/250/1 1)" "$(progress pg/1/l/301/0/0)" "$END"
	[ "$(numbers)" = 1 ]
	# An epoch that somebody asked to begin here.
	exactly '{"cdc":{"control":"start","pos":"pg/2/l/900/0/0","source":"7301-ab","begins":true}}' \
		"$(event pg/2/l/950/940/1 2)" "$(progress pg/2/l/951/0/0)" "$END"
	[ "$(numbers)" = '1 2' ]
}

@test "handshake: a sink ahead within the snapshot acknowledges its token, and the source starts there; status 4" {
	exactly "$(start pg/1/s/1/0/-/-)" "$(event pg/1/s/1/1/t/1 1)" "$(event pg/1/s/1/2/t/2 2)" "$(event pg/1/s/1/3/t/3 3)" "$END"
	[ "$(token)" = pg/1/s/1/2/t/2 ]
	run -4 --separate-stderr exactly "$(start pg/1/s/1/1/t/1)" "$(event pg/1/s/2/2/t/2 9)" "$(event pg/1/s/2/3/t/3 9)" "$END"
	[ "$output" = $'pg/1/s/1/2/t/2\nend 4' ]
	[ "$(numbers)" = '1 2' ]
	exactly "$(start pg/1/s/1/2/t/2)" "$(event pg/1/s/2/3/t/3 3)" "$(progress pg/1/l/300/0/0)" "$END"
	[ "$(numbers)" = '1 2 3' ]
}

@test "no start line, no transaction" {
	run -3 --separate-stderr exactly "$(event pg/1/l/200/150/1 1)" "$(progress pg/1/l/201/0/0)" "$END"
	[[ $stderr == *"no start line"* ]]
}

@test "the second instance fences the first: status 7, and each event is there once" {
	spawn_sink -X transactional.id=$ID --ack-fd 1
	echo "$START" >&7
	event pg/1/l/200/150/1 1 >&7
	event pg/1/l/200/150/2 2 >&7
	wait_for 'acks | grep -qx pg/1/l/200/150/1' 60
	exactly "$START" "$(event pg/1/l/200/150/1 1)" "$(event pg/1/l/200/150/2 2)" "$(event pg/1/l/200/150/3 3)" \
		"$(progress pg/1/l/201/0/0)" "$END"
	event pg/1/l/200/150/3 3 >&7
	event pg/1/l/200/150/4 4 >&7
	wait_for '! kill -0 "$PID"' 60
	ends 7
	grep 'another instance' "$BATS_TEST_TMPDIR/sink.err"
	[ "$(acks | tail -n 1)" = 'end 7' ]
	[ "$(numbers)" = '1 2 3' ]
}

@test "kill -9 within a transaction: nothing of it is seen, and it comes again" {
	spawn_sink -X transactional.id=$ID --ack-fd 1 --commit-interval 1h
	echo "$START" >&7
	for i in $(seq 50); do event pg/1/l/200/150/$i $i; done >&7
	wait_for '[ -n "$(kcat -C -q -e -b "$BROKER" -X isolation.level=read_uncommitted -t $T -o beginning)" ]' 60
	kill -9 "$PID"
	ends 137
	[ "$(numbers)" = '' ]
	exactly "$START" $(for i in $(seq 50); do event pg/1/l/200/150/$i $i; done) "$(progress pg/1/l/201/0/0)" "$END"
	[ "$(numbers)" = "$(seq 50 | paste -sd' ')" ]
}

@test "a long silence: what is complete is committed before the brokers give the transaction up" {
	spawn_sink -X transactional.id=$ID -X transaction.timeout.ms=3000 --commit-interval 1h --ack-fd 1
	echo "$START" >&7
	event pg/1/l/200/150/1 1 >&7
	event pg/1/l/200/150/2 2 >&7
	wait_for '[ "$(numbers)" = 1 ]' 60
	event pg/1/l/200/150/3 3 >&7
	wait_for '[ "$(numbers)" = "1 2" ]' 60
	progress pg/1/l/201/0/0 >&7
	echo "$END" >&7
	ends 0
	[ "$(numbers)" = '1 2 3' ]
	! grep 'trying again' "$BATS_TEST_TMPDIR/sink.err"
}

@test "a transaction that the broker gave up comes again, by the sink or by its restart, once" {
	local lines=("$START" "$(progress pg/1/l/150/0/0)" "$(event pg/1/l/200/150/1 1)" "$(event pg/1/l/200/150/2 2)" \
		"$(event pg/1/l/200/150/3 3)" "$(progress pg/1/l/201/0/0)" "$END")
	spawn_sink -X transactional.id=$ID -X transaction.timeout.ms=2000 --ack-fd 1
	printf '%s\n' "${lines[@]:0:2}" >&7
	wait_for 'acks | grep -qx pg/1/l/150/0/0' 60
	pause_broker
	printf '%s\n' "${lines[@]:2:3}" >&7
	# Longer than the transaction may take.
	local paused=$SECONDS status=0
	wait_for "[ \$SECONDS -ge $((paused + 5)) ]" 60
	resume_broker
	printf '%s\n' "${lines[@]:5}" >&7 || true
	exec 7>&-
	wait "$PID" || status=$?
	[ $status = 0 ] || [ $status = 4 ]
	run -0 --separate-stderr exactly "${lines[@]}"
	[ "$output" = $'pg/1/l/201/0/0\nend 0' ] || [ $status = 4 ]
	[ "$(numbers)" = '1 2 3' ]
}

@test "--max-rejects holds for what the broker refuses" {
	run -3 --separate-stderr sink --reject "$REJECT" --max-rejects 1 --ack-fd 1 -- "$START" \
		"$(big pg/1/l/200/150/1 1100000)" "$(big pg/1/l/200/150/2 150000 small)" "$(progress pg/1/l/201/0/0)" "$END"
	[[ $stderr == *"position pg/1/l/200/150/2"*"--max-rejects"* ]]
	[ "$(jq -r .pos "$REJECT")" = pg/1/l/200/150/1 ]
	[[ $output != *pg/1/l/200/150/2* && $output == *'end 3' ]]
}

@test "refused within a transaction: key and position, or --reject and the others once" {
	for refused in "$(big pg/1/l/200/150/2 1100000)" "$(big pg/1/l/200/150/2 150000 small)" "$(event pg/1/l/200/150/2 2 none)"; do
		ID=$ID.x
		local lines=("$START" "$(event pg/1/l/200/150/1 1)" "$refused" "$(event pg/1/l/200/150/3 3)" "$(progress pg/1/l/201/0/0)" "$END")
		run --separate-stderr sink -X transactional.id=$ID -X topic.metadata.propagation.max.ms=1000 --ack-fd 1 -- "${lines[@]}"
		[[ $stderr == *'line 3, topic '*', position pg/1/l/200/150/2'*--reject* ]]
		[[ $status = [23] && $output == "end $status" ]]
		lines=("$START" "$(event pg/1/l/200/150/1 1)" "$refused" "$(event pg/1/l/200/150/3 3)" "$(progress pg/1/l/201/0/0)" "$END")
		run -1 --separate-stderr sink -X transactional.id=$ID -X topic.metadata.propagation.max.ms=1000 --ack-fd 1 \
			--reject "$REJECT" --stats "$BATS_TEST_TMPDIR/stats" -- "${lines[@]}"
		[ "${lines[-1]}" = 'end 1' ]
	done
	# The last was refused after it was handed over, so the transaction was made twice.
	grep -qx 'cdc_sink_retries_total 1' "$BATS_TEST_TMPDIR/stats"
	grep -qx 'cdc_sink_rejects_total 1' "$BATS_TEST_TMPDIR/stats"
	[ "$(numbers)" = '1 3 1 3 1 3' ]
	[ "$(jq -c '[.line, .pos]' "$REJECT" | sort -u)" = '[3,"pg/1/l/200/150/2"]' ]
}

@test "--offsets-topic is made compacted; sinks share it" {
	ID=one exactly "$START" "$(progress pg/1/l/201/0/0)" "$END"
	sink -X transactional.id=two --offsets-topic other --ack-fd 1 -- "$START" "$(progress pg/1/l/202/0/0)" "$END"
	[ "$(consume other -f '%k')" = two ]
	[ "$("$SERVERS/kafka-topics" "$BROKER" 'cdc-offsets?cleanup.policy' 'cdc-offsets?segment.ms' 'other?cleanup.policy')" = \
		$'compact\n3600000\ncompact' ]
	# One that forgets is refused, and one of another's making taken.
	"$SERVERS/kafka-topics" "$BROKER" forgets:1:cleanup.policy=delete keeps:1:cleanup.policy=compact
	run -2 --separate-stderr sink -X transactional.id=two --offsets-topic forgets --ack-fd 1 -- "$START" "$END"
	[[ $stderr == *'"forgets" has cleanup.policy=delete'*'--add-config cleanup.policy=compact'* ]]
	sink -X transactional.id=two --offsets-topic keeps --ack-fd 1 -- "$START" "$(progress pg/1/l/202/0/0)" "$END"
	# A token that is not ours to read ends the sink.
	printf 'three rubbish\n' | kcat -P -b "$BROKER" -t cdc-offsets -K ' '
	run -3 --separate-stderr sink -X transactional.id=three --ack-fd 1 -- "$START" "$(progress pg/1/l/202/0/0)" "$END"
	[[ $stderr == *'topic "cdc-offsets", offset '*"no position"* ]]
}

@test "the pipeline's statuses reach cdc-offset, and what is durable its folder" {
	local dir=$BATS_TEST_TMPDIR/shop.offset
	run -0 bash -c 'printf "%s\n" "${@:3}" | cdc-sink-kafka -b "$BROKER" -X transactional.id=$2 --ack-fd 3 3>&1 >&2 |
		cdc-offset commit "$1"' - "$dir" $ID "$START" "$(event pg/1/l/200/150/1 1)" "$(progress pg/1/l/201/0/0)" "$END"
	[ "$(jq -r .sinks.default.token "$dir/position")" = pg/1/l/201/0/0 ]
	run -5 bash -c 'printf "%s\n" "${@:3}" | cdc-sink-kafka -b "$BROKER" -X transactional.id=$2 --ack-fd 3 3>&1 >&2 |
		cdc-offset commit "$1"' - "$dir" $ID "$(start pg/1/l/500/0/0)" "$END"
}

@test "a position behind another producer's open transaction is seen: the sink waits for that one's end" {
	spawn_sink -X transactional.id=$ID --ack-fd 1
	printf '%s\n' "$START" "$(progress pg/1/l/150/0/0)" >&7
	wait_for 'acks | grep -qx pg/1/l/150/0/0' 60
	# Another sink's records in the positions' topic.
	mkfifo "$BATS_TEST_TMPDIR/other"
	local first=$PID
	spawn other sh -c 'exec cdc-sink-kafka -b "$1" -X transactional.id=left -X transaction.timeout.ms=3000 \
		--offsets-topic other -t cdc-offsets --commit-interval 1h <"$2"' - "$BROKER" "$BATS_TEST_TMPDIR/other"
	exec 8>"$BATS_TEST_TMPDIR/other"
	printf '%s\n' "$START" "$(event pg/1/l/200/150/1 777)" "$(event pg/1/l/200/150/2 777)" >&8
	wait_for 'kcat -C -q -e -b "$BROKER" -X isolation.level=read_uncommitted -t cdc-offsets -o beginning | grep 777' 60
	printf '%s\n' "$(event pg/1/l/200/150/1 1)" "$(progress pg/1/l/201/0/0)" "$END" >&7
	kill -9 "$PID"
	exec 8>&-
	PID=$first
	ends 0
	run -0 --separate-stderr exactly "$START" "$(event pg/1/l/200/150/1 1)" "$(progress pg/1/l/201/0/0)" "$END"
	[ "$output" = $'pg/1/l/201/0/0\nend 0' ]
	[ "$(numbers)" = 1 ]
}

@test "memory is bounded while the broker does not answer" {
	case $CDC_BIN in *release) ;; *) skip "sanitizers take more" ;; esac
	for options in "" "-X transactional.id=$ID"; do
		spawn_sink --ack-fd 1 $options
		echo "$START" >&7
		progress pg/1/l/100/0/0 >&7
		wait_for 'acks | grep -qx pg/1/l/100/0/0' 60
		pause_broker
		local sink=$PID
		# 400 MB; the writer is stopped by the full pipe.
		spawn feed sh -c 'seq -f "$1" 400000 >&7' - "$(big pg/1/l/1%06.0f/150/1 1000)"
		# librdkafka reads its own wake-ups, too: a few bytes a second.
		local before=-65536 now=0
		while [ $((now - before)) -ge 65536 ]; do
			before=$now
			sleep 1
			now=$(sed -n 's/^rchar: //p' "/proc/$sink/io")
		done
		[ "$now" -gt 10000000 ] && [ "$now" -lt 200000000 ]
		[ "$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$sink/status")" -lt $((128 << 10)) ]
		kill -9 -- -$PID
		PID=$sink
		kill -9 "$PID"
		ends 137
		resume_broker
	done
}
