# cdc-enrich on a real MariaDB: enrich-my.bash has what is tested.
load enrich-my

setup_file() { start_maria; }
teardown_file() { stop_servers; }

@test "MariaDB: rows as cdc-tail prints them" { as_streamed; }
@test "MariaDB: keys of every type, by the server's equality; several columns, queries and connections" { keys; }
@test "MariaDB: a key that its column cannot hold is that line's fault alone" { alone; }
@test "MariaDB: one statement, prepared once for a connection" { prepared; }
@test "MariaDB: a table that is changed under the prepared statement" { changed; }
@test "MariaDB: the server gone: the lines wait for it, and none is lost" { gone; }
