# The client of Iceberg's REST catalogs against Apache's own, directly and through a proxy that breaks its answers,
# wants logins, a prefix, pages: see iceberg-proxy. What is asked for by hand is explained in iceberg_rest.c.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() { start_iceberg; }
teardown_file() { stop_servers; }

setup() {
	FAKE=$BATS_TEST_TMPDIR/fake
	mkdir "$FAKE"
	NS=n$BATS_TEST_NUMBER
	# Neither may come from whoever runs the tests.
	unset ICEBERG_TOKEN ICEBERG_CREDENTIAL
}
teardown() {
	cat "$BATS_TEST_TMPDIR"/proxy.err 2>/dev/null || true
	kill_spawned
}

# rest [OPTION…] URL LINE…
rest() {
	local options=()
	while [[ $1 == -* ]]; do
		options+=("$1" "$2")
		shift 2
	done
	printf '%s\n' "${@:2}" | "$CDC_BIN/tests/live/iceberg_rest" "${options[@]}" "$1"
}

proxy() {
	spawn proxy "$ROOT/tests/live/iceberg-proxy" "$FAKE" "${CATALOG##*:}" "$@"
	wait_for "[ -s '$BATS_TEST_TMPDIR/proxy.out' ]" 60
	PROXY=http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/proxy.out")
}
script() { printf '%s\n' "$@" >"$FAKE/script"; }
requests() { jq -r "$1" "$FAKE/requests"; }

@test "tables are made, with their namespace, found, moved on and listed" {
	run -0 rest "$CATALOG" "load $NS.a t" "list $NS.a" "create $NS.a t {\"x\":\"y\"}" "create $NS.a t {}" \
		"append $NS.a t 11" "shows 11" "append $NS.a t 12 999" "append $NS.a no 13" "list $NS.a" "load $NS.a t"
	[ "${lines[0]}" = missing ]
	[ "${lines[1]}" = listed ]
	[[ ${lines[2]} == 'done '*' -1 1 '*'"x":"y"'* ]]
	[[ ${lines[3]} == 'conflict 2 POST '*'409, AlreadyExistsException: Table already exists: '*.t ]]
	[[ ${lines[4]} == 'done '*' 11 1 '* ]]
	[ "${lines[5]}" = yes ]
	[[ ${lines[6]} == 'conflict '*'CommitFailedException: '*'expected id 999 != 11' ]]
	[[ ${lines[7]} == 'failed 2 '*'404, NoSuchTableException: '* ]]
	[ "${lines[8]} ${lines[9]}" = 't listed' ]
	[[ ${lines[10]} == 'found '*' 11 1 '* ]]
	uuid=${lines[2]#done }
	[[ ${lines[10]} == "found ${uuid%% *} "* ]]
	[ "$(curl -s "$CATALOG/v1/namespaces/$NS%1Fa/tables/t" | jq '.metadata["format-version"]')" = 2 ]
}

@test "names are quoted in URLs and in JSON; an empty level is refused" {
	run -0 rest "$CATALOG" "create $NS ä/\"?%é {}" "list $NS" "load $NS ä/\"?%é" "load $NS. t" "load .$NS t" "list ."
	[[ ${lines[0]} == 'done '* || ${lines[0]} == 'failed 2 '*'status 400'* ]]
	if [[ ${lines[0]} == 'done '* ]]; then [ "${lines[1]}" = 'ä/"?%é' ]; fi
	[[ $(printf '%s\n' "${lines[@]: -3}" | grep -c 'is no namespace') == 3 ]]
}

@test "lost, cut and unknown answers are uncertain, and the table tells whether it was done" {
	proxy
	rest "$PROXY" "create $NS t {}"
	local n=20 order was
	for order in lose half hang 'then 500' 'then 502' 'then 503' 'then 504' 'then 409'; do
		script "$order"
		run -0 rest -m 1500 "$PROXY" "load $NS t" "append $NS t $n" "load $NS t" "shows $n"
		was='uncertain 4 *'
		[[ $order != *409 ]] || was='conflict *'
		# libcurl sends it again itself where a connection that it had kept is closed.
		[[ $order != lose || ${lines[1]} != *expected* && ${lines[1]} != *'was created'* ]] || was='conflict *'
		# shellcheck disable=SC2053
		[[ ${lines[1]} == $was ]] || { echo "$order: $output"; false; }
		[ "${lines[3]}" = yes ]
		n=$((n + 1))
	done
	for order in drop 500 502 503 504 429 408; do
		script "$order" "$order"
		run -0 rest "$PROXY" "load $NS t" "append $NS t $n" "load $NS t" "shows $n"
		[[ ${lines[1]} == 'uncertain 4 '* ]] || { echo "$order: $output"; false; }
		[ "${lines[3]}" = no ]
	done
	for order in 400 403 404 501; do
		script "$order"
		run -0 rest "$PROXY" "load $NS t" "append $NS t $n" "shows $n"
		[[ ${lines[1]} == 'failed 2 '*'TestException: as told'* ]] || { echo "$order: $output"; false; }
		[ "${lines[2]}" = no ]
	done
}

@test "a table whose making was not answered is there when it is made again" {
	proxy
	rest "$PROXY" "create $NS other {}"
	script lose
	run -0 rest "$PROXY" "create $NS t {}" "create $NS t {}" "load $NS t"
	[[ ${lines[0]} == 'uncertain 4 '* || ${lines[0]} == 'conflict '* ]]
	[[ ${lines[1]} == 'conflict '* ]]
	[[ ${lines[2]} == 'found '* ]]
}

@test "the server's settings: prefix, warehouse, another server, properties of new tables" {
	proxy
	echo pre/fix >"$FAKE/prefix"
	echo '{"defaults":{"prefix":"no","table-default.a":"1","table-default.x":"1","table-override.b":"0"},
		"overrides":{"table-override.b":"2"}}' >"$FAKE/config"
	run -0 rest -w 's3://w h' "$PROXY" "create $NS t {\"x\":\"y\",\"b\":\"1\"}" "load $NS t"
	[[ ${lines[0]} == 'done '* ]]
	[ "$(curl -s "$CATALOG/v1/namespaces/$NS/tables/t" | jq -c '.metadata.properties | [.a, .x, .b]')" = '["1","y","2"]' ]
	[ "$(requests .path | head -n 1)" = /v1/config?warehouse=s3%3A%2F%2Fw%20h ]
	[ "$(requests .path | grep -c "^/v1/pre/fix/namespaces")" = "$(requests .path | tail -n +2 | wc -l)" ]
	# To a server that is named by the first.
	printf '' >"$FAKE/requests"
	rm "$FAKE/prefix"
	echo "{\"overrides\":{\"uri\":\"$CATALOG\"}}" >"$FAKE/config"
	run -0 rest "$PROXY" "load $NS t"
	[[ $output == 'found '* ]]
	[ "$(requests .path)" = /v1/config ]
	for bad in '"prefix":"a?b"' '"uri":"ftp://x"' '"uri":"http://u:p@127.0.0.1"'; do
		echo "{\"overrides\":{$bad}}" >"$FAKE/config"
		run -0 rest "$PROXY" "load $NS t"
		[[ $output == 'failed 3 '*"setting"* ]] || { echo "$bad: $output"; false; }
	done
}

