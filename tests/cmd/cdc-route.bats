bats_require_minimum_version 1.5.0
load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR"
	start='{"cdc":{"control":"start","pos":"pg/1/l/100/0/0","source":"s"}}'
	end='{"cdc":{"control":"end","pos":"pg/1/l/900/0/0","status":0}}'
}

teardown() { kill_spawned; }

# change K TABLE [AFTER [OP]]
change() {
	printf '{"cdc":{"pos":"pg/1/l/200/150/%s","topic":"shop.public.%s","key":{"id":%s}},"before":null,"after":%s,"source":{"db":"shop","schema":"public","table":"%s"},"op":"%s"}\n' \
		"$1" "$2" "$1" "${3-"{\"id\":$1}"}" "$2" "${4-c}"
}

progress() { echo "{\"cdc\":{\"control\":\"progress\",\"pos\":\"pg/1/l/200/150/$1\"}}"; }

topics() { sed -n 's/.*"topic":"\([^"]*\)".*/\1/p' | tr '\n' ' '; }

three() {
	change 1 orders
	change 2 customers
	change 3 orders
}

@test "without rules lines go on byte for byte" {
	{ echo "$start"; three; echo "$end"; } >in
	cdc-route <in >out
	cmp in out
}

@test "--rule: the whole topic, the first that matches, groups; nothing else changes" {
	three >in
	[ "$(cdc-route --rule 'shop\.public\.(.*)=$1' <in | topics)" = "orders customers orders " ]
	[ "$(cdc-route --rule 'public\.orders=x' <in | topics)" = "$(topics <in)" ]
	[ "$(cdc-route --rule '.*\.(ord)(.*)=${2}.$1' --rule '.*=rest' <in | topics)" = "ers.ord rest ers.ord " ]
	cdc-route --rule '.*=t' <in >out
	diff <(sed 's/"topic":"[^"]*"/"topic":"t"/' in) out
}

@test "--rule: what the line holds" {
	change 1 orders '{"id":1,"country":"de","n":7,"odd":"a b/é😀"}' >in
	[ "$(cdc-route --rule '.*=${db}.${schema}.${table}.${op}' <in | topics)" = "shop.public.orders.c " ]
	[ "$(cdc-route --rule '.*=${.after.country}-${.after.n}' <in | topics)" = "de-7 " ]
	[ "$(cdc-route --rule '.*=${topic}_$$' <in | topics)" = "shop.public.orders__ " ]
	# Kafka's alphabet, as Debezium makes it: one _ for a UTF-16 unit.
	[ "$(cdc-route --rule '.*=${.after.odd}' <in | topics)" = "a_b____ " ]
	run -3 cdc-route --rule '.*=${.after.nothing}' <in
	[[ $output == *'line 1: the line has no ${.after.nothing}'* ]]
}

@test "--by: a jq expression's text, natively and by libjq; null leaves it to the rules" {
	three >in
	[ "$(cdc-route --by '.source.table' <in | topics)" = "orders customers orders " ]
	[ "$(cdc-route --by '"all-" + (.source.table | ascii_upcase)' <in | topics)" = "all-ORDERS all-CUSTOMERS all-ORDERS " ]
	[ "$(cdc-route --by 'if .after.id > 2 then "late" else null end' --rule '.*=early' <in | topics)" = "early early late " ]
	# The first output counts, whatever follows.
	[ "$(cdc-route --by 'repeat("x" | ascii_upcase)' <in | topics)" = "X X X " ]
	[ "$(cdc-route --by 'paths | join("") # a remark' <in | topics)" = "cdc cdc cdc " ]
	run -3 cdc-route --by '.after.id' <in
	[[ $output == *"line 1: --by gives a topic that is no text"* ]]
	run -2 cdc-route --by '.a >' <in
}

@test "--unrouted keep, drop, reject" {
	three >in
	[ "$(cdc-route --rule '.*orders=o' <in | topics)" = "o shop.public.customers o " ]
	[ "$(cdc-route --rule '.*orders=o' --unrouted drop <in | topics)" = "o o " ]
	[ "$(cdc-route --rule '.*customers=c' --unrouted drop <in | tail -1)" = "$(progress 3)" ]
	run -1 cdc-route --rule '.*orders=o' --unrouted reject --reject refused <in
	[ "$(jq -r .reason refused)" = 'topic "shop.public.customers": no rule is for it' ]
	run -2 cdc-route --unrouted away <in
}

