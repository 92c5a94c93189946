# The real Debezium's events for tests/golden/postgres/*.sql against ours.

load ../lib

GOLDEN=$ROOT/tests/golden

load_sql() {
	local file
	for file; do
		PGOPTIONS="-c client_min_messages=warning" psql -X -q -v ON_ERROR_STOP=1 -d zoo -f "$GOLDEN/postgres/$file.sql" >/dev/null
	done
}

# A slot for each test that reads the stream: what one has read, no other can.
setup_file() {
	start_postgres
	sql 'CREATE DATABASE zoo' -d postgres
	load_sql 01_schema 02_seed
	sql 'CREATE PUBLICATION dbz_publication FOR ALL TABLES' -d zoo
	local slot
	for slot in default txmeta schemas; do
		sql "SELECT pg_create_logical_replication_slot('$slot', 'pgoutput')" -d zoo
	done
	load_sql 03_stream
}

teardown_file() {
	stop_servers
}

# tail_zoo SLOT [OPTION…]
tail_zoo() {
	cdc-tail --slot-name "$1" --publication-name dbz_publication --publication-autocreate-mode disabled \
		--start earliest --until now --topic-prefix pg "${@:2}" "postgres://postgres@$PGHOST:$PGPORT/zoo"
}

@test "every streamed event is Debezium's" {
	cd "$BATS_TEST_TMPDIR"
	tail_zoo default >actual.ndjson
	"$GOLDEN/streamed" "$GOLDEN/postgres/default.ndjson.gz" >expected.ndjson
	"$GOLDEN/compare" --variant default expected.ndjson actual.ndjson
}

@test "with transactions and truncates, every streamed event is Debezium's" {
	cd "$BATS_TEST_TMPDIR"
	tail_zoo txmeta --provide-transaction-metadata --skipped-operations none >actual.ndjson
	"$GOLDEN/streamed" "$GOLDEN/postgres/txmeta.ndjson.gz" >expected.ndjson
	"$GOLDEN/compare" --variant txmeta expected.ndjson actual.ndjson
}

@test "schemas are those of Debezium with schemas.enable, before their first event" {
	cd "$BATS_TEST_TMPDIR"
	tail_zoo schemas --with-schema >actual.ndjson
	"$GOLDEN/schemas" "$GOLDEN/postgres/schemas.first40.ndjson.gz" actual.ndjson
	jq -r 'select(.cdc.topic) | [.cdc.control // "event", .cdc.topic] | @tsv' actual.ndjson |
		awk -F '\t' '$1 == "schema" { seen[$2] = 1 } $1 == "event" && !seen[$2] { print; bad = 1 } END { exit bad }'
}
