# `cdc-offset pull`: a pipeline goes on without its folder, from what its sink kept in Kafka.
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
	DIR=$BATS_TEST_TMPDIR/$T.offset
	sql "CREATE TABLE $T (id int PRIMARY KEY)"
}

teardown() {
	kill_spawned
	sql "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots" >/dev/null
}

# pipeline DIR [OPTION…]: to the end of the log.
pipeline() {
	bash -c 'cdc-tail --offset "$1" --table "public\.$2" --until now "${@:4}" "$PG_URL" |
		cdc-sink-kafka -b "$BROKER" -X transactional.id="$3" --ack-fd 3 3>&1 >&2 | cdc-offset commit "$1"' - "$1" $T $ID "${@:2}"
}

pull() { cdc-offset pull -b "$BROKER" "$@"; }
ids() { consume postgres.public.$T | jq -r '.after.id' | paste -sd' '; }

@test "the folder is lost: pulled, the pipeline goes on, each event once" {
	pipeline "$DIR"
	sql "INSERT INTO $T VALUES (1), (2)"
	pipeline "$DIR"
	sql "INSERT INTO $T VALUES (3)"
	cp -r "$DIR" "$BATS_TEST_TMPDIR/lost"
	rm -rf "$DIR"
	pull $ID "$BATS_TEST_TMPDIR/new"
	for member in identity epoch slot publication database; do
		[ "$(jq .$member "$BATS_TEST_TMPDIR/new/source")" = "$(jq .$member "$BATS_TEST_TMPDIR/lost/source")" ]
	done
	[ "$(jq .sinks.default.token "$BATS_TEST_TMPDIR/new/position")" = "$(jq .sinks.default.token "$BATS_TEST_TMPDIR/lost/position")" ]
	pipeline "$BATS_TEST_TMPDIR/new"
	sql "INSERT INTO $T VALUES (4)"
	pipeline "$BATS_TEST_TMPDIR/new"
	[ "$(ids)" = '1 2 3 4' ]
}

@test "behind a snapshot: the rows and the changes, each once" {
	sql "INSERT INTO $T VALUES (1), (2)"
	pipeline "$DIR" --start initial
	rm -rf "$DIR"
	sql "INSERT INTO $T VALUES (3)"
	pull $ID "$DIR"
	pipeline "$DIR" --start initial
	[ "$(ids)" = '1 2 3' ]
}

@test "a folder restored from a day before is brought up; one of another source, or ahead, is refused" {
	pipeline "$DIR"
	sql "INSERT INTO $T VALUES (1)"
	cp -r "$DIR" "$BATS_TEST_TMPDIR/old"
	pipeline "$DIR"
	pull $ID "$BATS_TEST_TMPDIR/old"
	sql "INSERT INTO $T VALUES (2)"
	pipeline "$BATS_TEST_TMPDIR/old"
	[ "$(ids)" = '1 2' ]
	cdc-offset set "$BATS_TEST_TMPDIR/old" pg/1/l/999999999999/0/0
	run -2 --separate-stderr pull $ID "$BATS_TEST_TMPDIR/old"
	[[ $stderr == *"ahead of the sink"*--force* ]]
	pull --force $ID "$BATS_TEST_TMPDIR/old"
	sed -i 's/"identity":"[^"]*"/"identity":"7301-ab"/' "$BATS_TEST_TMPDIR/old/source"
	run -2 --separate-stderr pull $ID "$BATS_TEST_TMPDIR/old"
	[[ $stderr == *"7301-ab"* ]]
}

@test "what cannot be pulled: no such id, a snapshot under way, no state" {
	run -2 --separate-stderr pull nobody "$DIR"
	[[ $stderr == *'no position of transactional.id "nobody"'* ]]
	[ ! -e "$DIR" ]
	local start='{"cdc":{"control":"start","pos":"pg/1/s/1/0/-/-","source":"7301-ab"}}'
	event() { echo '{"cdc":{"pos":"'"$1"'","topic":"'$T'","key":null},"a":1}'; }
	for first in s/1/1/t/1 l/200/150/1; do
		printf '%s\n' "$start" "$(event pg/1/$first)" "$(event pg/1/l/300/250/1)" '{"cdc":{"control":"end","status":0}}' |
			cdc-sink-kafka -b "$BROKER" -X transactional.id=$ID.${first:0:1}
		run -5 --separate-stderr pull $ID.${first:0:1} "$DIR"
		[[ $stderr == *"snapshot"* || $stderr == *"not the state"* ]]
		[ ! -e "$DIR" ]
	done
}