@test "rules that are none" {
	run -2 cdc-route --rule 'a('
	run -2 cdc-route --rule '(=x' </dev/null
	[[ $output == *"--rule"*"parenthes"* ]]
	run -2 cdc-route --rule 'a=$1' </dev/null
	[[ $output == *'"$1" is no part'* ]]
	run -2 cdc-route --rule 'a=' </dev/null
	run -2 cdc-route --rule 'a=${who}' </dev/null
}

@test "a line without a header gets one" {
	[ "$(echo '{"id":7,"a":1}' | cdc-route --topic stock --key id)" = '{"cdc":{"topic":"stock","key":7},"id":7,"a":1}' ]
	[ "$(echo '{"id":7}' | cdc-route --topic stock --rule '(.*)=$1.new')" = '{"cdc":{"topic":"stock.new","key":null},"id":7}' ]
	[ "$(echo '{"id":7}' | cdc-route --rule '.*=x')" = '{"id":7}' ]
	run -3 cdc-route --topic t <<<'{}'
}

@test "--to: each branch its lines, every branch the control lines and its progress" {
	{ echo "$start"; three; change 4 customers; echo "$end"; } >in
	run -0 cdc-route --to 3='.*orders' --to 4='.*customers' --to 5='.*' <in 3>orders 4>customers 5>all
	[ "$output" = "" ]
	cmp all in
	[ "$(topics <orders)" = "shop.public.orders shop.public.orders " ]
	[ "$(topics <customers)" = "shop.public.customers shop.public.customers " ]
	for branch in orders customers; do
		[ "$(head -1 $branch)" = "$start" ]
		[ "$(tail -1 $branch)" = "$end" ]
	done
	head -4 in >cut
	cdc-route --to 3='.*orders' --to 4='.*customers' <cut 3>orders 4>customers
	[ "$(tail -1 customers)" = "$(progress 3)" ]
	[ "$(wc -l <orders) $(wc -l <customers)" = "3 3" ]
}

@test "--to: a line that no branch takes is bad data, or left out" {
	three >in
	run -3 cdc-route --to 3='.*orders' <in 3>orders
	[[ $output == *"line 2: no --to takes the line's topic"* ]]
	cdc-route --to 3='.*orders' --unrouted drop <in 3>orders
	[ "$(topics <orders)" = "shop.public.orders shop.public.orders " ]
	[ "$(cdc-route --to 1='.*orders' --unrouted drop <in | topics)" = "$(topics <orders)" ]
}

@test "--to with --unrouted keep: what no branch takes goes to standard output, with the control lines" {
	{ echo "$start"; three; echo "$end"; } >in
	cdc-route --to 3='.*orders' --unrouted keep <in 3>orders >rest
	[ "$(topics <orders) $(topics <rest)" = "shop.public.orders shop.public.orders  shop.public.customers " ]
	[ "$(head -1 rest) $(tail -1 rest)" = "$start $end" ]
	# Where standard output is a branch it gets them beside its own.
	cdc-route --to 1='.*orders' --to 3='none' --unrouted keep <in 3>none >all
	cmp in all
	[ "$(topics <none)" = "" ]
	# Rules first: what none is for keeps its topic, and then its way.
	cdc-route --rule '.*orders=o' --to 3='o' --unrouted keep <in 3>orders >rest
	[ "$(topics <orders) $(topics <rest)" = "o o  shop.public.customers " ]
}

@test "--to a descriptor that is not open" {
	run -2 cdc-route --to 3=a 3>&-
	[[ $output == *"descriptor 3 is not open for writing"*"3>one"* ]]
	run -2 cdc-route --to 9=a 9</dev/null
	run -2 cdc-route --to 3=a --to 3=b 3>/dev/null
	run -2 cdc-route --to x=a
	run -2 cdc-route --to 3
}

@test "a branch that closes ends the router with status 4, while it waits too" {
	mkfifo in branch
	spawn route sh -c 'exec cdc-route --to 3=".*" --to 4=".*" <in 3>branch 4>other'
	spawn reader sh -c 'exec head -1 <branch'
	reader=$PID
	exec 7>in
	change 1 orders >&7
	wait "$reader"
	route=$(head -1 pids)
	status=0
	wait "$route" || status=$?
	exec 7>&-
	[ "$status" = 4 ]
}

