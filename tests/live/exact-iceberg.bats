# Iceberg tables equal the source's after kill -9 of everything: see exact/exact, exact/iceberg.py.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() { start_postgres -c logical_decoding_work_mem=1MB; }
teardown_file() { stop_servers; }

@test "4 seeds: a snapshot and the log, kills of every part" {
	[ -x "$CDC_BIN/cdc-sink-iceberg" ] || skip "cdc-sink-iceberg is not built here"
	run "$ROOT/tests/live/exact/exact" --iceberg --jobs 2 1-4
	echo "$output"
	[ "$(grep -c ': ok' <<<"$output")" = 4 ]
	[ "$(grep -c 'sink [1-9]' <<<"$output")" -ge 2 ]
}
