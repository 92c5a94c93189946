# cdc-tail on a real MySQL: my.bash has what is tested.
load my

RESET='RESET BINARY LOGS AND GTIDS'

setup_file() { start_mysql; }
teardown_file() { stop_servers; }

@test "MySQL: --start and --until: latest, earliest, a token, FILE:POSITION, a time, a GTID set" { places; }
@test "MySQL: a token within a transaction; tokens depend on the log alone" { within_a_transaction; }
@test "MySQL: --offset goes on where the sink acknowledged" { folder; }
@test "MySQL: --idle and --count" { idle_and_count; }
@test "MySQL: a server that restarts is gone on with" { running; }
@test "MySQL: RENAME of several tables, DROP and CREATE, columns that move" { definitions; }
@test "MySQL: schema changes: which, their words, their tokens" { schema_changes; }
@test "MySQL: --with-schema: Connect schemas, before the first event and after each change" { with_schema; }
@test "MySQL: --metadata catalog, and what ends it" { metadata_catalog; }
@test "MySQL: each value of the options that say how values look, and whose changes" { option_values; }
@test "MySQL: --include-query" { include_query; }
@test "MySQL: compressed events, and the server's own types and columns" { compressed_and_own_types; }
@test "MySQL: partial updates of JSON: the whole document" {
	shop "CREATE TABLE t (id int PRIMARY KEY, j json); INSERT INTO t VALUES (1, '{\"a\": 1, \"long\": \"$(printf 'x%.0s' {1..200})\", \"c\": [1, 2]}')"
	local start
	start=$(log_end)
	shop "SET binlog_row_value_options = PARTIAL_JSON; UPDATE t SET j = JSON_REMOVE(JSON_SET(j, '$.a', 2), '$.c[0]')"
	[ "$(my "SHOW BINLOG EVENTS IN '${start%:*}' FROM ${start#*:}" | grep -c Update_rows_partial)" = 1 ]
	[ "$(cdc-tail --table 'shop\.t' --start "$start" --until now "$MY_URL" | jq -c '[.before.j, .after.j | fromjson | [.a, (.long | length), .c]]')" = \
		'[[1,200,[1,2]],[2,200,[2]]]' ]
}
@test "MySQL: an XA transaction is status 3, or at-prepare" { xa; }
@test "MySQL: --check tells every fault at once, with the SQL" { preflight; }
@test "MySQL: a log of statements is status 3, a minimal image is what it has" { wrong_log; }
@test "MySQL: a purged log is status 5, with the way out" { lost; }
@test "MySQL: passwords: file, environment, option file; sockets, TLS" { passwords; }
@test "MySQL: a log that was begun anew is status 5" { reset; }
@test "MySQL: --message-key-columns: the key in its order, and whether rows may share it" { named_keys; }
@test "MySQL: heartbeats, with their statement" { heartbeats; }
@test "MySQL: cdc-snapshot: order, markers, place, conditions" { rows_of_a_moment; }
@test "MySQL: a row that is read is the row that was streamed" { rows_as_streamed; }
@test "MySQL: rows of a moment while writers run, and the log from there: each change once" { rows_then_log; }
@test "MySQL: a table that was written anew since the view began is read in a new one" { rows_of_a_changed_table; }
@test "MySQL: cdc-offset lag: bytes and time behind, a log that is gone" { behind; }
