# cdc-sink-es against a real node: what the index then holds.
bats_require_minimum_version 1.5.0
load ../lib

setup_file() { start_elasticsearch http.max_content_length=100kb; }
teardown_file() { stop_servers; }

setup() {
	T=Shop.t$BATS_TEST_NUMBER # a topic of the test's own
	I=shop.t$BATS_TEST_NUMBER
	FIFO=$BATS_TEST_TMPDIR/lines
	REJECT=$BATS_TEST_TMPDIR/reject
	START=$(start 7301-ab)
	END='{"cdc":{"control":"end","status":0}}'
}

teardown() {
	cat "$BATS_TEST_TMPDIR"/sink.err 2>/dev/null || true
	kill_spawned
}

# sink OPTION… -- LINE…
sink() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	printf '%s\n' "$@" | cdc-sink-es "${options[@]}" "http://$ES"
}

start() { printf '{"cdc":{"control":"start","pos":"pg/%s/l/100/0/0","source":"%s"}}\n' "${2-1}" "$1"; }
progress() { printf '{"cdc":{"control":"progress","pos":"%s"}}\n' "$1"; }
# event OP LSN KEY-MEMBERS ROW [HEADERS]: one change of epoch ${EPOCH-1}
event() {
	local after=$4 before=null
	[ "$1" != d ] || { before=$4 after=null; }
	printf '{"cdc":{"pos":"pg/%s/l/%s/%s/1","topic":"%s","key":{%s}%s},"before":%s,"after":%s,"op":"%s"}\n' \
		"${EPOCH-1}" "$2" "$2" "$T" "$3" "${5:+,\"headers\":$5}" "$before" "$after" "$1"
}
# row VIEW SEQ ID ROW: one row of a snapshot
row() {
	printf '{"cdc":{"pos":"pg/%s/s/%s/%s/t/%%5B1%%5D","topic":"%s","key":{"id":%s}},"before":null,"after":%s,"op":"r"}\n' \
		"${EPOCH-1}" "$1" "$2" "$T" "$3" "$4"
}

# documents [INDEX]: each as `id source`, sorted
documents() {
	es POST "${1-$I}/_refresh" >/dev/null
	es POST "${1-$I}/_search?size=1000" '{"query":{"match_all":{}}}' | jq -c -r '.hits.hits[] | "\(._id) \(._source)"' | sort
}
version() { es GET "$I/_doc/$1" | jq ._version; }
count_of() { sed -n "s/^cdc_sink_$1_total //p" "$BATS_TEST_TMPDIR/stats"; }

spawn_sink() {
	rm -f "$FIFO" "$BATS_TEST_TMPDIR"/sink.*
	mkfifo "$FIFO"
	spawn sink sh -c 'fifo=$1; shift; exec "$@" <"$fifo"' sh "$FIFO" cdc-sink-es "$@" "http://$ES"
	exec 7>"$FIFO"
}
acks() { cat "$BATS_TEST_TMPDIR/sink.out"; }
ends() {
	local status=0
	exec 7>&-
	wait "$PID" || status=$?
	[ "$status" = "$1" ] || { echo "ended with $status"; cat "$BATS_TEST_TMPDIR/sink.err"; return 1; }
}

@test "rows are documents: create, update, delete; the version is the position's" {
	run -0 sink --ack-fd 1 -- "$START" "$(event c 200 '"id":1' '{"id":1,"a":"x"}')" "$(event c 201 '"id":2' '{"id":2}')" \
		"$(event u 300 '"id":1' '{"id":1,"a":"é\u00e9"}')" "$(event d 301 '"id":2' '{"id":2}')" "$(progress pg/1/l/400/0/0)" "$END"
	[ "${lines[-2]}" = pg/1/l/400/0/0 ]
	[ "$(documents)" = '1 {"id":1,"a":"éé"}' ]
	[ "$(es GET "$I/_doc/1" | grep -o '"_version":[0-9]*')" = "\"_version\":$(((1 << 56) + 300))" ]
}

