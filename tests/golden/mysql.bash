# What golden/mysql.bats and golden/mariadb.bats share.

load ../lib

GOLDEN=$ROOT/tests/golden

# As the servers that Debezium's events were made on.
start_zoo() {
	"start_$1" --default-time-zone=+00:00 --character-set-server=utf8mb4 --sql-mode=
	my_client <"$GOLDEN/$MY_KIND/01_schema.sql"
	my_client <"$GOLDEN/$MY_KIND/02_seed.sql"
	captured cdc-snapshot >"$BATS_FILE_TMPDIR/rows.ndjson"
	START=$(log_end)
	my_client <"$GOLDEN/$MY_KIND/03_stream.sql"
	export START
}

# FILE:POSITION.
log_end() {
	{ my 'SHOW BINARY LOG STATUS' 2>/dev/null || my 'SHOW MASTER STATUS'; } | awk '{ print $1 ":" $2 }'
}

# captured COMMAND [OPTION…]: of the databases that Debezium captured.
captured() { "$1" --topic-prefix my --database 'zoo,other,my-db.*' "${@:2}" "$MY_URL"; }

# is_debeziums VARIANT [OPTION…]: whether the snapshot's rows and every streamed event are.
is_debeziums() {
	cd "$BATS_TEST_TMPDIR"
	cp "$BATS_FILE_TMPDIR/rows.ndjson" actual.ndjson
	captured cdc-tail --start "$START" --until now "${@:2}" >>actual.ndjson
	zcat "$GOLDEN/$MY_KIND/$1.ndjson.gz" | grep -v '^{"topic": *"my",' >expected.ndjson
	"$GOLDEN/compare" --variant "$1" --db "$MY_KIND" expected.ndjson actual.ndjson
}
