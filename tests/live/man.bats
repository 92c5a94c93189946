# Every example of the manual pages and the README runs as it stands, and prints what it shows.
load ../lib

setup_file() {
	start_postgres
	start_kafka
	start_elasticsearch
}

teardown_file() { stop_servers; }

examples() { "$ROOT/tests/live/examples/run" "$ROOT/$1"; }

@test "cdc(7)" { examples man/cdc.7; }

@test "cdc-snapshot(1)" { examples man/cdc-snapshot.1; }

@test "cdc-tail(1)" { examples man/cdc-tail.1; }

@test "cdc-enrich(1)" { examples man/cdc-enrich.1; }

@test "cdc-filter(1)" { examples man/cdc-filter.1; }

@test "cdc-offset(1)" { examples man/cdc-offset.1; }

@test "cdc-route(1)" { examples man/cdc-route.1; }

@test "cdc-route(1), in sh: the fan-out is nothing that bash alone can do" {
	EXAMPLES_SHELL=$(command -v dash) examples man/cdc-route.1
}

@test "cdc-sink-es(1)" { examples man/cdc-sink-es.1; }

@test "cdc-sink-iceberg(1)" {
	[ -x "$CDC_BIN/cdc-sink-iceberg" ] || skip "cdc-sink-iceberg is not built here"
	examples man/cdc-sink-iceberg.1
}

@test "cdc-sink-kafka(1)" { examples man/cdc-sink-kafka.1; }

@test "cdc-envelope(5)" { examples man/cdc-envelope.5; }

@test "an example that prints something else, ends otherwise, or says nothing of itself is a fault" {
	page=$BATS_TEST_TMPDIR/page.md
	printf '%s\n' '<!--@ run -->' '```' '$ echo a' 'b' '```' '<!--@ run -->' '```' '$ false' '```' '```' '$ true' '```' \
		'<!--@ run -->' '<!--@ then: false -->' '```' '$ true' '```' '<!--@ run -->' '```' '$ echo a; echo b' 'a' '...' '```' >"$page"
	run "$ROOT/tests/live/examples/run" "$page"
	[ "$status" = 1 ]
	[[ $output == *"1 examples ran, 4 failed"* ]] || { echo "$output"; false; }
}

@test "README.md" { examples README.md; }
