# What the disk does to `cdc-offset commit`, and what kill -9 does.
load ../lib

setup() {
	DIR=$(realpath "$BATS_TEST_TMPDIR")/shop.offset
	SHIM=$CDC_BIN/tests/fault/shim.so
	printf 'pg/1/l/%s/0/0\nend 0\n' 50 | cdc-offset commit "$DIR"
	printf 'pg/1/l/%s/0/0\nend 0\n' 100 | cdc-offset commit "$DIR"
	cp -a "$DIR" "$DIR.pristine"
}

teardown() { kill_spawned; }

stored() { cdc-offset show "$DIR" --json | jq -r '.resume | split("/")[3]'; }

# with_fault FAULT: commits 150, then 200 under the fault, on files below $under; sets $status, $output, $fired.
with_fault() {
	rm -rf "$DIR" "$BATS_TEST_TMPDIR/fired"
	cp -a "$DIR.pristine" "$DIR"
	status=0 fired=no
	output=$( (echo pg/1/l/150/0/0; echo pg/1/l/200/0/0; echo end 0) |
		env LD_PRELOAD="$SHIM" ASAN_OPTIONS=verify_asan_link_order=0 FAULT="$1" FAULT_UNDER="${under-$DIR}" \
			FAULT_FIRED="$BATS_TEST_TMPDIR/fired" cdc-offset commit "$DIR" --interval 0 2>&1) || status=$?
	[ ! -e "$BATS_TEST_TMPDIR/fired" ] || fired=yes
}

# The folder is readable, holds a token that was there or was acknowledged, and the next run goes on with it.
check_folder() {
	case $(stored) in
	100 | 150 | 200) ;;
	*) return 1 ;;
	esac
	printf 'pg/1/l/%s/0/0\nend 0\n' 300 | cdc-offset commit "$DIR"
	[ "$(stored)" = 300 ]
	[ ! -e "$DIR/position.tmp" ]
	jq -e .version "$DIR/position.bak" >/dev/null
}

# each_place CALL WHAT CHECK: the fault at the first place, the second, … until there are no more; each fault alone and,
# with a '+', with all later calls failing too.
each_place() {
	local n on
	for on in '' +; do
		for ((n = 1; ; n++)); do
			with_fault "$1:$n$on:$2"
			[ $fired = yes ] || break
			$3 || { echo "$1:$n$on:$2: status $status, $output"; ls -l "$DIR"; return 1; }
			check_folder || { echo "$1:$n$on:$2: the folder is bad"; ls -l "$DIR"; cat "$DIR/position"; return 1; }
		done
		[ "$n" -gt "${4:-1}" ] || { echo "$1 never failed"; return 1; }
		[ "$status" = 0 ]
	done
}

is_told() { [ "$status" = 6 ] && [[ $output == *"$DIR"* ]]; }
goes_on() { [ "$status" = 0 ] && [ "$(stored)" = 200 ]; }

@test "a full disk or a failing one is status 6 with the file's name, the folder sound" {
	for error in ENOSPC EIO; do
		for call in open write fsync rename link; do
			each_place $call $error is_told
		done
	done
}

@test "an error that comes with read or close is told too" {
	each_place read EIO is_told
	# Closing what was only read cannot fail in a way that matters.
	under=$DIR/position.tmp
	each_place close EIO is_told
}

@test "short and interrupted reads and writes are gone on with" {
	each_place write short goes_on
	each_place read short goes_on
	# pipe: standard input
	for under in "$DIR" pipe:; do
		for call in read write; do
			[ $call$under != writepipe: ] || continue
			with_fault "$call:1:EINTR"
			[ $fired = yes ]
			goes_on
		done
	done
}

@test "a file system without hard links has no backup, and works" {
	each_place link EPERM goes_on
}

@test "kill -9 at any moment leaves a readable folder whose token never falls" {
	last=100
	for round in $(seq 50); do
		# A pipe of its own: a writer whose reader was killed may not have noticed yet.
		mkfifo "$BATS_TEST_TMPDIR/acks.$round"
		spawn writer sh -c 'seq -f "pg/1/l/%.0f/0/0" "$1" 100000000 >"$2"' sh $((last + 1)) "$BATS_TEST_TMPDIR/acks.$round"
		spawn commit sh -c 'exec cdc-offset commit "$1" --interval 0 <"$2"' sh "$DIR" "$BATS_TEST_TMPDIR/acks.$round"
		sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
		kill -9 "$PID"
		wait "$PID" || true
		now=$(stored)
		[ "$now" -ge "$last" ] && [ "$now" -le 100000000 ] || { echo "round $round: $now after $last"; false; }
		last=$now
	done
	[ "$last" -gt 100 ]
}
