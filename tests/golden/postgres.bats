# The real Debezium's events for tests/golden/postgres/*.sql against ours: its snapshot of what 02_seed made, then its
# stream of 03_stream.

load ../lib

GOLDEN=$ROOT/tests/golden

load_sql() {
	local file
	for file; do
		PGOPTIONS="-c client_min_messages=warning" psql -X -q -v ON_ERROR_STOP=1 -d zoo -f "$GOLDEN/postgres/$file.sql" >/dev/null
	done
}

# Debezium's snapshot has tables that no publication sends: so has cdc-snapshot without an offset folder.
rows() {
	cdc-snapshot --topic-prefix pg "${@:2}" "postgres://postgres@$PGHOST:$PGPORT/zoo" >"$1.ndjson"
}

# A slot for each: what one has read, no other can.
changes() {
	cdc-tail --slot-name "$1" --publication-name dbz_publication --publication-autocreate-mode disabled \
		--start earliest --until now --topic-prefix pg "${@:2}" "postgres://postgres@$PGHOST:$PGPORT/zoo" >>"$1.ndjson"
}

setup_file() {
	local slot
	start_postgres
	cd "$BATS_FILE_TMPDIR"
	sql 'CREATE DATABASE zoo' -d postgres
	load_sql 01_schema 02_seed
	sql 'CREATE PUBLICATION dbz_publication FOR ALL TABLES' -d zoo
	for slot in default txmeta schemas; do
		sql "SELECT pg_create_logical_replication_slot('$slot', 'pgoutput')" -d zoo
	done
	rows default
	cp default.ndjson txmeta.ndjson
	rows schemas --with-schema
	load_sql 03_stream
	changes default
	changes txmeta --provide-transaction-metadata --skipped-operations none
	changes schemas --with-schema
}

teardown_file() { stop_servers; }

setup() { cd "$BATS_FILE_TMPDIR"; }

@test "every event is Debezium's" {
	"$GOLDEN/compare" "$GOLDEN/postgres/default.ndjson.gz" default.ndjson
}

@test "with transactions and truncates, every event is Debezium's" {
	"$GOLDEN/compare" "$GOLDEN/postgres/txmeta.ndjson.gz" txmeta.ndjson
}

@test "schemas are those of Debezium with schemas.enable, before their first event" {
	"$GOLDEN/schemas" "$GOLDEN/postgres/schemas.first40.ndjson.gz" schemas.ndjson
	jq -r 'select(.cdc.topic) | [.cdc.control // "event", .cdc.topic] | @tsv' schemas.ndjson |
		awk -F '\t' '$1 == "schema" { seen[$2] = 1 } $1 == "event" && !seen[$2] { print; bad = 1 } END { exit bad }'
}
