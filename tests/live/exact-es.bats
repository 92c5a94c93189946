# Elasticsearch's indices equal the tables after kill -9 of everything: see exact/exact, exact/es.py.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() {
	start_postgres -c logical_decoding_work_mem=1MB
	start_elasticsearch
}
teardown_file() { stop_servers; }

@test "the judge of indices catches what is lost, left, stale or cut" {
	"$ROOT/tests/live/exact/test_es.py"
}

@test "8 seeds: a snapshot and the log, kills of every part and of the node" {
	run "$ROOT/tests/live/exact/exact" --elasticsearch --jobs 2 1-8
	echo "$output"
	[ "$(grep -c ': ok' <<<"$output")" = 8 ]
	[ "$(grep -c 'sink [1-9]' <<<"$output")" -ge 4 ]
	[ "$(grep -c 'node [1-9]' <<<"$output")" -ge 1 ]
}
