# cdc-sink-iceberg killed, and its disk failing, at each step of a commit; two of them at once.
bats_require_minimum_version 1.5.0
load ../lib

setup() {
	[ -x "$CDC_BIN/cdc-sink-iceberg" ] || skip "cdc-sink-iceberg is not built here: libduckdb or libavro is missing"
	SHIM=$CDC_BIN/tests/fault/shim.so
	DIR=$(realpath "$BATS_TEST_TMPDIR")/tables
	mkdir "$DIR"
	START='{"cdc":{"control":"start","pos":"pg/1/l/100/0/0","source":"7301-ab"}}'
	END='{"cdc":{"control":"end","status":0}}'
}
teardown() {
	cat "$BATS_TEST_TMPDIR"/*.err 2>/dev/null || true
	kill_spawned
}

schema() {
	printf '{"cdc":{"control":"schema","pos":"pg/1/l/101/101/1","topic":"%s","key":{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"}],"optional":false},"value":{"type":"struct","fields":[{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"},{"type":"string","optional":true,"field":"v"}%s],"optional":true,"field":"after"}],"optional":false}}}\n' "$1" "${2-}"
}
# event TABLE OP LSN ID [V]
event() {
	local after="{\"id\":$4,\"v\":\"${5-}\"${6-}}"
	[ "$2" != d ] || after=null
	printf '{"cdc":{"pos":"pg/1/l/%s/%s/1","topic":"%s","key":{"id":%s}},"before":null,"after":%s,"op":"%s"}\n' "$3" "$3" "$1" "$4" "$after" "$2"
}
progress() { printf '{"cdc":{"control":"progress","pos":"pg/1/l/%s/0/0"}}\n' "$1"; }
rows() { "$CDC_BIN/tests/live/iceberg_read" "$DIR" default "$1" | tr '\n' ' '; }
newest() { ls -v "$DIR/default/$1"/metadata/v*.metadata.json | tail -1; }

# A first commit of two tables, then what the second one brings: rows, deletes, another column.
prepare() {
	{
		echo "$START"
		schema a
		schema b
		event a c 200 1 one
		event b c 201 1 one
		event a c 202 2 two
		progress 300
		echo "$END"
	} | cdc-sink-iceberg --catalog "file:$DIR"
	{
		echo "$START"
		schema a
		schema b
		event a u 400 1 uno
		event a d 401 2
		schema b ',{"type":"int32","optional":true,"field":"n"}'
		event b c 402 2 dos ',"n":7'
		progress 500
		echo "$END"
	} >"$BATS_TEST_TMPDIR/lines"
	cp -a "$DIR" "$DIR.pristine"
	BEFORE_A='{"id":1,"v":"one"} {"id":2,"v":"two"} ' AFTER_A='{"id":1,"v":"uno"} '
	BEFORE_B='{"id":1,"v":"one"} ' AFTER_B='{"id":1,"v":"one","n":null} {"id":2,"v":"dos","n":7} '
}

# with_fault FAULT: sets $status, $output, $fired.
with_fault() {
	rm -rf "$DIR" "$BATS_TEST_TMPDIR/fired"
	cp -a "$DIR.pristine" "$DIR"
	status=0 fired=no
	output=$(LD_PRELOAD="$SHIM" ASAN_OPTIONS=verify_asan_link_order=0 FAULT="$1" FAULT_UNDER="$DIR" \
		FAULT_FIRED="$BATS_TEST_TMPDIR/fired" cdc-sink-iceberg --catalog "file:$DIR" --ack-fd 1 <"$BATS_TEST_TMPDIR/lines" 2>&1) || status=$?
	[ ! -e "$BATS_TEST_TMPDIR/fired" ] || fired=yes
}

# Both tables are what they were or what they become, acknowledged only if that; the next run makes them so, once.
check_tables() {
	local a b
	a=$(rows a) b=$(rows b)
	[ "$a" = "$BEFORE_A" ] || [ "$a" = "$AFTER_A" ] || { echo "a: $a"; return 1; }
	[ "$b" = "$BEFORE_B" ] || [ "$b" = "$AFTER_B" ] || { echo "b: $b"; return 1; }
	if [[ $output == *pg/1/l/500* ]]; then [ "$a$b" = "$AFTER_A$AFTER_B" ] || { echo "acknowledged"; return 1; }; fi
	cdc-sink-iceberg --catalog "file:$DIR" <"$BATS_TEST_TMPDIR/lines" || { echo "does not go on"; return 1; }
	a=$(rows a) b=$(rows b)
	[ "$a" = "$AFTER_A" ] && [ "$b" = "$AFTER_B" ] || { echo "then: $a $b"; return 1; }
	[ "$(jq -r '.snapshots[].summary["cdc.position.cdc"]' "$(newest a)" "$(newest b)" | sort | uniq -d)" = '' ] || { echo "twice"; return 1; }
	[ "$(jq '.snapshots | length' "$(newest a)" "$(newest b)" | tr '\n' ' ')" = '2 2 ' ]
}

@test "killed at each step of a commit: nothing is lost, nothing is there twice" {
	prepare
	local n
	for ((n = 1; ; n++)); do
		with_fault "step:$n:KILL"
		[ $fired = yes ] || break
		[ "$status" = 137 ]
		check_tables || { echo "at step $n: $output"; return 1; }
	done
	[ "$status" = 0 ]
	[ $n -gt 30 ]
}

@test "a disk that fails at every fourth step: status 6 or done, and the tables sound" {
	prepare
	local n
	for ((n = 1; ; n += 4)); do
		with_fault "step:$n:EIO"
		[ $fired = yes ] || break
		[ "$status" = 0 ] || [ "$status" = 6 ] || { echo "at step $n: status $status, $output"; return 1; }
		check_tables || { echo "at step $n: $output"; return 1; }
	done
	[ $n -gt 30 ]
}

@test "two at once with the same lines: each commit is made once, and one of them may be fenced" {
	{
		echo "$START"
		schema a
		for i in $(seq 200 320); do event a "$([ $((i % 10)) = 9 ] && echo d || echo u)" "$i" $((i % 7)) "$i"; done
		progress 500
		echo "$END"
	} >"$BATS_TEST_TMPDIR/lines"
	local first second one=0 two=0
	spawn first sh -c 'exec cdc-sink-iceberg --catalog "file:$1" --commit-rows 5 <"$2"' sh "$DIR" "$BATS_TEST_TMPDIR/lines"
	first=$PID
	spawn second sh -c 'exec cdc-sink-iceberg --catalog "file:$1" --commit-rows 7 <"$2"' sh "$DIR" "$BATS_TEST_TMPDIR/lines"
	second=$PID
	wait "$first" || one=$?
	wait "$second" || two=$?
	echo "ended with $one and $two"
	case $one$two in
	00 | 07 | 70) ;;
	*) return 1 ;;
	esac
	[ "$(rows a)" = "$(for id in 0 1 2 3 4 5 6; do
		for i in $(seq 200 320); do [ $((i % 7)) != $id ] || last=$i; done
		[ $((last % 10)) = 9 ] || printf '{"id":%s,"v":"%s"} ' $id "$last"
	done)" ]
	[ "$(jq -r '.snapshots[].summary["cdc.position.cdc"]' "$(newest a)" | sort | uniq -d)" = '' ]
}
