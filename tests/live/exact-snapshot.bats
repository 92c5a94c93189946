# Exactly once, and at least once, from a snapshot that is read while writers write, under kill -9: see exact/exact.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() { start_exact_servers; }
teardown_file() { stop_servers; }

@test "the judge of snapshots catches what is lost, doubled, dropped, repeated or resurrected" {
	"$ROOT/tests/live/exact/test_snapshot_verify.py"
}
