# The real Debezium's events for tests/golden/mysql/*.sql against ours, of a real MySQL: the snapshot of what 02_seed made, and the
# stream of 03_stream.

load mysql

setup_file() {
	start_zoo mysql
}

teardown_file() {
	stop_servers
}

@test "MySQL: every event is Debezium's" {
	is_debeziums default
}

@test "MySQL: with transactions and truncates, every event is Debezium's" {
	is_debeziums txmeta
}

@test "MySQL: with --with-schema, schema changes have Debezium's schemas" {
	schemas_are_debeziums
}
