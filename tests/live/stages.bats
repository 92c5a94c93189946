# Positions through stages: see stages/stages.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() { start_postgres; }
teardown_file() { stop_servers; }

@test "20 seeds of random stages, splits and fan-outs, parts killed: nothing lost, nothing doubled" {
	run -0 "$ROOT/tests/live/stages/stages" 1-20
	echo "$output"
	[ "$(grep -c ': ok' <<<"$output")" = 20 ]
}
