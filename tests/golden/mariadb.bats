# The real Debezium's events for tests/golden/mariadb/*.sql against ours, of a real MariaDB: the snapshot of what 02_seed made, and the
# stream of 03_stream.

load mysql

setup_file() {
	start_zoo maria
}

teardown_file() {
	stop_servers
}

@test "MariaDB: every event is Debezium's" {
	is_debeziums default
}

@test "MariaDB: with transactions and truncates, every event is Debezium's" {
	is_debeziums txmeta
}

@test "MariaDB: with --with-schema, schema changes have Debezium's schemas" {
	schemas_are_debeziums
}