@test "what comes twice or late changes nothing, and is counted" {
	local lines=("$START" "$(event c 200 '"id":1' '{"n":1}')" "$(event c 201 '"id":2' '{"n":1}')" "$(event u 300 '"id":1' '{"n":2}')" "$(event d 310 '"id":2' '{}')")
	sink -- "${lines[@]}" "$END"
	sink --stats "$BATS_TEST_TMPDIR/stats" --jobs 1 -- "${lines[@]:0:2}" "$END"
	[ "$(count_of stale)" = 1 ]
	sink -- "${lines[@]:0:3}" "$END"
	[ "$(documents)" = '1 {"n":2}' ]
	sink -- "${lines[@]}" "$END"
	[ "$(documents)" = '1 {"n":2}' ]
}

@test "a snapshot's row is below the log's events of its epoch; a deleted one does not come back" {
	sink -- "$START" "$(event u 300 '"id":1' '{"n":"log"}')" "$(event d 301 '"id":2' '{}')" "$END"
	sink -- "$START" "$(row 7 1 1 '{"n":"snapshot"}')" "$(row 7 2 2 '{"n":"snapshot"}')" "$(row 7 3 3 '{"n":"snapshot"}')" "$END"
	[ "$(documents)" = $'1 {"n":"log"}\n3 {"n":"snapshot"}' ]
	# Resumed in a later view.
	sink -- "$START" "$(row 8 3 3 '{"n":"later"}')" "$END"
	sink -- "$START" "$(row 7 3 3 '{"n":"snapshot"}')" "$END"
	[ "$(documents)" = $'1 {"n":"log"}\n3 {"n":"later"}' ]
}

@test "composite keys, text keys" {
	sink -- "$START" "$(event c 200 '"a":7,"b":"x\"y"' '{"n":1}')" "$(event c 201 '"c":"plain é/?"' '{"n":2}')" "$(event c 202 '"c":"[1]"' '{"n":3}')" \
		"$(event c 203 '"c":""' '{"n":4}')" "$END"
	[ "$(documents)" = "$(printf '%s\n' '[7,"x\"y"] {"n":1}' 'plain é/? {"n":2}' '"[1]" {"n":3}' '"" {"n":4}' | sort)" ]
}

@test "unavailable values: from the batch, from the document, else left out and counted" {
	local u='"__debezium_unavailable_value"'
	sink --stats "$BATS_TEST_TMPDIR/stats" -- "$START" "$(event c 200 '"id":1' '{"big":"one","n":1}')" "$(event u 201 '"id":1' '{"big":'$u',"n":2}')" \
		"$(event u 202 '"id":1' '{"big":'$u',"n":3}')" "$END"
	[ "$(documents)" = '1 {"big":"one","n":3}' ]
	[ "$(count_of incomplete)" = 0 ]
	sink -- "$START" "$(event u 300 '"id":1' '{"big":'$u',"n":4}')" "$END"
	[ "$(documents)" = '1 {"big":"one","n":4}' ]
	sink -- "$START" "$(event u 300 '"id":1' '{"big":'$u',"n":4}')" "$(event u 301 '"id":1' '{"big":'$u',"n":5}')" "$END"
	[ "$(documents)" = '1 {"big":"one","n":5}' ]
	sink --stats "$BATS_TEST_TMPDIR/stats" -- "$START" "$(event u 400 '"id":2' '{"big":'$u',"n":4}')" "$END"
	[ "$(documents)" = $'1 {"big":"one","n":5}\n2 {"n":4}' ]
	[ "$(count_of incomplete)" = 1 ]
}

