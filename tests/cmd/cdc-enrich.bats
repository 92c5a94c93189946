bats_require_minimum_version 1.5.0
load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR"
	start='{"cdc":{"control":"start","pos":"pg/1/l/100/0/0","source":"s"}}'
	end='{"cdc":{"control":"end","pos":"pg/1/l/900/0/0","status":0}}'
	printf 'id,name,note\n1,Ada,\n2,"Grace ""G.""\nHopper, R.",x\n' >customers.csv
	printf '%s\n' '{"id":1,"name":"Ada","tags":["a"]}' '{"id":2,"name":"Grace","n":1.50}' >customers.ndjson
	customers=(--lookup 'customers:.after.customer=id' --as customer)
}

teardown() { kill_spawned; }

# change K CUSTOMER
change() {
	printf '{"cdc":{"pos":"pg/1/l/200/150/%s","topic":"shop.public.orders","key":{"id":%s}},"before":null,"after":{"id":%s,"customer":%s},"source":{"schema":"public","table":"orders"},"op":"c"}\n' \
		"$1" "$1" "$1" "$2"
}

added() { jq -c 'select(.cdc.control | not) | .customer'; }

@test "csv: a row beside after, null where there is none; nothing else changes" {
	{ echo "$start"; change 1 1; change 2 '"2"'; change 3 3; change 4 null; echo "$end"; } >in
	cdc-enrich --from csv:customers.csv "${customers[@]}" <in >out
	[ "$(added <out)" = '{"id":"1","name":"Ada","note":null}
{"id":"2","name":"Grace \"G.\"\nHopper, R.","note":"x"}
null
null' ]
	sed 's/,"customer":\({"id":"[^}]*}\|null\),"source"/,"source"/' out | cmp - in
}

@test "ndjson, --select, --into after, two lookups" {
	change 1 2 | cdc-enrich --from ndjson:customers.ndjson "${customers[@]}" | grep -F ',"customer":{"id":2,"name":"Grace","n":1.50},"source"'
	[ "$(change 1 1 | cdc-enrich --from ndjson:customers.ndjson --select name,id "${customers[@]}" | added)" = '{"name":"Ada","id":1}' ]
	[ "$(change 1 1 | cdc-enrich --from ndjson:customers.ndjson --into after --select name --lookup 'c:.after.customer=id' --as who | jq -c .after)" = \
		'{"id":1,"customer":1,"who":{"name":"Ada"}}' ]
	[ "$(change 2 1 | cdc-enrich --from ndjson:customers.ndjson --select name --select '*' --lookup 'c:.after.customer=id' --as a \
		--lookup 'c:.after.id=id,.op=name' --as b | jq -c '[.a, .b]')" = '[{"name":"Ada"},null]' ]
	[ "$(change 1 2 | cdc-enrich --from ndjson:customers.ndjson --lookup 'c:.after.customer=id,.op=name' --as customer | added)" = null ]
	[ "$(change 1 2 | cdc-enrich --from ndjson:customers.ndjson --lookup 'c:.before.customer // .after.customer=id' --as customer --select id | added)" = '{"id":2}' ]
}

@test "lines that have no row are left alone" {
	line='{"cdc":{"pos":"pg/1/l/200/150/1","topic":"t","key":null},"ts_ms":1}'
	[ "$(cdc-enrich --from csv:customers.csv "${customers[@]}" <<<"$line")" = "$line" ]
	line='{"cdc":{"pos":"pg/1/l/200/150/1","topic":"t","key":null},"after":null,"op":"d"}'
	[ "$(cdc-enrich --from csv:customers.csv --into after "${customers[@]}" <<<"$line")" = "$line" ]
	[ "$(cdc-enrich --from csv:customers.csv --lookup 'c:.who=id' --select name --as x <<<'{"who":1}')" = '{"who":1,"x":{"name":"Ada"}}' ]
}

@test "bad data: a key that is none, a member that is there" {
	run -3 cdc-enrich --from csv:customers.csv "${customers[@]}" <<<"$(change 1 '[1]')"
	[[ $output == *'line 1: dimension "customers": the line'\''s key for it is no text'* ]]
	run -3 cdc-enrich --from csv:customers.csv --lookup 'c:.after.customer=id' --as op <<<"$(change 1 1)"
	[[ $output == *"a member of --as already"* ]]
}

@test "a file that changes is read again: at once if replaced, else when it is quiet; what is gone or broken changes nothing" {
	mkfifo fifo
	spawn enrich sh -c 'exec cdc-enrich --from csv:customers.csv --cache-ttl 1h --select name --lookup "customers:.after.customer=id" --as customer <fifo'
	exec 7>fifo
	n=0
	# name: what the next line gets
	name() {
		change $((++n)) 1 >&7
		wait_for "[ \"\$(wc -l <enrich.out)\" = $n ]" 60
		tail -n 1 enrich.out | jq -r .customer.name
	}
	is() { [ "$(tail -n 1 enrich.out | jq -r .customer.name)" = "$1" ]; }
	name >/dev/null; is Ada
	printf 'id,name\n1,Augusta\n' >new
	mv new customers.csv
	name >/dev/null; is Augusta
	# Somebody writes: what is there may be half of it.
	printf 'id,name\n2,Grace\n' >customers.csv
	name >/dev/null; is Augusta
	touch -d '1 minute ago' customers.csv
	name >/dev/null; is null
	printf 'id,name\n1,Ada\n' >new
	mv new customers.csv
	name >/dev/null; is Ada
	rm customers.csv
	name >/dev/null; is Ada
	name >/dev/null; is Ada
	[ "$(grep -c 'cannot read customers.csv: No such file or directory; what it held before stays' enrich.err)" = 1 ]
	printf 'id,name\n1,"Au' >new
	mv new customers.csv
	name >/dev/null; is Ada
	name >/dev/null; is Ada
	[ "$(grep -c 'a quote is not closed; what it held before stays' enrich.err)" = 1 ]
	printf 'id,name\n1,Lady\n' >new
	mv new customers.csv
	name >/dev/null; is Lady
	exec 7>&-
	wait "$PID"
}

@test "csv: a mark in front, blank lines, carriage returns, quotes; no column twice" {
	printf '\xef\xbb\xbf"id",name\r\n1,"a ""b"",\r\nc"\r\n\r\n2,\n\n\n' >odd.csv
	{ change 1 1; change 2 2; } >in
	[ "$(cdc-enrich --from csv:odd.csv "${customers[@]}" <in | added)" = '{"id":"1","name":"a \"b\",\r\nc"}
{"id":"2","name":null}' ]
	printf '\xef\xbb\xbf{"id":1,"name":"x"}\n\n' >odd.ndjson
	[ "$(cdc-enrich --from ndjson:odd.ndjson "${customers[@]}" <in | added | head -1)" = '{"id":1,"name":"x"}' ]
	printf 'id,a,a\n1,2,3\n' >twice.csv
	run -3 cdc-enrich --from csv:twice.csv "${customers[@]}" <in
	[[ $output == *'there are two columns "a"'* ]]
}

@test "--required: a null key and a missing one are bad data; lines that are no row's are not" {
	required=(--from csv:customers.csv --required "${customers[@]}")
	heartbeat='{"cdc":{"pos":"pg/1/l/200/150/9","topic":"t","key":null},"ts_ms":1}'
	{ change 1 1; change 2 null; change 3 1 | sed 's/"customer":1/"x":1/'; echo "$heartbeat"; change 4 7; } >in
	run -1 --separate-stderr cdc-enrich --reject refused "${required[@]}" <in
	[ "$(jq -r '"\(.line) \(.reason)"' refused)" = "2 dimension \"customers\": the line has no key for it
3 dimension \"customers\": the line has no key for it
5 dimension \"customers\": it has no row with the line's key" ]
	[ "${lines[1]}" = "$heartbeat" ]
	line='{"cdc":{"pos":"pg/1/l/200/150/1","topic":"t","key":null},"after":null,"op":"d"}'
	run -3 cdc-enrich "${required[@]}" <<<"$line"
	[ "$(cdc-enrich --into after "${required[@]}" <<<"$line")" = "$line" ]
	# A tombstone gets no member, which would make it a value.
	line='{"cdc":{"pos":"pg/1/l/200/150/1","topic":"t","key":{"id":1}}}'
	[ "$(cdc-enrich --from csv:customers.csv --lookup 'c:.cdc.key.id=id' --as c <<<"$line")" = "$line" ]
}

@test "--dimension-topic: the lines behind a change see the new row" {
	[ "$({ change 1 1; echo '{"cdc":{"topic":"shop.public.customers","key":null},"before":null,"after":{"id":1},"op":"u"}'; change 2 1; } |
		cdc-enrich --from ndjson:customers.ndjson --dimension-topic '.*customers' --select name "${customers[@]}" | added)" = '{"name":"Ada"}
null
{"name":"Ada"}' ]
}

@test "options and files that are wrong" {
	run -2 cdc-enrich "${customers[@]}"
	run -2 cdc-enrich --from csv:customers.csv
	[[ $output == *"no --lookup"* ]]
	run -2 cdc-enrich --from csv:customers.csv --lookup 'c:.a=id'
	run -2 cdc-enrich --from csv:customers.csv --lookup 'c.a=id' --as c
	run -2 cdc-enrich --from csv:customers.csv --lookup 'c:.[] =id' --as c
	run -2 cdc-enrich --from nowhere "${customers[@]}"
	run -2 cdc-enrich --from oracle://h/d "${customers[@]}"
	[[ $output == *"is no URL of a dimension"* ]]
	run -2 cdc-enrich --from csv:missing.csv "${customers[@]}"
	run -3 cdc-enrich --from csv:customers.csv --lookup 'c:.a=nobody' --as c
	[[ $output == *'customers.csv: row 2: there is no column "nobody"'* ]]
	printf 'id,name\n1\n' >short.csv
	run -3 cdc-enrich --from csv:short.csv "${customers[@]}"
	[[ $output == *'row 2: there are 1 fields, not 2'* ]]
	echo '[1]' >array.ndjson
	run -3 cdc-enrich --from ndjson:array.ndjson "${customers[@]}"
}

@test "keys beyond the cache are fetched again" {
	for i in $(seq 300); do echo "{\"id\":$i,\"v\":\"v$i\"}"; done >many.ndjson
	for i in $(seq 1000); do change $i $((i * 7 % 300 + 1)); done >in
	for size in 0 1 7 1000; do
		cdc-enrich --from ndjson:many.ndjson --cache-size $size --batch 10 --lookup 'm:.after.customer=id' --as m <in >out
		[ "$(jq -r 'select(.m.v == "v\(.after.customer)") | 1' out | wc -l)" = 1000 ]
	done
}
