# The real Debezium's events for tests/golden/mariadb/*.sql against ours, of a real MariaDB.

load mysql

setup_file() {
	start_zoo maria
}

teardown_file() {
	stop_servers
}

@test "MariaDB: every streamed event is Debezium's" {
	is_debeziums default
}

@test "MariaDB: with transactions and truncates, every streamed event is Debezium's" {
	is_debeziums txmeta --provide-transaction-metadata --skipped-operations none
}