@test "unavailable values of a row whose key changes are the old document's, also when both lines come again" {
	local u='"__debezium_unavailable_value"'
	local moved=("$(event d 300 '"id":1' '{"id":1}' '{"__debezium.newkey":{"id":2}}')" \
		"$(event c 301 '"id":2' '{"id":2,"big":'$u'}' '{"__debezium.oldkey":{"id":1}}')")
	sink -- "$START" "$(event c 200 '"id":1' '{"id":1,"big":"one"}')" "${moved[@]}" "$END"
	[ "$(documents)" = '2 {"id":2,"big":"one"}' ]
	sink -- "$START" "${moved[@]}" "$END"
	[ "$(documents)" = '2 {"id":2,"big":"one"}' ]
	sink --stats "$BATS_TEST_TMPDIR/stats" -- "$START" "${moved[1]}" "$(event u 400 '"id":2' '{"id":2,"big":'$u',"n":1}')" "$END"
	[ "$(documents)" = '2 {"id":2,"big":"one","n":1}' ]
	[ "$(count_of incomplete)" = 0 ]
}

@test "a moving delete waits for its create: at the end of the input it is let go, unacknowledged; a stage may drop the create" {
	local u='"__debezium_unavailable_value"'
	local moved=("$(event d 300 '"id":1' '{"id":1}' '{"__debezium.newkey":{"id":2}}')" \
		"$(event c 301 '"id":2' '{"id":2,"big":'$u'}' '{"__debezium.oldkey":{"id":1}}')")
	sink -- "$START" "$(event c 200 '"id":1' '{"id":1,"big":"one"}')" "$END"
	run -4 --separate-stderr sink --ack-fd 1 -- "$START" "${moved[0]}"
	! grep 'l/300' <<<"$output"
	[ "$(documents)" = '1 {"id":1,"big":"one"}' ]
	sink -- "$START" "${moved[@]}" "$END"
	[ "$(documents)" = '2 {"id":2,"big":"one"}' ]
	run -0 sink --ack-fd 1 -- "$START" "$(event d 400 '"id":2' '{"id":2}' '{"__debezium.newkey":{"id":3}}')" "$(progress pg/1/l/500/0/0)" "$END"
	[ "$output" = $'pg/1/l/500/0/0\nend 0' ]
	[ "$(documents)" = '' ]
}

@test "--soft-delete keeps the document and marks it; a new row clears the mark" {
	sink --soft-delete gone -- "$START" "$(event c 200 '"id":1' '{"id":1,"a":"x"}')" "$(event c 201 '"id":2' '{"id":2,"a":"y"}')" \
		"$(event d 202 '"id":2' '{"id":2,"a":null}')" "$END"
	sink --soft-delete gone -- "$START" "$(event d 300 '"id":1' '{"id":1,"a":null}')" "$(event d 301 '"id":3' '{"id":3}')" "$END"
	[ "$(documents)" = $'1 {"id":1,"a":"x","gone":true}\n2 {"id":2,"a":"y","gone":true}\n3 {"id":3,"gone":true}' ]
	sink --soft-delete gone -- "$START" "$(event d 300 '"id":1' '{"id":1,"a":null}')" "$(event c 400 '"id":3' '{"id":3}')" "$END"
	[ "$(documents)" = $'1 {"id":1,"a":"x","gone":true}\n2 {"id":2,"a":"y","gone":true}\n3 {"id":3}' ]
}

@test "a line that is a header alone deletes, or marks" {
	tombstone() { printf '{"cdc":{"pos":"pg/1/l/%s/%s/1","topic":"%s","key":{"id":1}}}\n' "$1" "$1" "$T"; }
	bare() { printf '{"cdc":{"pos":"pg/1/l/%s/%s/1","topic":"%s","key":{"id":%s}},"id":%s}\n' "$1" "$1" "$T" "$2" "$2"; }
	sink -- "$(bare 200 1)" "$(bare 201 2)" "$(tombstone 202)"
	[ "$(documents)" = '2 {"id":2}' ]
	sink --soft-delete gone -- "$(bare 210 1)" "$(tombstone 211)"
	[ "$(documents | head -1)" = '1 {"id":1,"gone":true}' ]
}

