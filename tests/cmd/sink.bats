# cdc-sink-kafka's framing, statuses and acknowledgements, against librdkafka's own mock cluster within it.
bats_require_minimum_version 1.5.0
load ../lib

setup() {
	FIFO=$BATS_TEST_TMPDIR/lines
	REJECT=$BATS_TEST_TMPDIR/reject
	START='{"cdc":{"control":"start","pos":"pg/1/l/100/0/0","source":"7301-ab"}}'
	END='{"cdc":{"control":"end","status":0}}'
}

teardown() { kill_spawned; }

mock_sink() { cdc-sink-kafka -X test.mock.num.brokers=1 "$@"; }

# sink OPTION… -- LINE…
sink() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	printf '%s\n' "$@" | mock_sink "${options[@]}"
}

# event TOKEN [VALUE-MEMBERS]
event() { printf '{"cdc":{"pos":"%s","topic":"t","key":{"id":1}},%s}\n' "$1" "${2-\"op\":\"c\"}"; }
progress() { printf '{"cdc":{"control":"progress","pos":"%s"}}\n' "$1"; }

# Starts a sink that reads what the test writes on descriptor 7; its acknowledgements are in sink.out.
spawn_sink() {
	mkfifo "$FIFO"
	spawn sink sh -c 'fifo=$1; shift; exec "$@" <"$fifo"' sh "$FIFO" cdc-sink-kafka "$@"
	exec 7>"$FIFO"
}

ends() {
	local status=0
	exec 7>&-
	wait "$PID" || status=$?
	[ "$status" = "$1" ] || { echo "ended with $status"; cat "$BATS_TEST_TMPDIR/sink.err"; return 1; }
}

acks() { cat "$BATS_TEST_TMPDIR/sink.out"; }

@test "the token of all that is durable, then the source's status" {
	run -0 --separate-stderr sink --ack-fd 1 -- "$START" "$(event pg/1/l/200/150/1)" "$(progress pg/1/l/201/0/0)" "$END"
	[ "${lines[-2]}" = pg/1/l/201/0/0 ]
	[ "${lines[-1]}" = 'end 0' ]
	[ "$stderr" = "" ]
}

@test "the end of the input completes no token" {
	run -0 --separate-stderr sink --ack-fd 1 -- "$START" "$(event pg/1/l/200/150/1)" "$(event pg/1/l/200/150/2)" \
		"$(event pg/1/l/200/150/2)" "$END"
	[ "$output" = $'pg/1/l/200/150/1\nend 0' ]
}

@test "the end line's status is handed on and is the sink's own" {
	for status in 1 2 3 4 5 7; do
		run -$status --separate-stderr sink --ack-fd 1 -- "$START" "{\"cdc\":{\"control\":\"end\",\"status\":$status}}"
		[ "$output" = "end $status" ]
	done
}

@test "without the end line the source died: status 4" {
	run -4 --separate-stderr sink --ack-fd 1 -- "$(progress pg/1/l/201/0/0)"
	[ "$output" = $'pg/1/l/201/0/0\nend 4' ]
	[[ $stderr == *"end"*"line"*"died"* ]]
	run -4 sink -- "$START"
	# A file of plain lines has none.
	run -0 sink -t t -- '{"a":1}'
}

@test "a graver status of the sink's own wins over the source's, and the other way round" {
	run -3 --separate-stderr sink --ack-fd 1 -- '{"cdc":{"control":"end","status":4}}' broken
	[ "$output" = 'end 3' ]
	run -5 --separate-stderr sink --ack-fd 1 -- '{"cdc":{"control":"end","status":5}}' "$START"
	[ "$output" = 'end 5' ]
}

@test "progress alone is acknowledged, at once" {
	spawn_sink -X test.mock.num.brokers=1 --ack-fd 1
	progress pg/1/l/201/0/0 >&7
	wait_for 'acks | grep -qx pg/1/l/201/0/0' 60
	progress pg/1/l/202/0/0 >&7
	wait_for 'acks | grep -qx pg/1/l/202/0/0' 60
	echo "$END" >&7
	ends 0
}

