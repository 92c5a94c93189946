# Exactly once under kill -9 from a snapshot that is read while writers write, and the log behind it: see exact/exact.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() {
	start_kafka num.partitions=3
	start_mysql
}
teardown_file() { stop_servers; }

@test "MySQL: 14 seeds, exactly once, read and killed while they are written" {
	run "$ROOT/tests/live/exact/exact" --my --snapshot --jobs 4 1-14
	echo "$output"
	[ "$status" = 0 ]
	[ "$(grep -c ': ok' <<<"$output")" = 14 ]
	# Most were killed while the snapshot was read.
	[ "$(grep -c ', [1-9] in the snapshot' <<<"$output")" -ge 9 ]
}