@test "--envelope: the whole event, unavailable values filled" {
	sink --envelope -- "$START" "$(event c 200 '"id":1' '{"id":1,"big":"one"}')" "$END"
	sink --envelope -- "$START" "$(event u 300 '"id":1' '{"id":1,"big":"__debezium_unavailable_value"}')" "$END"
	[ "$(documents)" = '1 {"before":null,"after":{"id":1,"big":"one"},"op":"u"}' ]
}

@test "a truncate is refused, or deletes what is not newer" {
	truncate='{"cdc":{"pos":"pg/1/l/250/250/1","topic":"'$T'","key":null},"before":null,"after":null,"op":"t"}'
	run -3 sink -- "$START" "$truncate" "$END"
	[[ $output == *"--truncate delete-by-query"* ]]
	sink -- "$START" "$(event c 200 '"id":1' '{"n":1}')" "$(event c 300 '"id":2' '{"n":2}')" "$END"
	# It comes again after what is newer was there: that stays.
	sink --truncate delete-by-query -- "$START" "$(event c 200 '"id":1' '{"n":1}')" "$truncate" "$(event c 300 '"id":2' '{"n":2}')" "$END"
	[ "$(documents)" = '2 {"n":2}' ]
}

@test "a truncate leaves other tables' documents alone: the index must be the table's" {
	run -2 sink -i all --truncate delete-by-query -- "$START" "$END"
	[[ $output == *"--index all"*'${table}'* ]]
	sink -i 'all-${table}' --truncate delete-by-query -- "$START" "$END"
}

@test "answers cut, late and never, storms of 429 and 503, whole and by item: documents, moved rows and a truncate" {
	local u='"__debezium_unavailable_value"' i proxy
	spawn proxy "$ROOT/tests/fault/es-proxy" "${ES#*:}" --seed 2 --faults 0.3
	proxy=$PID
	wait_for '[ -s "$BATS_TEST_TMPDIR/proxy.out" ]' 60
	truncate='{"cdc":{"pos":"pg/1/l/350/350/1","topic":"'$T'","key":null},"before":null,"after":null,"op":"t"}'
	{
		echo "$START"
		for i in $(seq 200 320); do event c "$i" "\"id\":$i" '{"big":"before"}'; done
		echo "$truncate"
		for i in $(seq 400 440); do event c "$i" "\"id\":$((i - 200))" '{"big":"'$i'"}'; done
		for i in $(seq 500 505); do
			event d "$i" "\"id\":$((i - 300))" '{}' '{"__debezium.newkey":{"id":'$i'}}'
			event c "$i" "\"id\":$i" '{"big":'$u'}' '{"__debezium.oldkey":{"id":'$((i - 300))'}}' | sed 's|/1","topic|/2","topic|'
		done
		progress pg/1/l/900/0/0
		echo "$END"
	} | cdc-sink-es --batch 2KiB --linger 1ms --truncate delete-by-query --ack-fd 1 "http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/proxy.out")" >"$BATS_TEST_TMPDIR/acks"
	kill "$proxy"
	wait "$proxy"
	[ "$(tail -n 2 "$BATS_TEST_TMPDIR/acks")" = $'pg/1/l/900/0/0\nend 0' ]
	diff <({ for i in $(seq 206 240); do echo "$i {\"big\":\"$((i + 200))\"}"; done
		for i in $(seq 500 505); do echo "$i {\"big\":\"$((i - 100))\"}"; done; } | sort) <(documents)
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/proxy.out" | jq 'length')" -ge 3 ]
}

