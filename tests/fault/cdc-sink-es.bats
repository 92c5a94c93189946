# cdc-sink-es and a server that answers as a broken, busy or suspicious one does: see es-server.
bats_require_minimum_version 1.5.0
load ../lib

setup() {
	FAKE=$BATS_TEST_TMPDIR/fake
	REJECT=$BATS_TEST_TMPDIR/reject
	mkdir "$FAKE"
	START='{"cdc":{"control":"start","pos":"pg/1/l/100/0/0","source":"7301-ab"}}'
	END='{"cdc":{"control":"end","status":0}}'
	LINES="$START
$(for i in 1 2 3 4 5 6 7 8; do event $i; done)
{\"cdc\":{\"control\":\"progress\",\"pos\":\"pg/1/l/300/0/0\"}}
$END"
}

teardown() {
	cat "$BATS_TEST_TMPDIR"/sink.err 2>/dev/null || true
	kill_spawned
}

event() { echo '{"cdc":{"pos":"pg/1/l/20'$1/20$1'/1","topic":"t","key":{"id":'$1'}},"before":null,"after":{"n":'$1'},"op":"c"}'; }

serve() {
	rm -f "$BATS_TEST_TMPDIR/server.out"
	spawn server "$ROOT/tests/fault/es-server" "$FAKE" "$@"
	wait_for "[ -s '$BATS_TEST_TMPDIR/server.out' ]" 60
	PORT=$(cat "$BATS_TEST_TMPDIR/server.out")
	URL=http://127.0.0.1:$PORT
}
script() { printf '%s\n' "$@" >"$FAKE/script"; }
sink() { cdc-sink-es --jobs 1 --ack-fd 1 --stats "$BATS_TEST_TMPDIR/stats" "$@" <<<"$LINES"; }
count_of() { sed -n "s/^cdc_sink_$1_total //p" "$BATS_TEST_TMPDIR/stats"; }
# The ids of each bulk request.
bulks() { jq -r 'select(.path | startswith("/_bulk")) | .ids | join(" ")' "$FAKE/requests"; }

@test "429 and 503, whole and by item: those again, after a pause, and those alone" {
	serve
	script 429 503 'items 200 429 200 503' 'items 200 429' 429
	run -0 --separate-stderr sink "$URL"
	[ "$output" = $'pg/1/l/300/0/0\nend 0' ] || [ "${lines[-2]}" = pg/1/l/300/0/0 ]
	[ "$(bulks)" = $'1 2 3 4 5 6 7 8\n1 2 3 4 5 6 7 8\n1 2 3 4 5 6 7 8\n2 4 6 8\n4 8\n4 8' ]
	[ "$(count_of retries)" = 5 ]
	[[ $stderr == *"status 429"*"trying again"* ]]
}

@test "an answer that is cut, too short, no JSON, or never comes: all of it again" {
	serve
	script cut less text close
	run -0 --separate-stderr sink "$URL"
	[ "${lines[-2]}" = pg/1/l/300/0/0 ]
	[ "$(bulks | sort | uniq -c | sed 's/^ *//')" = '5 1 2 3 4 5 6 7 8' ]
}

@test "nothing is acknowledged before its own item's answer" {
	serve
	script 'items 200 200 200 429' $(yes 429 | head -n 100)
	mkfifo "$BATS_TEST_TMPDIR/lines"
	spawn sink sh -c 'exec cdc-sink-es --jobs 1 --drain-timeout 0 --ack-fd 1 --stats "$1/stats" "$2" <"$1/lines"' sh "$BATS_TEST_TMPDIR" "$URL"
	exec 7>"$BATS_TEST_TMPDIR/lines"
	sed '$d' <<<"$LINES" >&7
	wait_for '[ "$(count_of retries)" -ge 3 ]' 60
	kill "$PID"
	local ended=0
	wait "$PID" || ended=$?
	exec 7>&-
	[ $ended = 4 ]
	[ "$(grep -v '^end' "$BATS_TEST_TMPDIR/sink.out")" = pg/1/l/203/203/1 ]
}

@test "stored documents that cannot be read for a while: asked for again, of an update and of a row whose key has changed" {
	serve
	local u='{"big":"__debezium_unavailable_value"}' line
	for line in '{"cdc":{"pos":"pg/1/l/201/201/1","topic":"t","key":{"id":1}},"before":null,"after":'$u',"op":"u"}' \
		'{"cdc":{"pos":"pg/1/l/201/201/2","topic":"t","key":{"id":1},"headers":{"__debezium.oldkey":{"id":9}}},"before":null,"after":'$u',"op":"c"}'; do
		printf '%s\n' away away >"$FAKE/mget"
		: >"$FAKE/requests"
		printf '%s\n' "$START" "$line" "$END" | cdc-sink-es "$URL"
		[ "$(jq -c 'select(.path | startswith("/_mget")) | .path' "$FAKE/requests" | wc -l)" = 3 ]
		[ "$(jq -c 'select(.path | startswith("/_bulk")) | .documents' "$FAKE/requests")" = '[{"big":"stored"}]' ]
	done
}

@test "a host that goes away in between: its lines go to another" {
	serve
	local first=$PID hosts="$URL"
	FAKE=$FAKE.2
	mkdir "$FAKE"
	serve
	hosts="$hosts $URL"
	mkfifo "$BATS_TEST_TMPDIR/lines"
	spawn sink sh -c 'exec cdc-sink-es --jobs 1 --ack-fd 1 $2 <"$1"' sh "$BATS_TEST_TMPDIR/lines" "$hosts"
	local sink=$PID
	exec 7>"$BATS_TEST_TMPDIR/lines"
	head -n 5 <<<"$LINES" >&7
	wait_for 'grep -q pg/1/l/203 "$BATS_TEST_TMPDIR/sink.out"' 60
	[ ! -s "$FAKE/requests" ]
	kill "$first"
	tail -n +6 <<<"$LINES" >&7
	exec 7>&-
	wait "$sink"
	[ "$(tail -n 2 "$BATS_TEST_TMPDIR/sink.out")" = $'pg/1/l/300/0/0\nend 0' ]
	grep -q "$(cut -d' ' -f1 <<<"$hosts"): .*trying again" "$BATS_TEST_TMPDIR/sink.err"
	[ -n "$(bulks)" ]
}

@test "nobody reads the acknowledgements any more: the sink ends, though it has nothing to tell" {
	serve
	yes 429 | head -n 1000 >"$FAKE/script"
	mkfifo "$BATS_TEST_TMPDIR/lines" "$BATS_TEST_TMPDIR/acks"
	spawn sink sh -c 'exec cdc-sink-es --jobs 1 --ack-fd 3 "$2" <"$1/lines" 3>"$1/acks"' sh "$BATS_TEST_TMPDIR" "$URL"
	local sink=$PID
	exec 7>"$BATS_TEST_TMPDIR/lines"
	spawn reader cat "$BATS_TEST_TMPDIR/acks"
	sed '$d' <<<"$LINES" >&7
	wait_for 'grep -q "trying again" "$BATS_TEST_TMPDIR/sink.err"' 60
	kill "$PID"
	local ended=0
	wait "$sink" || ended=$?
	exec 7>&-
	[ $ended = 4 ]
	grep -q "cannot write acknowledgements: Broken pipe" "$BATS_TEST_TMPDIR/sink.err"
}

@test "409 is done and counted; other statuses of an item are refused" {
	serve
	script 'items 409 200 422 200'
	run -1 --separate-stderr sink --reject "$REJECT" "$URL"
	[ "${lines[-2]}" = pg/1/l/300/0/0 ]
	[ "$(count_of stale)" = 2 ]
	[ "$(jq -c .key.id "$REJECT" | paste -sd' ')" = '3 7' ]
	[[ $(jq -r .reason "$REJECT" | head -n 1) == *"status 422, test_exception: as told"* ]]
	script 'items 200 422'
	run -3 --separate-stderr sink "$URL"
	[ "${lines[0]}" = pg/1/l/201/201/1 ]
	[[ $stderr == *"line 3"*'key {"id":2}'* ]]
	script 'items 422'
	run -3 sink --reject "$REJECT" --max-rejects 3 "$URL"
}

@test "400 and 413 of a whole request: in halves, until the culprit is found" {
	serve
	# 1-8, 1-4, 1-2, 1, 2-3, 2: 2 is refused.
	script 400 400 400 'items 200' 400 400
	run -1 --separate-stderr sink --reject "$REJECT" "$URL"
	[ "${lines[-2]}" = pg/1/l/300/0/0 ]
	[ "$(jq -c .key.id "$REJECT")" = 2 ]
	[ "$(bulks | head -n 6 | paste -sd,)" = '1 2 3 4 5 6 7 8,1 2 3 4,1 2,1,2 3,2' ]
	: >"$FAKE/requests"
	script 413
	run -0 --separate-stderr sink "$URL"
	[ "$(bulks | head -n 2 | paste -sd,)" = '1 2 3 4 5 6 7 8,1 2 3 4' ]
}

@test "401, 403, 404, a redirect: status 2 at once, nothing is rejected" {
	serve
	for told in 401 403 404 302 405; do
		script $told
		run -2 --separate-stderr sink --reject "$REJECT" "$URL"
		[ "$output" = 'end 2' ]
		[[ $stderr == *"status $told"* ]]
	done
	script 'items 200 403'
	run -2 --separate-stderr sink --reject "$REJECT" "$URL"
	[ "$output" = $'pg/1/l/201/201/1\nend 2' ]
	[ ! -s "$REJECT" ]
	echo secret >"$FAKE/auth"
	run -2 --separate-stderr sink "$URL"
	[[ $stderr == *"status 401"*"--user"* ]]
}

@test "logins: by URL, file and environment; no secret in the process list or a message" {
	serve
	local basic
	basic="Basic $(printf 'me:pä@ss' | base64)"
	echo "$basic" >"$FAKE/auth"
	printf 'pä@ss\n' >"$BATS_TEST_TMPDIR/password"
	sink "http://me:p%C3%A4%40ss@127.0.0.1:$PORT"
	sink --user me --password-file "$BATS_TEST_TMPDIR/password" "$URL"
	ES_USER=me ES_PASSWORD='pä@ss' sink "$URL"
	echo "ApiKey abc==" >"$FAKE/auth"
	echo 'abc==' >"$BATS_TEST_TMPDIR/key"
	sink --api-key-file "$BATS_TEST_TMPDIR/key" "$URL"
	ES_API_KEY=abc== sink "$URL"
	echo "Bearer tok" >"$FAKE/auth"
	ES_BEARER_TOKEN=tok sink "$URL"
	echo tok >"$BATS_TEST_TMPDIR/token"
	sink --bearer-file "$BATS_TEST_TMPDIR/token" "$URL"
	run -2 sink --user me "$URL"
	[[ $output == *"no password for me"* ]]
	run -2 sink --user me --bearer-file "$BATS_TEST_TMPDIR/token" "$URL"
	run -2 sink --api-key-file "$BATS_TEST_TMPDIR/none" "$URL"
	# Refused: the message names neither.
	run -2 sink "http://me:hush@127.0.0.1:$PORT"
	[[ $output == *"http://127.0.0.1:$PORT"*"status 401"* && $output != *hush* ]]
	run -4 sink "http://me:hush@127.0.0.1:1"
	[[ $output != *hush* ]]
	script $(yes 429 | head -n 100)
	rm "$FAKE/auth"
	mkfifo "$BATS_TEST_TMPDIR/lines"
	spawn sink sh -c 'exec cdc-sink-es -t t -k n "$2" <"$1"' sh "$BATS_TEST_TMPDIR/lines" "http://me:hush@127.0.0.1:$PORT"
	exec 7>"$BATS_TEST_TMPDIR/lines"
	echo '{"n":1}' >&7
	wait_for 'grep -q "trying again" "$BATS_TEST_TMPDIR/sink.err"' 60
	! tr '\0' ' ' <"/proc/$PID/cmdline" | grep hush
	! grep hush "$BATS_TEST_TMPDIR/sink.err"
	exec 7>&-
}

@test "TLS: the certificate is checked, by --cacert; --insecure warns; the name counts" {
	certificates "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR"
	serve server.pem server.key
	run -2 sink "https://127.0.0.1:$PORT"
	[[ $output == *"certificate"* ]]
	run -0 --separate-stderr sink --cacert ca.pem "https://127.0.0.1:$PORT"
	[ "$stderr" = '' ]
	run -2 sink --cacert ca.pem "https://localhost:$PORT"
	run -0 --separate-stderr sink --insecure "https://127.0.0.1:$PORT"
	[[ $stderr == *"--insecure"*"not checked"* ]]
}

@test "TLS: a client's certificate" {
	certificates "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR"
	serve server.pem server.key ca.pem
	run sink --cacert ca.pem "https://127.0.0.1:$PORT"
	[ "$status" != 0 ]
	run -0 sink --cacert ca.pem --cert client.pem --cert-key client.key "https://127.0.0.1:$PORT"
	run -2 sink --cacert ca.pem --cert-key client.key "https://127.0.0.1:$PORT"
}

@test "gzip: the body is compressed and says so" {
	serve
	sink --gzip "$URL"
	[ "$(bulks)" = '1 2 3 4 5 6 7 8' ]
	[ "$(jq -r 'select(.path | startswith("/_bulk")) | .headers["Content-Encoding"]' "$FAKE/requests")" = gzip ]
}

@test "bad input: cut lines, wrong UTF-8, no key, no header, unknown op, tokens out of order" {
	serve
	bad() { printf '%s\n' "$START" "$@" "$END" | cdc-sink-es --ack-fd 1 "$URL"; }
	run -3 bad '{"cdc":{"pos":"pg/1/l/201/201/1","topic":"t","key":{"id":1}},"op":"c"'
	run -3 bad "$(event 1 | sed 's/"n":1/"n":"\xff"/')"
	run -3 bad '{"cdc":{"pos":"pg/1/l/201/201/1","topic":"t","key":null},"after":{},"op":"c"}'
	run -3 bad '{"after":{},"op":"c"}'
	run -3 bad "$(event 1 | sed 's/"op":"c"/"op":"x"/')"
	[[ $output == *"op x"* ]]
	run -3 bad "$(event 1 | sed 's/"after":{"n":1}/"after":null/')"
	run -3 bad "$(event 2)" "$(event 1)"
	run -3 bash -c 'printf "%s" "$1" | cdc-sink-es "$2"' - "$(event 1)" "$URL"
	run -2 cdc-sink-es
	run -2 cdc-sink-es ftp://x </dev/null
	run -2 cdc-sink-es --truncate maybe "$URL" </dev/null
}
