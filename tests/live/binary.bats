# What COPY sends in binary is written as its text is.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() { start_postgres; }
teardown_file() { stop_servers; }

@test "every type in every mode, edge values and random ones: binary and text give the same bytes" {
	run -0 "$CDC_BIN/tests/live/binary" "$PG_URL" 0.5
	echo "$output"
	[[ $output =~ ^([0-9]+)' compared, '([0-9]+)' of them refused, 0 differ'$ ]]
	[ "${BASH_REMATCH[1]}" -gt 300000 ]
	# Instants that nanoseconds or microseconds do not hold.
	[ "${BASH_REMATCH[2]}" -lt 30000 ]
}

@test "the comparison sees a wrong bit" {
	run -1 "$CDC_BIN/tests/live/binary" "$PG_URL" 0.5 flip
	echo "$output"
	[[ ${lines[-1]} =~ ' '([0-9]+)' differ'$ ]]
	[ "${BASH_REMATCH[1]}" -gt 100000 ]
}