@test "TLS, a client's certificate, by a proxy before the node" {
	certificates "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR"
	spawn proxy "$ROOT/tests/fault/es-proxy" "${ES#*:}" --tls server.pem server.key ca.pem
	wait_for '[ -s "$BATS_TEST_TMPDIR/proxy.out" ]' 60
	local url=https://127.0.0.1:$(cat proxy.out) input
	input=$(echo "$START"; event c 200 '"id":1' '{"n":1}'; echo "$END")
	run -2 cdc-sink-es "$url" <<<"$input"
	[[ $output == *certificate* ]]
	run ! cdc-sink-es --cacert ca.pem "$url" <<<"$input"
	run -0 cdc-sink-es --cacert ca.pem --cert client.pem --cert-key client.key "$url" <<<"$input"
	[ "$output" = '' ]
	[ "$(documents)" = '1 {"n":1}' ]
	run -0 cdc-sink-es --insecure --cert client.pem --cert-key client.key "$url" <<<"$input"
	[[ $output == *"--insecure"*"not checked"* ]]
}

@test "--stats: every figure" {
	local name now
	now=$(date +%s)000
	sink --stats "$BATS_TEST_TMPDIR/stats" --jobs 1 --reject "$REJECT" -- "$START" \
		"$(event c 200 '"id":1' '{"n":1}' | sed 's/"op"/"source":{"ts_ms":'"$now"'},&/')" "$(event u 201 '"id":2' '{"n":"__debezium_unavailable_value"}')" "$END"
	[ "$(count_of events)" = 2 ]
	[ "$(count_of bytes)" -gt 100 ]
	[ "$(count_of batches)" = 1 ]
	[ "$(count_of incomplete)" = 1 ]
	for name in retries rejects stale; do [ "$(count_of $name)" = 0 ]; done
	grep -q '^cdc_sink_in_flight 0$' "$BATS_TEST_TMPDIR/stats"
	grep -q '^cdc_sink_delay_seconds_count 1$' "$BATS_TEST_TMPDIR/stats"
	[ "$(sed -n 's/^cdc_sink_delay_seconds_sum //p' "$BATS_TEST_TMPDIR/stats")" != 0.000 ]
	[ "$(sed -n 's/^cdc_sink_lag_seconds \(.*\)\..*/\1/p' "$BATS_TEST_TMPDIR/stats")" -lt 60 ]
	[ "$(sed -n 's/^cdc_sink_last_durable_timestamp_seconds \(.*\)\..*/\1/p' "$BATS_TEST_TMPDIR/stats")" = "${now%000}" ]
}

@test "a bad document is refused with key and position; with --reject it goes there, and the line before it stays" {
	local input=("$START" "$(event c 200 '"id":1' '{"n":1}')" "$(event c 201 '"id":2' '{"n":1}')" "$(event u 300 '"id":1' '{"n":{"x":1}}')" "$(event c 301 '"id":3' '{"n":3}')")
	sink -- "${input[@]:0:2}" "$END"
	run -3 sink -- "${input[@]}" "$END"
	[[ $output == *"refused with status 400"*"key {\"id\":1}"*"position pg/1/l/300/300/1"* ]]
	run -1 --separate-stderr sink --ack-fd 1 --reject "$REJECT" -- "${input[@]}" "$(progress pg/1/l/400/0/0)" "$END"
	[ "$(tail -n 2 <<<"$output")" = $'pg/1/l/400/0/0\nend 1' ] # a slow node is told of on the way
	[ "$(documents)" = $'1 {"n":1}\n2 {"n":1}\n3 {"n":3}' ]
	[ "$(jq -r .pos "$REJECT")" = pg/1/l/300/300/1 ]
	[[ $(jq -r .reason "$REJECT") == *"status 400"*"n"* ]]
	[ "$(jq -c '[.key, .value.op]' "$REJECT")" = '[{"id":1},"u"]' ]
}

@test "413: the request is split; one line that is too large is refused" {
	sink --jobs 1 -- "$START" $(for i in $(seq 100 160); do event c $i "\"id\":$i" "{\"n\":\"$(printf %05000d $i)\"}"; done) "$END"
	[ "$(documents | wc -l)" = 61 ]
	run -1 sink --reject "$REJECT" -- "$START" "$(event c 200 '"id":1' '{"n":"'$(printf %0110000d 1)'"}')" "$(event c 201 '"id":2' '{"n":"2"}')" "$END"
	[[ $(jq -r .reason "$REJECT") == *"status 413"* ]]
	[ "$(documents | grep -c '^2 ')" = 1 ]
}