@test "a token is complete when a higher one is read, not before" {
	spawn_sink -X test.mock.num.brokers=1 --ack-fd 1
	event pg/1/l/200/150/1 >&7
	event pg/1/l/200/150/2 >&7
	wait_for 'acks | grep -qx pg/1/l/200/150/1' 60
	event pg/1/l/200/150/2 >&7
	event pg/1/l/200/150/3 >&7
	wait_for 'acks | grep -qx pg/1/l/200/150/2' 60
	! acks | grep -x pg/1/l/200/150/3
	echo "$END" >&7
	ends 0
	! acks | grep -x pg/1/l/200/150/3
}

@test "--ack-fd is checked at the start, with the idiom" {
	for fd in 201 202 1023 1024 99999; do
		run -2 sink -t t --ack-fd $fd -- '{"a":1}'
	done
	# Numbers that the process opens for itself were not given to it.
	run -2 bash -c 'exec 3>&- 4>&- 5>&- 6>&-; cdc-sink-kafka -X test.mock.num.brokers=1 --reject "$1" --ack-fd 4' - \
		"$REJECT" </dev/null
	[[ $output == *"--ack-fd 4 is not open"*"3>&1 >&2 |"* ]]
	run -2 bash -c 'cdc-sink-kafka -X test.mock.num.brokers=1 --ack-fd 3 3</dev/null'
	run -0 bash -c 'printf "%s\n" "$1" | cdc-sink-kafka -X test.mock.num.brokers=1 --ack-fd 3 3>&1 >&2' - "$END"
	[ "$output" = 'end 0' ]
}

@test "a reader of the acknowledgements that went away is status 4" {
	run -4 bash -c '{ printf "%s\n" "$1"; sleep 0.2; printf "%s\n" "$2" "$3"; } | {
		cdc-sink-kafka -X test.mock.num.brokers=1 --ack-fd 3 3>&1 >&2; echo "status $?" >&2; exit; } | true' - \
		"$(progress pg/1/l/201/0/0)" "$(progress pg/1/l/202/0/0)" "$END"  2>&1 || true
	[[ $output == *"acknowledgements: Broken pipe"*"status 4"* ]]
}

@test "a reader that does not read holds up no delivery, and gets the newest token" {
	mkfifo "$FIFO" "$BATS_TEST_TMPDIR/acks"
	exec 8<>"$BATS_TEST_TMPDIR/acks"
	# More tokens than a pipe holds; the sink reads them all.
	spawn sink sh -c 'exec cdc-sink-kafka -X test.mock.num.brokers=1 --ack-fd 3 <"$1" 3>"$2"' sh "$FIFO" "$BATS_TEST_TMPDIR/acks"
	exec 7>"$FIFO"
	for i in $(seq 101 160); do
		seq -f '{"cdc":{"control":"progress","pos":"pg/1/l/'$i'%05.0f/0/0"}}' 0 999 >&7
		sleep 0.01
	done
	echo "$END" >&7
	exec 7>&-
	timeout 60 sh -c 'sed "/^end/q"' <&8 >"$BATS_TEST_TMPDIR/got"
	exec 8>&-
	wait "$PID"
	[ "$(tail -n 2 "$BATS_TEST_TMPDIR/got")" = $'pg/1/l/16000999/0/0\nend 0' ]
}

@test "a last line without its newline is never an event" {
	run -3 bash -c 'printf "{\"a\":1}\n{\"a\":2}" | cdc-sink-kafka -X test.mock.num.brokers=1 -t t'
	[[ $output == *"line 2 is cut"* ]]
	run -4 --separate-stderr bash -c 'printf "%s\n%s" "$1" "$2" | cdc-sink-kafka -X test.mock.num.brokers=1 --ack-fd 1' - \
		"$(progress pg/1/l/201/0/0)" "$(progress pg/1/l/202/0/0)"
	[ "$output" = $'pg/1/l/201/0/0\nend 4' ]
	[[ $stderr == *"ended within a line"* ]]
}

