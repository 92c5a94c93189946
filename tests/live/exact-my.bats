# Exactly once under kill -9, from MariaDB and MySQL: see exact/exact.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() { start_kafka num.partitions=3; }
teardown_file() { stop_servers; }
teardown() {
	[ -z "${MY_DIR-}" ] || { "$SERVERS/$MY_KIND" stop "$MY_DIR"; rm -rf "$MY_DIR"; }
}

seeds() {
	run -0 "$ROOT/tests/live/exact/exact" --my --jobs 2 1-20
	echo "$output"
	[ "$(grep -c ': ok' <<<"$output")" = 20 ]
	# The aimed kills did hit inside, but for a few.
	[ "$(grep -c ' in huge at ' <<<"$output")" -ge 15 ]
	[ "$(grep -c ' in moves at ' <<<"$output")" -ge 15 ]
}

@test "MariaDB: 20 seeds, exactly once" {
	start_maria
	seeds
}

@test "MySQL: 20 seeds, exactly once" {
	start_mysql
	seeds
}
