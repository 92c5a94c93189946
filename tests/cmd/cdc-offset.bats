load ../lib

setup() {
	DIR=$BATS_TEST_TMPDIR/shop.offset
	FIFO=$BATS_TEST_TMPDIR/acks
}

teardown() { kill_spawned; }

# commit LINE… : a whole run of `cdc-offset commit` that reads the lines.
commit() { printf '%s\n' "$@" | cdc-offset commit "$DIR" --interval 1h; }

# token [FILE]: the one sink's token in a position file.
token() { sed -n 's/.*"token":"\([^"]*\)".*/\1/p' "$DIR/${1:-position}"; }

# Starts a commit that reads what the test writes on descriptor 7.
spawn_commit() {
	mkfifo "$FIFO"
	spawn commit sh -c 'fifo=$1; shift; exec cdc-offset commit "$@" <"$fifo"' sh "$FIFO" "$DIR" "$@"
	exec 7>"$FIFO"
}

# ends STATUS: waits for the spawned commit's end.
ends() {
	local status=0
	exec 7>&-
	wait "$PID" || status=$?
	[ "$status" = "$1" ] || { echo "ended with $status"; cat "$BATS_TEST_TMPDIR/commit.err"; return 1; }
}

@test "commit stores the last token and says done" {
	run commit pg/1/l/100/0/0 pg/1/l/200/150/1 'end 0'
	[ "$status" = 0 ]
	[ "$output" = "" ]
	[ "$(token)" = pg/1/l/200/150/1 ]
	run jq -r '.version, (.sinks | keys[])' "$DIR/position"
	[ "$output" = $'1\ndefault' ]
}

@test "commit exits with the source's status" {
	run commit pg/1/l/100/0/0 'end 5'
	[ "$status" = 5 ]
	[[ $output == *"the source ended with status 5"* ]]
	[ "$(token)" = pg/1/l/100/0/0 ]
	run commit 'end 5' 'end 4'
	[ "$status" = 5 ]
}

@test "input that ends without the source's status is status 4, its tokens stored" {
	run commit pg/1/l/100/0/0
	[ "$status" = 4 ]
	[ "$(token)" = pg/1/l/100/0/0 ]
	run commit 'end 0' pg/1/l/101/0/0
	[ "$status" = 4 ]
	[ "$(token)" = pg/1/l/101/0/0 ]
}

@test "a last line without its newline is no token" {
	run bash -c 'printf "pg/1/l/100/0/0\npg/1/l/2000/0/0" | cdc-offset commit "$1"' - "$DIR"
	[ "$status" = 4 ]
	[ "$(token)" = pg/1/l/100/0/0 ]
	run bash -c 'printf "pg/1/l/300/0/0\nend 0" | cdc-offset commit "$1"' - "$DIR"
	[ "$status" = 4 ]
	[ "$(token)" = pg/1/l/300/0/0 ]
}

@test "a bad line is status 3 with its number, and what stood before it is stored" {
	run commit pg/1/l/100/0/0 pg/1/l/101/0/0 rubbish pg/1/l/102/0/0 'end 0'
	[ "$status" = 3 ]
	[[ $output == *"line 3"* ]]
	[ "$(token)" = pg/1/l/101/0/0 ]
	run commit pg/1/l/200/0/0 pg/1/l/199/0/0 'end 0'
	[ "$status" = 3 ]
	[[ $output == *"line 2"*"pg/1/l/199/0/0 is below pg/1/l/200/0/0"* ]]
	[ "$(token)" = pg/1/l/200/0/0 ]
}

@test "a replay below the stored position leaves it, and says so" {
	commit pg/1/l/100/0/0 'end 0'
	run commit pg/1/l/50/0/0 pg/1/l/60/0/0 'end 0'
	[ "$status" = 0 ]
	[[ $output == *"had already"* ]]
	[ "$(token)" = pg/1/l/100/0/0 ]
	commit pg/1/l/50/0/0 pg/1/l/101/0/0 'end 0'
	[ "$(token)" = pg/1/l/101/0/0 ]
}

@test "a sink is known to be exact until it acknowledges without saying so; a source's status alone is no such word" {
	cdc-offset init "$DIR"
	commit exact 'end 0'
	grep -q '"exact":true' "$DIR/position"
	run commit 'end 4'
	[ "$status" = 4 ]
	grep -q '"exact":true' "$DIR/position"
	commit pg/1/l/100/0/0 'end 0'
	! grep -q '"exact":true' "$DIR/position"
}