@test "bad lines are status 3 with the line and the byte" {
	while IFS='|' read -r line what; do
		run -3 sink -t t -- '{"a":1}' "$(printf "$line")"
		[[ $output == *"line 2: $what"* ]] || { echo "$line: $output"; false; }
	done <<-'END'
		{"a":|byte 6: this is no JSON
		{"a":1}}|byte 8: this is no JSON
		{"a":"\xff"}|byte 7: this is no JSON
		{"a":"\xc0\x80"}|byte 7: this is no JSON
		{"a":"\xed\xa0\x80"}|byte 8: this is no JSON
		{"a":1} {"b":2}|byte 9: this is no JSON
		|byte 1: this is no JSON
		[1]|byte 1: the line is no JSON object
		7|byte 1: the line is no JSON object
		{"a":1,"cdc":{"pos":"pg/1/l/1/1/1"}}|byte 14: the line's header is broken
		{ "cdc":{"pos":"pg/1/l/1/1/1","topic":"t","key":null},"a":1}|byte 9: the line's header is broken
		{"cdc":{"pos":"pg/1/l/1/1/1"},"a":1}|byte 29: the line's header is broken
		{"cdc":{"pos":"pg/1/l/1/1/x","topic":"t","key":null},"a":1}|"pg/1/l/1/1/x" is not a position
	END
}

@test "a token below the one before is bad data" {
	run -3 sink -- "$START" "$(event pg/1/l/200/150/1)" "$(event pg/1/l/200/149/1)" "$END"
	[[ $output == *"line 3: position pg/1/l/200/149/1 comes after pg/1/l/200/150/1"* ]]
	run -3 sink -- "$START" "$(progress pg/1/l/201/0/0)" "$(event pg/1/l/200/150/1)" "$END"
	run -3 sink -- "$START" "$(event pg/1/l/200/150/1)" "$(event my/1/l/1/300/1/310)" "$END"
}

@test "a line longer than --max-line is status 3, however it comes" {
	for n in 2000 600000 3000000; do
		run -3 bash -c 'printf "{\"a\":1}\n{\"a\":\"%0*d\"}\n" '$n' 0 |
			cdc-sink-kafka -X test.mock.num.brokers=1 -t t --max-line 1KiB'
		[[ $output == *"line 2 is longer than 1024 bytes"*"--max-line"* ]]
	done
	run -0 bash -c 'printf "{\"a\":\"%0*d\"}\n" 1016 0 | cdc-sink-kafka -X test.mock.num.brokers=1 -t t --max-line 1KiB'
	run -3 bash -c 'printf "{\"a\":\"%0*d\"}\n" 1017 0 | cdc-sink-kafka -X test.mock.num.brokers=1 -t t --max-line 1KiB'
}

@test "with --ack-fd a line without a position is bad data" {
	run -3 --separate-stderr sink --ack-fd 1 -- '{"cdc":{"topic":"t","key":null},"a":1}'
	[[ $stderr == *"line 1: the line has no position to acknowledge"* ]]
	run -3 --separate-stderr sink --ack-fd 1 -t t -- '{"a":1}'
	[[ $stderr == *'line 1: the line has no "cdc" header'* ]]
	run -0 sink -- '{"cdc":{"topic":"t","key":null},"a":1}'
}

@test "a line without a header needs a topic, and the key that --key names" {
	run -3 sink -- '{"a":1}'
	[[ $output == *"-t TOPIC"* ]]
	run -0 sink -t t --key a.b -- '{"a":{"b":1}}'
	run -3 sink -t t --key a.c -- '{"a":{"b":1}}'
	[[ $output == *"line 1: the line has no a.c to be its key"* ]]
}

@test "--reject takes bad lines with the reason and goes on; status 1" {
	run -1 --separate-stderr sink --reject "$REJECT" --ack-fd 1 -- "$START" "$(event pg/1/l/200/150/1 '"a":')" \
		"$(printf 'caf\xe9')" '{"a":1}' "$(progress pg/1/l/201/0/0)" "$END"
	[ "${lines[-2]}" = pg/1/l/201/0/0 ]
	[ "${lines[-1]}" = 'end 1' ]
	run jq -c '[.line, .pos, .reason, .text, .base64]' "$REJECT"
	[ "${lines[0]}" = '[2,"pg/1/l/200/150/1","byte 66: this is no JSON","{\"cdc\":{\"pos\":\"pg/1/l/200/150/1\",\"topic\":\"t\",\"key\":{\"id\":1}},\"a\":}",null]' ]
	[ "${lines[1]}" = '[3,null,"byte 1: this is no JSON",null,"Y2Fm6Q=="]' ]
	[[ ${lines[2]} == '[4,null,"the line has no '*'","{\"a\":1}",null]' ]]
	[ "${#lines[@]}" = 3 ]
}

