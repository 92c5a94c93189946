# cdc-tail on a real MariaDB: my.bash has what is tested.
load my

RESET='RESET MASTER'

setup_file() { start_maria; }
teardown_file() { stop_servers; }

@test "MariaDB: --start and --until: latest, earliest, a token, FILE:POSITION, a time, a GTID set" { places; }
@test "MariaDB: a token within a transaction; tokens depend on the log alone" { within_a_transaction; }
@test "MariaDB: --offset goes on where the sink acknowledged" { folder; }
@test "MariaDB: --idle and --count" { idle_and_count; }
@test "MariaDB: a server that restarts is gone on with" { running; }
@test "MariaDB: RENAME of several tables, DROP and CREATE, columns that move" { definitions; }
@test "MariaDB: schema changes: which, their words, their tokens" { schema_changes; }
@test "MariaDB: --with-schema: Connect schemas, before the first event and after each change" { with_schema; }
@test "MariaDB: --metadata catalog, and what ends it" { metadata_catalog; }
@test "MariaDB: each value of the options that say how values look, and whose changes" { option_values; }
@test "MariaDB: --include-query" { include_query; }
@test "MariaDB: compressed events, and the server's own types and columns" { compressed_and_own_types; }
@test "MariaDB: an XA transaction is status 3, or at-prepare" { xa; }
@test "MariaDB: --check tells every fault at once, with the SQL" { preflight; }
@test "MariaDB: a log of statements is status 3, a minimal image is what it has" { wrong_log; }
@test "MariaDB: a purged log is status 5, with the way out" { lost; }
@test "MariaDB: passwords: file, environment, option file; sockets, TLS" { passwords; }
@test "MariaDB: a log that was begun anew is status 5" { reset; }
@test "MariaDB: --message-key-columns: the key in its order, and whether rows may share it" { named_keys; }
@test "MariaDB: heartbeats, with their statement" { heartbeats; }
@test "MariaDB: cdc-snapshot: order, markers, place, conditions" { rows_of_a_moment; }
@test "MariaDB: a row that is read is the row that was streamed" { rows_as_streamed; }
@test "MariaDB: rows of a moment while writers run, and the log from there: each change once" { rows_then_log; }
@test "MariaDB: a table that was written anew since the view began is read in a new one" { rows_of_a_changed_table; }
@test "MariaDB: cdc-offset lag: bytes and time behind, a log that is gone" { behind; }
