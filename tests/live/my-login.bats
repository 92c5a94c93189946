# How cdc-tail logs in to MySQL and MariaDB: the ways to show a password, and TLS, with certificates of our own; and
# a server without a log.
load my

setup_file() {
	CERTS=$(server_dir)
	export CERTS
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=cdc-test-ca -keyout "$CERTS/ca.key" -out "$CERTS/ca.pem" 2>/dev/null
	openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$CERTS/key.pem" -out "$CERTS/request" 2>/dev/null
	openssl x509 -req -days 2 -CA "$CERTS/ca.pem" -CAkey "$CERTS/ca.key" -CAcreateserial -in "$CERTS/request" -out "$CERTS/cert.pem" \
		-extfile <(echo subjectAltName=DNS:localhost) 2>/dev/null
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout "$CERTS/other.key" -out "$CERTS/other.pem" 2>/dev/null
	chmod 644 "$CERTS"/*
}
teardown_file() { rm -rf "$CERTS"; }
setup() { :; }
teardown() {
	kill_spawned
	[ -z "${MY_DIR-}" ] || { "$SERVERS/$MY_KIND" stop "$MY_DIR"; rm -rf "$MY_DIR"; }
}

tls() { echo "--ssl-ca=$CERTS/ca.pem --ssl-cert=$CERTS/cert.pem --ssl-key=$CERTS/key.pem"; }

# as USER HOST [OPTION…]: --check as this user, whose password is `secret`.
as() { cdc-tail --check "${@:3}" "$MY_KIND://$1:secret@$2:$MY_PORT?ssl-ca=$CERTS/${CA-ca}.pem"; }

# user NAME PLUGIN-CLAUSE [REQUIRE]
user() {
	my "CREATE USER $1@'%' IDENTIFIED $2 ${3-}; GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO $1@'%'"
}

ssl_modes() {
	local mode
	for mode in disabled preferred required verify-ca VERIFY_IDENTITY; do as plain localhost --ssl-mode $mode; done
	# A user who must come by TLS, and one whose certificate nobody trusts.
	run -2 as only_tls localhost --ssl-mode disabled
	as only_tls localhost --ssl-mode preferred
	for mode in verify_ca verify_identity; do
		CA=other run -2 as plain localhost --ssl-mode $mode
		[[ $output == *'cannot connect: '*certificate* ]]
	done
	# The certificate is of localhost.
	run -2 as plain 127.0.0.1 --ssl-mode verify_identity
	as plain 127.0.0.1 --ssl-mode required
	run -2 as plain localhost --ssl-mode nonsense
	[[ $output == *'ssl-mode takes disabled, preferred, required, verify_ca or verify_identity'* ]]
}

# Two that read as the same server: one goes on, one ends, and says why.
clash() {
	my 'CREATE DATABASE shop; CREATE TABLE shop.t (id int PRIMARY KEY)'
	local first second
	spawn first cdc-tail --control --table 'shop\..*' --server-id 777 "$MY_URL"
	first=$PID
	wait_for "grep -q '\"control\":\"progress\"' '$(file first)'" 60
	spawn second cdc-tail --control --table 'shop\..*' --server-id 777 "$MY_URL"
	second=$PID
	wait_for "! kill -0 $first || ! kill -0 $second" 60
	if kill -0 $first 2>/dev/null; then ends $second 2; else ends $first 2; fi
	grep -h -e '--server-id' "$(errors first)" "$(errors second)"
	my 'INSERT INTO shop.t VALUES (1)'
	wait_for "cat '$(file first)' '$(file second)' | grep -q '\"after\":{\"id\":1}'" 60
	# At random there is none.
	spawn third cdc-tail --control --table 'shop\..*' "$MY_URL"
	spawn fourth cdc-tail --control --table 'shop\..*' "$MY_URL"
	wait_for "grep -q progress '$(file third)' && grep -q progress '$(file fourth)'" 60
	my 'INSERT INTO shop.t VALUES (2)'
	has third '"after":{"id":2}'
	has fourth '"after":{"id":2}'
}

@test "MySQL: caching_sha2_password, with TLS and without; ssl modes; a clash of server ids" {
	start_mysql $(tls)
	user plain "WITH caching_sha2_password BY 'secret'"
	user only_tls "WITH caching_sha2_password BY 'secret'" 'REQUIRE SSL'
	# Not in the server's cache: the whole password must go over, encrypted with the server's key.
	my 'FLUSH PRIVILEGES'
	as plain 127.0.0.1 --ssl-mode disabled
	my 'FLUSH PRIVILEGES'
	as plain 127.0.0.1 --ssl-mode required
	as plain 127.0.0.1 --ssl-mode disabled
	run -2 cdc-tail --check --ssl-mode disabled "mysql://plain:wrong-secret@127.0.0.1:$MY_PORT"
	[[ $output == *'cannot connect'* && $output != *wrong-secret* ]]
	ssl_modes
	clash
}

@test "MariaDB: mysql_native_password, ed25519; ssl modes; a clash of server ids" {
	start_maria $(tls)
	user plain "VIA mysql_native_password USING PASSWORD('secret')"
	user only_tls "VIA mysql_native_password USING PASSWORD('secret')" 'REQUIRE SSL'
	as plain 127.0.0.1 --ssl-mode disabled
	my "INSTALL SONAME 'auth_ed25519'"
	user modern "VIA ed25519 USING PASSWORD('secret')"
	as modern 127.0.0.1 --ssl-mode disabled
	as modern 127.0.0.1 --ssl-mode required
	run -2 cdc-tail --check "mariadb://modern:wrong-secret@127.0.0.1:$MY_PORT"
	[[ $output == *'cannot connect'* && $output != *wrong-secret* ]]
	ssl_modes
	clash
}

without_a_log() {
	run -2 cdc-tail --check "$MY_URL"
	[[ $output == *'log_bin is OFF, needed is ON: start the server with --log-bin'*'not ready: 1 fault found'* ]]
}

@test "MySQL: --check of a server without a log" {
	start_mysql --skip-log-bin
	without_a_log
}
@test "MariaDB: --check of a server without a log" {
	start_maria --skip-log-bin
	without_a_log
}