@test "--reject appends, and a file that cannot be opened or written is told" {
	sink --reject "$REJECT" -t t -- x || true
	sink --reject "$REJECT" -t t -- y || true
	[ "$(jq -c .text "$REJECT")" = $'"x"\n"y"' ]
	run -6 sink --reject "$BATS_TEST_TMPDIR/none/reject" -t t -- x
	run -6 --separate-stderr sink --reject /dev/full --ack-fd 1 -- "$(progress pg/1/l/100/0/0)" x "$(progress pg/1/l/200/0/0)" "$END"
	[[ $output != *pg/1/l/200* ]]
}

@test "--reject does not take what breaks the order of all" {
	run -3 sink --reject "$REJECT" -- "$START" "$(event pg/1/l/200/150/1)" "$(event pg/1/l/200/149/1)" "$END"
	[ ! -s "$REJECT" ]
}

@test "lines of a second source are bad data; a second start of the same is a tail behind a snapshot" {
	run -3 sink -- "$START" "$END" '{"cdc":{"control":"start","pos":"pg/1/l/100/0/0","source":"7302-cd"}}' "$END"
	[[ $output == *"7302-cd"*"7301-ab"* ]]
	run -0 sink -- "$START" "$(event pg/1/l/200/150/1)" "$END" "$START" "$(event pg/1/l/200/150/2)" "$END"
	# The second one died.
	run -4 sink -- "$START" "$END" "$START"
}

@test "the first stop signal is ignored: the sink reads on to the end" {
	spawn_sink -X test.mock.num.brokers=1 --ack-fd 1
	progress pg/1/l/201/0/0 >&7
	wait_for 'acks | grep -qx pg/1/l/201/0/0' 60
	kill -TERM "$PID"
	progress pg/1/l/202/0/0 >&7
	wait_for 'acks | grep -qx pg/1/l/202/0/0' 60
	echo "$END" >&7
	ends 0
}

@test "after a stop signal the sink waits for --drain-timeout at most" {
	spawn_sink -X test.mock.num.brokers=1 --ack-fd 1 --drain-timeout 100ms
	progress pg/1/l/201/0/0 >&7
	wait_for 'acks | grep -qx pg/1/l/201/0/0' 60
	kill -INT "$PID"
	wait_for '! kill -0 "$PID"' 60
	ends 4
	grep drain-timeout "$BATS_TEST_TMPDIR/sink.err"
	[ "$(acks | tail -n 1)" = 'end 4' ]
}

@test "the second stop signal ends the sink at once" {
	spawn_sink -X test.mock.num.brokers=1 --ack-fd 1 --drain-timeout 1h
	progress pg/1/l/201/0/0 >&7
	wait_for 'acks | grep -qx pg/1/l/201/0/0' 60
	wait_for '! kill -TERM "$PID"' 60
	ends 4
}

@test "usage errors are status 2, and no secret is shown" {
	while IFS='|' read -r options what; do
		run -2 bash -c "cdc-sink-kafka $options </dev/null"
		[[ $output == *"$what"* ]] || { echo "$options: $output"; false; }
		[[ $output != *hush* ]]
	done <<-END
		|no brokers
		-X nonsense=1|nonsense
		-b localhost:1 -X acks|name=value
		-X sasl.mechanism=SCRAM-SHA-256 -X security.protocol=sasl_plaintext -X ssl.keystore.location=/none -X ssl.keystore.password=hush|
		-F $BATS_TEST_TMPDIR/none|none
		-b localhost:1 -p 99999999999|partition
		-b localhost:1 -z brotli|brotli
		-b localhost:1 operand|too many
	END
	printf '# a comment\n\n  bootstrap.servers = x\nssl.key.password=hush\nnonsense\n' >"$BATS_TEST_TMPDIR/conf"
	run -2 cdc-sink-kafka -F "$BATS_TEST_TMPDIR/conf" </dev/null
	[[ $output == *"conf, line"* && $output != *hush* ]]
	run -0 cdc-sink-kafka --help
}