@test "a list of tables comes in pages" {
	proxy
	echo 2 >"$FAKE/page"
	run -0 rest "$PROXY" "create $NS a {}" "create $NS b {}" "create $NS c {}" "create $NS d {}" "create $NS e {}"
	run -0 rest "$PROXY" "list $NS"
	[ "$(tr '\n' ' ' <<<"$output")" = 'a b c d e listed ' ]
	[ "$(requests .path | grep -c pageToken=)" = 2 ]
}

@test "a bearer token, of a file or the environment; a file that changes is read again" {
	proxy
	echo first >"$FAKE/token"
	run -0 rest "$PROXY" "load $NS t"
	[[ $output == 'failed 2 '*'401, TestException: the token is not known'*'--token-file'* ]]
	ICEBERG_TOKEN=first run -0 rest "$PROXY" "load $NS t"
	[ "$output" = missing ]
	echo first >"$BATS_TEST_TMPDIR/secret"
	mkfifo "$BATS_TEST_TMPDIR/lines"
	spawn client sh -c '"$1" -t "$2/secret" "$3" <"$2/lines"' sh "$CDC_BIN/tests/live/iceberg_rest" "$BATS_TEST_TMPDIR" "$PROXY"
	exec 7>"$BATS_TEST_TMPDIR/lines"
	echo "load $NS t" >&7
	wait_for "grep missing '$BATS_TEST_TMPDIR/client.out'" 60
	echo second >"$FAKE/token"
	echo second >"$BATS_TEST_TMPDIR/secret"
	echo "load $NS t" >&7
	wait_for "[ \$(grep -c missing '$BATS_TEST_TMPDIR/client.out') = 2 ]" 60
	exec 7>&-
	# A token that would add a header is none.
	printf 'a\rX: y' >"$BATS_TEST_TMPDIR/secret"
	run -2 rest -t "$BATS_TEST_TMPDIR/secret" "$PROXY" "load $NS t"
	run -2 rest -t "$BATS_TEST_TMPDIR/none" "$PROXY" "load $NS t"
}

