# cdc-sink-kafka and a broker that asks for TLS and a login.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() {
	certificates "$BATS_FILE_TMPDIR"
	cat "$BATS_FILE_TMPDIR"/server.{key,pem} >"$BATS_FILE_TMPDIR/store.pem"
	SECURE=127.0.0.1:$("$SERVERS/free-port")
	export SECURE
	local try port
	KAFKA_DIR=$(server_dir)
	for try in 1 2 3; do
		port=$("$SERVERS/free-port" 2)
		! "$SERVERS/kafka" start "$KAFKA_DIR" "$port" \
			"listeners=PLAINTEXT://127.0.0.1:$port,SECURE://$SECURE,CONTROLLER://127.0.0.1:$((port + 1))" \
			listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL \
			listener.name.secure.ssl.keystore.type=PEM "listener.name.secure.ssl.keystore.location=$BATS_FILE_TMPDIR/store.pem" \
			listener.name.secure.sasl.enabled.mechanisms=PLAIN \
			'listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_app="hush";' \
			3>&- || break
		[ $try != 3 ]
	done
	BROKER=127.0.0.1:$port
	export BROKER KAFKA_DIR
}
teardown_file() { stop_servers; }

setup() {
	printf 'security.protocol=sasl_ssl\nsasl.mechanism=PLAIN\nssl.ca.location=%s/ca.pem\nsasl.username=app\n' "$BATS_FILE_TMPDIR" \
		>"$BATS_TEST_TMPDIR/conf"
}

sink() {
	printf '%s\n' '{"cdc":{"control":"start","pos":"pg/1/l/1/0/0","source":"s"}}' '{"cdc":{"pos":"pg/1/l/9/2/1","topic":"t","key":1},"op":"c"}' \
		'{"cdc":{"control":"progress","pos":"pg/1/l/10/0/0"}}' '{"cdc":{"control":"end","status":0}}' |
		cdc-sink-kafka -b "$SECURE" -F "$BATS_TEST_TMPDIR/conf" --ack-fd 1 "$@"
}

@test "TLS and a login: the password in the environment, a property, the file, for cdc-offset pull too" {
	CDC_KAFKA_SASL_PASSWORD=hush sink
	CDC_KAFKA_SASL_PASSWORD=wrong sink -X sasl.password=hush
	CDC_KAFKA_SASL_PASSWORD=hush sink -X transactional.id=a
	# There is no state of a source in these lines.
	CDC_KAFKA_SASL_PASSWORD=hush run -5 cdc-offset pull -b "$SECURE" -F "$BATS_TEST_TMPDIR/conf" a "$BATS_TEST_TMPDIR/offset"
	echo sasl.password=hush >>"$BATS_TEST_TMPDIR/conf"
	CDC_KAFKA_SASL_PASSWORD=wrong sink
	[ "$(consume t | wc -l)" = 4 ]
}

@test "a wrong password, a certificate that nobody vouches for, an unknown variable: status 2, no secret in it" {
	CDC_KAFKA_SASL_PASSWORD=hash run -2 sink
	[[ $output == *"cannot log in"*uthentication* && $output != *hash* ]]
	CDC_KAFKA_SASL_PASSWORD=hush run -2 sink -X ssl.ca.location=/etc/ssl/certs/ca-certificates.crt
	[[ $output == *"cannot log in"*certificate* && $output != *hush* ]]
	CDC_KAFKA_NO_SUCH=hush run -2 sink
	[[ $output == *CDC_KAFKA_NO_SUCH* && $output != *hush* ]]
}
