# Kafka, by transactions, and Elasticsearch fed by one cdc-tail, after kill -9 of everything: see exact/exact.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() {
	start_exact_servers
	start_elasticsearch
}
teardown_file() { stop_servers; }

@test "4 seeds: a consumer sees each change once, and the indices equal the tables" {
	run "$ROOT/tests/live/exact/exact" --fan-out --jobs 4 1-4
	echo "$output"
	[ "$(grep -c ': ok' <<<"$output")" = 4 ]
	local part
	for part in tail route sink offset es es_offset; do grep -q "[ :] *$part [1-9]" <<<"$output" || { echo "no $part"; false; }; done
}
