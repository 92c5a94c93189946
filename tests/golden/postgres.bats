# The real Debezium's events for tests/golden/postgres/*.sql against ours.

load ../lib

setup_file() {
	start_postgres
}

teardown_file() {
	stop_servers
}

@test "every streamed event of the types that are supported is Debezium's" {
	cd "$BATS_TEST_TMPDIR"
	golden=$ROOT/tests/golden
	sql 'CREATE DATABASE zoo' -d postgres
	PGOPTIONS="-c client_min_messages=warning" psql -X -q -v ON_ERROR_STOP=1 -d zoo -f "$golden/postgres/01_schema.sql" -f "$golden/postgres/02_seed.sql" >/dev/null
	sql 'CREATE PUBLICATION dbz_publication FOR ALL TABLES' -d zoo
	sql "SELECT pg_create_logical_replication_slot('dbz', 'pgoutput')" -d zoo
	PGOPTIONS="-c client_min_messages=warning" psql -X -q -v ON_ERROR_STOP=1 -d zoo -f "$golden/postgres/03_stream.sql" >/dev/null
	cdc-tail --slot-name dbz --publication-name dbz_publication --start earliest --until now \
		--publication-autocreate-mode disabled --topic-prefix pg "postgres://postgres@$PGHOST:$PGPORT/zoo" >actual.ndjson
	"$golden/supported" "$golden/postgres/default.ndjson.gz" >expected.ndjson
	"$golden/compare" --variant default expected.ndjson actual.ndjson
}