@test "a blocked index answers 429: the sink waits, and nothing is acknowledged" {
	sink -- "$START" "$(event c 200 '"id":1' '{"n":1}')" "$END"
	es PUT "$I/_settings" '{"index.blocks.read_only_allow_delete":true}' >/dev/null
	spawn_sink --ack-fd 1 --stats "$BATS_TEST_TMPDIR/stats"
	{ echo "$START"; event u 300 '"id":1' '{"n":2}'; event d 301 '"id":9' '{}'; progress pg/1/l/400/0/0; } >&7
	wait_for '[ "$(count_of retries)" -ge 2 ]' 60
	! acks | grep -q 'pg/1/l/[34]'
	es PUT "$I/_settings" '{"index.blocks.read_only_allow_delete":null}' >/dev/null
	wait_for 'acks | grep -q pg/1/l/400' 60
	echo "$END" >&7
	ends 0
	[ "$(documents)" = '1 {"n":2}' ]
}

@test "the node is killed and comes back: nothing is lost" {
	spawn_sink --ack-fd 1
	{ echo "$START"; event c 200 '"id":1' '{"n":1}'; progress pg/1/l/201/0/0; } >&7
	wait_for 'acks | grep -q pg/1/l/201' 60
	"$SERVERS/elasticsearch" kill9 "$ES_DIR"
	{ event u 300 '"id":1' '{"n":2}'; event c 301 '"id":2' '{"n":1}'; progress pg/1/l/400/0/0; } >&7
	wait_for 'grep -q "trying again" "$BATS_TEST_TMPDIR/sink.err"' 60
	! acks | grep -q 'pg/1/l/400'
	"$SERVERS/elasticsearch" restart "$ES_DIR" 3>&- 7>&-
	wait_for 'acks | grep -q pg/1/l/400' 60
	echo "$END" >&7
	ends 0
	[ "$(documents)" = $'1 {"n":2}\n2 {"n":1}' ]
}

@test "several hosts: one that is away does not matter" {
	local dead
	dead=$("$SERVERS/free-port")
	{ echo "$START"; for i in $(seq 20); do event c $((200 + i)) "\"id\":$i" '{"n":1}'; done; echo "$END"; } |
		cdc-sink-es "http://127.0.0.1:$dead" "http://$ES"
	[ "$(documents | wc -l)" = 20 ]
}

@test "the index is the sink's: gc_deletes, whose it is; elsewhere a short gc_deletes is warned of" {
	sink -- "$START" "$(event c 200 '"id":1' '{"n":1}')" "$END"
	run es GET "$I?flat_settings=true"
	[[ $output == *'"index.gc_deletes":"1d"'* && $output == *'"source":"7301-ab"'* ]]
	es PUT "other$BATS_TEST_NUMBER" '{"mappings":{"_meta":{"mine":[1]}}}' >/dev/null
	run -0 sink -i "other$BATS_TEST_NUMBER" -- "$START" "$(event c 200 '"id":1' '{"n":1}')" "$END"
	[[ $output == *"gc_deletes"*"1d is safe"* ]]
	[ "$(es GET "other$BATS_TEST_NUMBER" | jq -c '.[].mappings._meta')" = '{"mine":[1],"cdc":{"epoch":1,"source":"7301-ab","base":0}}' ]
}

