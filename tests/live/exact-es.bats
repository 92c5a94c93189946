# Elasticsearch's indices equal the tables after kill -9 of everything, under cut answers and storms of 429: see
# exact/exact, exact/es.py.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() { start_postgres -c logical_decoding_work_mem=1MB -c max_replication_slots=60; }
teardown_file() { stop_servers; }
teardown() {
	[ -n "${ES_DIR-}" ] || return 0
	"$SERVERS/elasticsearch" stop "$ES_DIR"
	rm -rf "$ES_DIR"
}

# exact SEEDS: $output has a line for each, with what happened to it.
exact() {
	run "$ROOT/tests/live/exact/exact" --elasticsearch --jobs 4 "$@"
	echo "$output"
}
# told WHAT: the sum of what all seeds tell of it.
told() { grep ': ok' <<<"$output" | grep -o "$1 [0-9]*" | awk '{ n += $NF } END { print n + 0 }'; }

@test "the judge of indices catches what is lost, left, stale or cut, and a version that is not the last change's" {
	"$ROOT/tests/live/exact/test_es.py"
}

@test "20 seeds: a snapshot and the log, kills of every part and of the node, blocked indices, cut answers and storms" {
	start_elasticsearch
	exact 1-20
	[ "$(grep -c ': ok' <<<"$output")" = 20 ]
	[ "$(grep -c 'sink [1-9]' <<<"$output")" -ge 10 ]
	local what
	for what in 'tail' 'offset' 'node' 'deletes in the snapshot' 'blocked' 'cut' 'close' 'late' 'storm' 'some'; do
		[ "$(told "$what")" -ge 1 ] || { echo "no $what"; false; }
	done
}

@test "3 seeds on a node whose queue is shorter than an index has shards" {
	export ES_SHARDS=4
	start_elasticsearch node.processors=1 thread_pool.write.queue_size=1
	exact 21-23
	[ "$(grep -c ': ok' <<<"$output")" = 3 ]
	[ "$(es GET '_nodes/stats/thread_pool' | jq '[.nodes[].thread_pool.write.rejected] | add')" -ge 10 ]
}