@test "another kind of source is status 2" {
	commit pg/1/l/100/0/0 'end 0'
	run commit my/1/l/1/200/0/0 'end 0'
	[ "$status" = 2 ]
	[ "$(token)" = pg/1/l/100/0/0 ]
}

@test "with nothing new, nothing is written" {
	commit pg/1/l/100/0/0 'end 0'
	before=$(stat -c '%i %Y %Z' "$DIR/position")
	commit pg/1/l/100/0/0 'end 0'
	commit 'end 0'
	[ "$(stat -c '%i %Y %Z' "$DIR/position")" = "$before" ]
}

@test "commit stores the first token at once, then at most every interval, and the last at the end" {
	spawn_commit --interval 1h
	echo pg/1/l/100/0/0 >&7
	wait_for '[ "$(token)" = pg/1/l/100/0/0 ]'
	seq -f 'pg/1/l/%.0f/0/0' 101 5000 >&7
	echo 'end 0' >&7
	ends 0
	[ "$(token)" = pg/1/l/5000/0/0 ]
	[ "$(token position.bak)" = pg/1/l/100/0/0 ]
}

@test "commit stores a pending token when the interval is over, without further input" {
	spawn_commit --interval 100ms
	echo pg/1/l/100/0/0 >&7
	wait_for '[ "$(token)" = pg/1/l/100/0/0 ]'
	printf 'pg/1/l/101/0/0\npg/1/l/102' >&7
	wait_for '[ "$(token)" = pg/1/l/101/0/0 ]'
	printf '/0/0\n' >&7
	wait_for '[ "$(token)" = pg/1/l/102/0/0 ]'
	echo 'end 0' >&7
	ends 0
}

@test "the first stop signal is ignored: commit reads on to the end" {
	spawn_commit --interval 1h
	echo pg/1/l/100/0/0 >&7
	wait_for '[ "$(token)" = pg/1/l/100/0/0 ]'
	kill -TERM "$PID"
	printf 'pg/1/l/101/0/0\nend 0\n' >&7
	ends 0
	[ "$(token)" = pg/1/l/101/0/0 ]
}

@test "after a stop signal commit waits for --drain-timeout at most, and stores what it has" {
	spawn_commit --interval 1h --drain-timeout 100ms
	echo pg/1/l/100/0/0 >&7
	wait_for '[ "$(token)" = pg/1/l/100/0/0 ]'
	echo pg/1/l/101/0/0 >&7
	kill -INT "$PID"
	wait_for '! kill -0 "$PID"' 5
	ends 4
	grep drain-timeout "$BATS_TEST_TMPDIR/commit.err"
	[ "$(token)" = pg/1/l/101/0/0 ]
}

@test "the second stop signal ends commit at once" {
	spawn_commit --drain-timeout 1h
	echo pg/1/l/100/0/0 >&7
	wait_for '[ "$(token)" = pg/1/l/100/0/0 ]'
	wait_for '! kill -TERM "$PID"' 5
	ends 4
	[ "$(token)" = pg/1/l/100/0/0 ]
}

@test "a second commit for the same sink is status 7 and names the first; another sink is free" {
	cdc-offset init "$DIR" --sinks default,es
	spawn_commit
	echo pg/1/l/100/0/0 >&7
	wait_for '[ "$(token)" = pg/1/l/100/0/0 ]'
	run commit pg/1/l/200/0/0 'end 0'
	[ "$status" = 7 ]
	[[ $output == *"process $PID"* ]]
	run cdc-offset set "$DIR" pg/1/l/300/0/0
	[ "$status" = 7 ]
	run cdc-offset forget "$DIR" default
	[ "$status" = 7 ]
	[ "$(token)" = pg/1/l/100/0/0 ]
	printf 'pg/1/l/150/0/0\nend 0\n' | cdc-offset commit "$DIR" --sink es
	echo 'end 0' >&7
	ends 0
	commit pg/1/l/200/0/0 'end 0'
	[ "$(cdc-offset show "$DIR" --json | jq -r .resume)" = pg/1/l/150/0/0 ]
}

@test "an undeclared sink is status 2, before any input" {
	spawn_commit --sink kafka
	wait_for '! kill -0 "$PID"'
	ends 2
	grep 'init DIR --sinks kafka' "$BATS_TEST_TMPDIR/commit.err"
	cdc-offset init "$DIR" --sinks kafka,es
	run cdc-offset commit "$DIR" </dev/null
	[ "$status" = 2 ]
	[[ $output == *"kafka, es"* ]]
}

