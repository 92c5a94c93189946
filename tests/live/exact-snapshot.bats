# Exactly once, and at least once, from a snapshot that is read while writers write, under kill -9: see exact/exact.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() { start_exact_servers; }
teardown_file() { stop_servers; }

@test "the judge of snapshots catches what is lost, doubled, dropped, repeated or resurrected" {
	"$ROOT/tests/live/exact/test_snapshot_verify.py"
}

@test "16 seeds, exactly once: keys of all kinds, read and killed while they are written" {
	run "$ROOT/tests/live/exact/exact" --snapshot --jobs 2 1-16
	echo "$output"
	[ "$status" = 0 ]
	[ "$(grep -c ': ok' <<<"$output")" = 16 ]
	# Most were killed while the snapshot was read.
	[ "$(grep -c ', [1-9] in the snapshot' <<<"$output")" -ge 12 ]
}

@test "4 seeds, at least once: the rows in the end, and no delete lost" {
	run "$ROOT/tests/live/exact/exact" --snapshot --jobs 2 --at-least-once 1-4
	echo "$output"
	[ "$status" = 0 ]
	[ "$(grep -c ': ok' <<<"$output")" = 4 ]
}

# The folder is a run behind: what of the log is left out is for those views to say whose rows the sink has.
@test "killed when the sink is in the log and the folder at the snapshot's beginning: what was made since comes once" {
	local dir=$BATS_TEST_TMPDIR/between.offset
	sql 'CREATE TABLE between (id int PRIMARY KEY); INSERT INTO between SELECT generate_series(1, 100)'
	tail_() { cdc-tail --offset "$dir" --table 'public\.between' --start initial "$@" "$PG_URL"; }
	sink() { cdc-sink-kafka -b "$BROKER" -X transactional.id=between "$@"; }
	seen() { consume postgres.public.between 2>/dev/null | jq -r .after.id; }
	first() { tail_ | sink; }
	next() { { tail_ --until now | sink --ack-fd 3 3>&1 >&2; } | cdc-offset commit "$dir"; }
	export -f tail_ sink first
	export dir
	spawn first bash -c first
	wait_for '[ "$(seen | wc -l)" -ge 100 ]' 60
	sql 'INSERT INTO between VALUES (102)'
	wait_for 'seen | grep -qx 102' 60
	kill_spawned
	[ ! -e "$dir/position" ]
	sql 'INSERT INTO between VALUES (103)'
	run -4 next # the sink's position is another, and the folder's from now on
	[[ $(jq -r .sinks.default.token "$dir/position") == pg/1/l/* ]]
	next
	[ "$(seen | sort -n | paste -sd' ')" = "$(seq -s' ' 100) 102 103" ]
}