@test "OAuth2: a token is fetched by the client's credentials, again where it has expired or is refused" {
	proxy
	rest "$CATALOG" "create $NS t {}"
	echo tok >"$FAKE/token"
	echo 'me:hu:sh &=' >"$FAKE/client"
	echo 'me:hu:sh &=' >"$BATS_TEST_TMPDIR/secret"
	login=(-c "$BATS_TEST_TMPDIR/secret")
	run -0 rest "${login[@]}" "$PROXY" "load $NS t" "load $NS t"
	[[ ${lines[0]} == 'found '* && ${lines[1]} == 'found '* ]]
	[ "$(requests 'select(.path == "/v1/oauth/tokens").body')" = \
		'grant_type=client_credentials&client_id=me&client_secret=hu%3Ash%20%26%3D&scope=catalog' ]
	# One that lasts no time is fetched for each request.
	printf '' >"$FAKE/requests"
	echo 0 >"$FAKE/expires"
	run -0 rest "${login[@]}" -o "$PROXY/else/tokens" "$PROXY" "load $NS t" "load $NS t"
	[ "$(requests .path | grep -c else/tokens)" = 3 ]
	rm "$FAKE/expires"
	# Refused in the middle: a commit is not lost by it, nor done twice.
	mkfifo "$BATS_TEST_TMPDIR/lines"
	spawn client sh -c '"$1" -c "$2/secret" "$3" <"$2/lines"' sh "$CDC_BIN/tests/live/iceberg_rest" "$BATS_TEST_TMPDIR" "$PROXY"
	exec 7>"$BATS_TEST_TMPDIR/lines"
	echo "load $NS t" >&7
	wait_for "grep found '$BATS_TEST_TMPDIR/client.out'" 60
	echo other >"$FAKE/token"
	echo "append $NS t 31" >&7
	wait_for "grep '^done .* 31 ' '$BATS_TEST_TMPDIR/client.out'" 60
	exec 7>&-
	# A wrong secret is said, not shown.
	echo 'me:wrong' >"$BATS_TEST_TMPDIR/secret"
	run -0 rest "${login[@]}" "$PROXY" "load $NS t"
	[[ $output == 'failed 2 '*'401, invalid_client: who are you'* && $output != *wrong* ]]
	run -2 rest "${login[@]}" -t "$BATS_TEST_TMPDIR/secret" "$PROXY" "load $NS t"
}

@test "TLS: the certificate is checked; a server away, and one that is no catalog" {
	cd "$BATS_TEST_TMPDIR"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=server -addext subjectAltName=IP:127.0.0.1 \
		-keyout key.pem -out cert.pem 2>/dev/null
	proxy cert.pem key.pem
	PROXY=${PROXY/http:/https:}
	run -0 rest "$PROXY" "load $NS t"
	[[ $output == 'failed 2 '*certificate* ]]
	run -0 rest -a cert.pem "$PROXY" "load $NS t"
	[ "$output" = missing ]
	run -0 rest -a cert.pem "${PROXY/127.0.0.1/localhost}" "load $NS t"
	[[ $output == 'failed 2 '* ]]
	# What came by TLS does not go on without.
	echo "{\"overrides\":{\"uri\":\"$CATALOG\"}}" >"$FAKE/config"
	run -0 rest -a cert.pem "$PROXY" "load $NS t"
	[[ $output == 'failed 3 '*"uri cannot be followed"* ]]
	run -0 rest http://127.0.0.1:1 "load $NS t"
	[[ $output == 'failed 4 '* ]]
	run -0 rest "$CATALOG/wrong" "load $NS t"
	[[ $output == 'failed 2 '* ]]
	run -2 rest http://me:hush@127.0.0.1:1 "load $NS t"
	[[ $output == *login* && $output != *hush* ]]
	run -2 rest ftp://127.0.0.1 "load $NS t"
}