@test "--outbox: topic, key, header and value of the event" {
	row='{"id":"e-1","aggregatetype":"Order","aggregateid":"42","type":"OrderCreated","payload":"{\"id\": 42,\n \"total\": 9.50}"}'
	change 1 outbox "$row" >in
	[ "$(cdc-route --outbox <in)" = '{"cdc":{"pos":"pg/1/l/200/150/1","topic":"outbox.event.Order","key":"42","headers":{"id":"e-1"}},"id": 42,  "total": 9.50}' ]
	[ "$(cdc-route --outbox --table-fields-additional-placement type:header:eventType,aggregateid:envelope <in)" = \
		'{"cdc":{"pos":"pg/1/l/200/150/1","topic":"outbox.event.Order","key":"42","headers":{"id":"e-1","eventType":"OrderCreated"}},"payload":"{\"id\": 42,\n \"total\": 9.50}","aggregateid":"42"}' ]
	[ "$(cdc-route --outbox --table-expand-json-payload --table-fields-additional-placement aggregateid:envelope:a <in | cut -d, -f5-)" = \
		'"payload":{"id": 42,  "total": 9.50},"a":"42"}' ]
	[ "$(change 1 outbox "${row/\{\\\"id*/[1]\"\}}" | cdc-route --outbox --table-expand-json-payload --table-fields-additional-placement aggregateid:envelope:a | cut -d, -f5-)" = \
		'"payload":[1],"a":"42"}' ]
	run -3 cdc-route --outbox --table-fields-additional-placement tenant:header <in
	[[ $output == *'the row has no "tenant"'* ]]
	[ "$(cdc-route --outbox --table-fields-additional-error-on-missing=false --table-fields-additional-placement tenant:header,type:header <in | jq -c .cdc.headers)" = \
		'{"id":"e-1","type":"OrderCreated"}' ]
	[ "$(cdc-route --outbox --route-by-field type --route-topic-replacement 'ev.${routedByValue}' <in | topics)" = "ev.OrderCreated " ]
	cdc-route --outbox <in | cdc-filter >/dev/null
}

@test "--outbox: deletes and updates are dropped, other tables left alone, odd rows are bad data" {
	row='{"id":"e-1","aggregatetype":"Order","aggregateid":"42","payload":"{}"}'
	change 1 outbox null d | cdc-route --outbox >out
	[ "$(cat out)" = "$(progress 1)" ]
	run -0 --separate-stderr cdc-route --outbox <<<"$(change 1 outbox "$row" u)"
	[[ $stderr == *"1 updates of outbox rows were dropped"* ]]
	[ "$(change 2 orders | cdc-route --outbox --outbox-table 'public\.outbox' | topics)" = "shop.public.orders " ]
	run -3 cdc-route --outbox <<<"$(change 1 outbox "$row")"
	[[ $output == *"payload is no JSON object with members"* ]]
	run -3 cdc-route --outbox <<<"$(change 1 orders)"
	[[ $output == *'the row has no "aggregateid"'* ]]
}

@test "--outbox: names of groups, the topic's expression, updates, empty payloads" {
	row='{"id":"e-1","aggregatetype":"shop.Order.v1","aggregateid":"42","payload":"{\"a\":1}"}'
	change 1 outbox "$row" >in
	[ "$(cdc-route --outbox --route-topic-regex 'shop\.(?<kind>[^.]*)\.(.*)' --route-topic-replacement '${2}.${kind}' <in | topics)" = "v1.Order " ]
	# What does not match keeps its name.
	[ "$(cdc-route --outbox --route-topic-regex 'other(.*)' --route-topic-replacement '$1' <in | topics)" = "shop.Order.v1 " ]
	[ "$(three | cdc-route --rule '(?<before>.*)\.(?<table>[a-z]*)=${table}-${before}' | topics)" = "orders-shop.public customers-shop.public orders-shop.public " ]
	run -2 cdc-route --outbox --route-topic-regex 'x' <in
	[[ $output == *'"${routedByValue}" is no part'* ]]
	run -2 cdc-route --outbox --route-topic-regex '(' <in
	change 2 outbox "$row" u >update
	run -0 --separate-stderr cdc-route --outbox --table-op-invalid-behavior error <update
	[[ $stderr == *"line 1: an outbox row was updated"* ]]
	run -3 cdc-route --outbox --table-op-invalid-behavior fatal <update
	run -2 cdc-route --outbox --table-op-invalid-behavior else <update
	for empty in null '""' '" \n"'; do
		change 3 outbox "${row/\"\{\\\"a\\\":1\}\"/$empty}" >in
		run -3 cdc-route --outbox <in
		[ "$(cdc-route --outbox --route-tombstone-on-empty-payload --table-fields-additional-placement aggregatetype:envelope,id:header:i <in)" = \
			'{"cdc":{"pos":"pg/1/l/200/150/3","topic":"outbox.event.shop.Order.v1","key":"42","headers":{"id":"e-1","i":"e-1"}}}' ]
	done
}