@test "init, several sinks, forget: the lowest is resumed from" {
	cdc-offset init "$DIR" --sinks kafka,es
	cdc-offset init "$DIR" --sinks es
	printf 'pg/1/l/100/0/0\nend 0\n' | cdc-offset commit "$DIR" --sink kafka
	[ "$(cdc-offset show "$DIR" --json | jq -c '[.resume, .sinks.es.token, .sinks.kafka.token]')" = \
		'[null,null,"pg/1/l/100/0/0"]' ]
	cdc-offset set "$DIR" pg/1/l/90/0/0 --sink es
	[ "$(cdc-offset show "$DIR" --json | jq -r .resume)" = pg/1/l/90/0/0 ]
	cdc-offset forget "$DIR" es
	[ "$(cdc-offset show "$DIR" --json | jq -r .resume)" = pg/1/l/100/0/0 ]
	run cdc-offset forget "$DIR" es
	[ "$status" = 2 ]
	run cdc-offset init "$DIR" --sinks kafka,../x
	[ "$status" = 2 ]
}

@test "set moves back only with --force" {
	cdc-offset set "$DIR" pg/1/l/100/0/0
	run cdc-offset set "$DIR" pg/1/l/99/0/0
	[ "$status" = 2 ]
	[[ $output == *--force* ]]
	[ "$(token)" = pg/1/l/100/0/0 ]
	cdc-offset set "$DIR" pg/1/l/99/0/0 --force
	[ "$(token)" = pg/1/l/99/0/0 ]
	run cdc-offset set "$DIR" 0/16B3748
	[ "$status" = 3 ]
}

@test "show: the token, its LSN, its age, and the source" {
	commit pg/1/l/97500000000/97400000000/3 'end 0'
	echo '{"version":1,"identity":"7301-ab","epoch":1,"slot":"shop","publication":"cdc","schemas":{}}' \
		>"$DIR/source"
	run cdc-offset show "$DIR"
	[ "$status" = 0 ]
	[[ ${lines[0]} =~ ^"default      pg/1/l/97500000000/97400000000/3  (LSN 16/B373EF00), "[0-9]+m?s" ago"$ ]]
	[ "${lines[1]}" = "identity     7301-ab" ]
	[ "${lines[2]}" = "epoch        1" ]
	[ "${lines[3]}" = "slot         shop" ]
	[ "${lines[4]}" = "publication  cdc" ]
	[ "${#lines[@]}" = 5 ]
	run jq -c '[.sinks.default.lsn, .resume, .source]' <(cdc-offset show "$DIR" --json)
	[ "$output" = '["16/B373EF00","pg/1/l/97500000000/97400000000/3",{"identity":"7301-ab","epoch":1,"slot":"shop","publication":"cdc"}]' ]
}

@test "a damaged position is status 3 everywhere, names its backup, and is not written over" {
	commit pg/1/l/100/0/0 'end 0'
	commit pg/1/l/200/0/0 'end 0'
	head -c 30 "$DIR/position" >"$DIR/torn"
	mv "$DIR/torn" "$DIR/position"
	for command in "show $DIR" "commit $DIR" "set $DIR pg/1/l/300/0/0" "init $DIR" "forget $DIR default"; do
		run cdc-offset $command </dev/null
		[ "$status" = 3 ]
		[[ $output == *"$DIR/position is damaged"*"$DIR/position.bak"* ]]
	done
	[ "$(stat -c %s "$DIR/position")" = 30 ]
	mv "$DIR/position.bak" "$DIR/position"
	[ "$(cdc-offset show "$DIR" --json | jq -r .resume)" = pg/1/l/100/0/0 ]
}

@test "a lost position whose backup is there is no new folder" {
	commit pg/1/l/100/0/0 'end 0'
	commit pg/1/l/200/0/0 'end 0'
	rm "$DIR/position"
	run commit pg/1/l/300/0/0 'end 0'
	[ "$status" = 3 ]
	[[ $output == *"$DIR/position.bak"* ]]
}

@test "usage errors are status 2" {
	for words in "show" "show $DIR" "commit $DIR/a/b" "set $DIR" "frob $DIR" "show $DIR x" "commit $DIR --interval 5"; do
		run cdc-offset $words </dev/null
		[ "$status" = 2 ] || { echo "$words: $status"; false; }
	done
	run cdc-offset --help
	[ "$status" = 0 ]
}

@test "a closed standard output is not silently lost" {
	commit pg/1/l/100/0/0 'end 0'
	run bash -c 'cdc-offset show "$1" >/dev/full' - "$DIR"
	[ "$status" = 6 ]
}
