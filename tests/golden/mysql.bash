# What golden/mysql.bats and golden/mariadb.bats share.

load ../lib

GOLDEN=$ROOT/tests/golden
CAPTURED=(--topic-prefix my --database 'zoo,other,my-db.*')

# As the servers that Debezium's events were made on; the stream runs while cdc-tail reads it, once as each VARIANT, for
# a schema change tells of the table as it stands when it is read.
start_zoo() {
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	"start_$1" --default-time-zone=+00:00 --character-set-server=utf8mb4 --sql-mode=
	my_client <"$GOLDEN/$MY_KIND/01_schema.sql"
	my_client <"$GOLDEN/$MY_KIND/02_seed.sql"
	cdc-snapshot "${CAPTURED[@]}" "$MY_URL" >"$BATS_FILE_TMPDIR/rows.ndjson"
	cdc-snapshot "${CAPTURED[@]}" --with-schema --control "$MY_URL" >"$BATS_FILE_TMPDIR/schemas.ndjson"
	local start
	start=$(log_end)
	spawn default cdc-tail "${CAPTURED[@]}" --start "$start" "$MY_URL"
	local default=$PID
	spawn txmeta cdc-tail "${CAPTURED[@]}" --start "$start" --provide-transaction-metadata --skipped-operations none "$MY_URL"
	local txmeta=$PID
	feed "$GOLDEN/$MY_KIND/03_stream.sql"
	wait_for 'both_have "\"id\":\"end\""' 60
	kill -TERM "$default" "$txmeta"
	wait "$default" "$txmeta"
}

# both_have TEXT [N]: whether N lines of each tail do.
both_have() {
	[ "$(grep -c -e "$1" "$BATS_FILE_TMPDIR/default.out")" -ge "${2:-1}" ] &&
		[ "$(grep -c -e "$1" "$BATS_FILE_TMPDIR/txmeta.out")" -ge "${2:-1}" ]
}

# Runs the statements, and waits behind each that changes a definition until it has been read.
feed() {
	local statement changes=0
	mkfifo "$BATS_FILE_TMPDIR/statements"
	my_client <"$BATS_FILE_TMPDIR/statements" 3>&- &
	local client=$!
	exec 8>"$BATS_FILE_TMPDIR/statements"
	sed '/^-- DDL/,$d' "$1" >&8
	while read -r statement; do
		echo "$statement" >&8
		case $statement in
		ALTER* | RENAME* | CREATE* | DROP*)
			changes=$((changes + 1))
			wait_for 'both_have "\"ddl\":" '$changes 60
			;;
		esac
	done < <(sed '1,/^-- DDL/d; s/; */;\n/g' "$1")
	exec 8>&-
	wait "$client"
}

# FILE:POSITION.
log_end() {
	{ my 'SHOW BINARY LOG STATUS' 2>/dev/null || my 'SHOW MASTER STATUS'; } | awk '{ print $1 ":" $2 }'
}

# is_debeziums VARIANT: whether the snapshot's rows and every streamed event are.
is_debeziums() {
	cd "$BATS_TEST_TMPDIR"
	cat "$BATS_FILE_TMPDIR/rows.ndjson" "$BATS_FILE_TMPDIR/$1.out" >actual.ndjson
	"$GOLDEN/compare" --variant "$1" --db "$MY_KIND" "$GOLDEN/$MY_KIND/$1.ndjson.gz" actual.ndjson
}

# Debezium's first 40 records with their schemas are all schema changes.
schemas_are_debeziums() {
	cd "$BATS_TEST_TMPDIR"
	jq -c 'select(.cdc.topic == "my")' "$BATS_FILE_TMPDIR/schemas.ndjson" | head -n 41 >actual.ndjson
	head -n 1 actual.ndjson | grep -q '"control":"schema"'
	"$GOLDEN/compare" --variant schemas --db "$MY_KIND" "$GOLDEN/$MY_KIND/schemas.first40.ndjson.gz" actual.ndjson
}