@test "another source, or a new snapshot of the same epoch, is status 2 that names --epoch" {
	sink -- "$START" "$(event c 900 '"id":1' '{"n":1}')" "$END"
	run -2 sink -- "$(start 9999-cd)" "$(row 1 1 1 '{"n":2}')" "$END"
	[[ $output == *"--epoch 2"* ]]
	run -2 sink -- "$(row 1 1 1 '{"n":2}')"
	[[ $output == *"--epoch 2"* ]]
	run -2 sink --epoch 1 -- "$(start 9999-cd)" "$(row 1 1 1 '{"n":2}')" "$END"
	[ "$(documents)" = '1 {"n":1}' ]
	sink --epoch 2 -- "$(start 9999-cd)" "$(row 1 1 1 '{"n":2}')" "$END"
	# Again, with the option and without: the index knows.
	sink --epoch 2 -- "$(start 9999-cd)" "$(event u 200 '"id":1' '{"n":3}')" "$END"
	sink -- "$(start 9999-cd)" "$(event u 201 '"id":1' '{"n":4}')" "$END"
	[ "$(documents)" = '1 {"n":4}' ]
	run -2 sink -- "$START" "$(event c 1000 '"id":1' '{"n":5}')" "$END"
	# The source's own next epoch is above both.
	EPOCH=2
	sink -- "$(start 9999-cd 2)" "$(event u 100 '"id":1' '{"n":6}')" "$END"
	[ "$(documents)" = '1 {"n":6}' ]
	[ "$(es GET "$I" | jq -c '.[].mappings._meta.cdc')" = '{"epoch":3,"source":"9999-cd","base":1}' ]
}

@test "names: two topics that differ in case, one that no index can have, a template, --id" {
	run -2 sink -- "$START" "$(event c 200 '"id":1' '{"n":1}')" "$(T=${T^^} event c 201 '"id":1' '{"n":1}')" "$END"
	[[ $output == *"both give index $I"* ]]
	run -3 sink -- "$START" "$(T=__hb event c 200 '"id":1' '{"n":1}')" "$END"
	[[ $output == *'"__hb" can be no index'*"--index"* ]]
	sink -i 'X-${.after.kind}-${topic}' --id after.code -- "$START" "$(event c 200 '"id":1' '{"kind":"Q","code":"z"}')" "$END"
	[ "$(documents "x-q-$I")" = 'z {"kind":"Q","code":"z"}' ]
	run -3 sink -- "$START" '{"cdc":{"pos":"pg/1/l/200/200/1","topic":"t","key":null},"before":null,"after":{},"op":"c"}' "$END"
	[[ $output == *"no key to make an _id of"* ]]
	run -3 sink -- "$START" "$(event c 200 "\"id\":\"$(printf %0513d 1)\"" '{}')" "$END"
	[[ $output == *"longer than 512 bytes"* ]]
}

@test "a key that several rows may share is refused; --id makes it good" {
	local input=("$START" "$(event c 200 '"a":1' '{"id":1,"a":1}' | sed 's/"key":{"a":1}/&,"unique":false/')" "$END")
	run -2 sink --reject "$REJECT" -- "${input[@]}"
	[[ $output == *"topic $T has keys that several rows may share"*"--id"* ]]
	[ ! -s "$REJECT" ]
	sink --id after.id -- "${input[@]}"
	[ "$(documents)" = '1 {"id":1,"a":1}' ]
}

@test "gzip, several jobs, many lines of few keys: the last of each" {
	{
		echo "$START"
		awk -v t="$T" 'BEGIN { for (i = 1000; i < 21000; i++) printf "{\"cdc\":{\"pos\":\"pg/1/l/%d/%d/1\",\"topic\":\"%s\",\"key\":{\"id\":%d}},\"before\":null,\"after\":{\"n\":%d},\"op\":\"%s\"}\n", i, i, t, i % 17, i, i % 17 == 3 ? "d" : "u" }'
		progress pg/1/l/30000/0/0
		echo "$END"
	} | cdc-sink-es --gzip --jobs 3 --ack-fd 1 "http://$ES" >"$BATS_TEST_TMPDIR/acks"
	[ "$(tail -n 2 "$BATS_TEST_TMPDIR/acks")" = $'pg/1/l/30000/0/0\nend 0' ]
	diff <(for i in $(seq 20983 20999); do [ $((i % 17)) = 3 ] || echo "$((i % 17)) {\"n\":$i}"; done | sort) <(documents)
}