@test "a secret property is in the process list no more, and is used" {
	spawn_sink -X test.mock.num.brokers=1 --ack-fd 1 -X sasl.password=hush -X client.id=plain -Xssl.key.password=hush -X \
		sasl.oauthbearer.config=hush
	echo "$START" >&7
	progress pg/1/l/100/0/0 >&7
	wait_for 'acks | grep -q .' 60
	local line
	line=$(tr '\0' ' ' <"/proc/$PID/cmdline")
	[[ $line != *hush* && $line == *'sasl.password=****'*client.id=plain* ]] || { echo "$line"; false; }
	echo "$END" >&7
	ends 0
	# The value that was hidden is the one that counts: librdkafka refuses it.
	run -2 bash -c 'cdc-sink-kafka -b localhost:1 -X sasl.oauthbearer.method=hush </dev/null'
	[[ $output != *hush* ]]
}

@test "no broker there: status 4 within seconds" {
	run -4 timeout 60 cdc-sink-kafka -b "127.0.0.1:$("$SERVERS/free-port")" -t t <<<'{"a":1}'
	[[ $output == *"cannot reach the brokers"* ]]
}

@test "a token may have more lines than are kept in flight" {
	run -0 --separate-stderr bash -c '{ printf "%s\n" "$1"; for i in $(seq 70000); do printf "%s\n" "$2"; done; printf "%s\n" "$3" "$4"; } |
		timeout 60 cdc-sink-kafka -X test.mock.num.brokers=1 --ack-fd 1' - \
		"$START" "$(event pg/1/l/200/150/1)" "$(progress pg/1/l/201/0/0)" "$END"
	[ "$output" = $'pg/1/l/201/0/0\nend 0' ]
}

@test "--max-rejects: one more ends the sink" {
	run -1 sink --reject "$REJECT" --max-rejects 2 -t t -- x y '{"a":1}'
	run -3 sink --reject "$REJECT" --max-rejects 2 -t t -- x y '{"a":1}' z
	[[ $output == *"line 4: byte 1"*"--max-rejects"* ]]
	[ "$(jq -c .text "$REJECT" | paste -sd' ')" = '"x" "y" "x" "y"' ]
	run -3 sink --reject "$REJECT" --max-rejects 0 -t t -- x
	run -2 sink --max-rejects 2 -t t -- '{"a":1}'
	[[ $output == *"--reject FILE"* ]]
}

figure() { sed -n "s/^cdc_sink_$1 //p" "$BATS_TEST_TMPDIR/stats"; }

@test "--stats: events, bytes, rejects, what is in flight, lag and delay; SIGUSR1 prints them" {
	spawn_sink -X test.mock.num.brokers=1 --ack-fd 1 --reject "$REJECT" --stats "$BATS_TEST_TMPDIR/stats"
	wait_for '[ "$(figure events_total)" = 0 ]' 60
	echo "$START" >&7
	local committed_ms=$((($(date +%s) - 100) * 1000))
	event pg/1/l/200/150/1 "\"op\":\"c\",\"source\":{\"ts_ms\":$committed_ms}" >&7 # its key has 8 bytes
	event pg/1/l/200/150/2 '"op":"c"' >&7
	echo rubbish >&7
	wait_for '[ "$(figure in_flight)/$(figure events_total)/$(figure rejects_total)" = 0/2/1 ]' 60
	[ "$(figure bytes_total)" = $((8 + 30 + ${#committed_ms} + 8 + 10)) ]
	[ "$(figure delay_seconds_count)" -ge 1 ]
	local lag
	lag=$(figure lag_seconds | cut -d. -f1)
	[ "$lag" -ge 99 ] && [ "$lag" -lt 160 ]
	[ "$(figure last_durable_timestamp_seconds)" = $((committed_ms / 1000)).000 ]
	kill -USR1 "$PID"
	wait_for 'grep -q "^cdc_sink_events_total 2$" "$BATS_TEST_TMPDIR/sink.err"' 60
	event pg/1/l/200/150/3 >&7
	echo "$END" >&7
	ends 1
	[ "$(figure events_total)/$(figure in_flight)" = 3/0 ]
	[ "$(grep -c '^# TYPE' "$BATS_TEST_TMPDIR/stats")" = "$(grep -vc '^#' "$BATS_TEST_TMPDIR/stats")" ]
	run -2 sink --stats /dev/null -t t -- '{"a":1}'
}
