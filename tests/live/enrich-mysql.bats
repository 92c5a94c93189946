# cdc-enrich on a real MySQL: enrich-my.bash has what is tested.
load enrich-my

setup_file() { start_mysql; }
teardown_file() { stop_servers; }

@test "MySQL: rows as cdc-tail prints them" { as_streamed; }
@test "MySQL: keys of every type, by the server's equality; several columns, queries and connections" { keys; }
@test "MySQL: a key that its column cannot hold is that line's fault alone" { alone; }
@test "MySQL: one statement, prepared once for a connection" { prepared; }
@test "MySQL: a table that is changed under the prepared statement" { changed; }
@test "MySQL: the server gone: the lines wait for it, and none is lost" { gone; }
