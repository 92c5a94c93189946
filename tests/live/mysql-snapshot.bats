# Snapshots of a real MySQL, and the log behind them: my-snapshot.bash has what is tested.
load my-snapshot

setup_file() { start_mysql; }
teardown_file() { stop_servers; }

@test "MySQL: --start initial: rows, then the log, in one run and by hand" { rows_and_log; }
@test "MySQL: a table that comes later" { added; }
@test "MySQL: killed within, it goes on behind the row that was acknowledged" { killed; }
@test "MySQL: keys of all kinds, in chunks, by several connections" { keys; }
@test "MySQL: --lock, foreign keys, triggers; a wait for a lock ends and names the holder" { locks; }
@test "MySQL: a DDL waits for the rows of its table, and nothing for it" { ddl_waits; }
@test "MySQL: view after view while writers write, each change once" { views --chunk-rows 50 --jobs 2; }
@test "MySQL: the same where one query reads the table" { views; }
@test "MySQL: a DDL between two views of a table: the rows behind it are as it is then" { altered; }
@test "MySQL: a table that takes another's name behind the view's back" { swapped; }
@test "MySQL: a table that is dropped and made again between two views" { recreated; }
