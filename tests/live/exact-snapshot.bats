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
