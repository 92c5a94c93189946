bats_require_minimum_version 1.5.0
load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR"
	start='{"cdc":{"control":"start","pos":"pg/1/l/100/0/0","source":"s"}}'
	end='{"cdc":{"control":"end","pos":"pg/1/l/900/0/0","status":0}}'
}

teardown() { kill_spawned; }

# change K OP BEFORE AFTER [TABLE]: one change line, its token pg/1/l/200/150/K.
change() {
	printf '{"cdc":{"pos":"pg/1/l/200/150/%s","topic":"shop.public.%s","key":{"id":%s}},"before":%s,"after":%s,"source":{"connector":"postgresql","db":"shop","schema":"public","table":"%s"},"transaction":null,"op":"%s","ts_ms":1764000000005,"ts_us":1764000000005123,"ts_ns":1764000000005123457}\n' \
		"$1" "${5-orders}" "$1" "$3" "$4" "${5-orders}" "$2"
}

progress() { echo "{\"cdc\":{\"control\":\"progress\",\"pos\":\"pg/1/l/200/150/$1\"}}"; }

four() {
	change 1 c null '{"id":1,"n":5}'
	change 2 u '{"id":2,"n":5}' '{"id":2,"n":7}'
	change 3 d '{"id":3,"n":5}' null
	change 4 r null '{"id":4,"n":5}' customers
}

# tokens: the positions' last numbers, of change lines.
tokens() { sed -n 's/^{"cdc":{"pos":"pg[^"]*\/\([0-9]*\)".*/\1/p' | tr '\n' ' '; }

@test "what matches goes on byte for byte, control lines too" {
	{ echo "$start"; four; echo "$end"; } >in
	cdc-filter <in >out
	cmp in out
	cdc-filter --op c,u,d,r true <in >out
	cmp in out
}

@test "--op" {
	[ "$(four | cdc-filter --op d | tokens)" = "3 " ]
	[ "$(four | cdc-filter --op c,r | tokens)" = "1 4 " ]
	# Not at its usual place, with spaces, twice (the last counts), within a string.
	[ "$(printf '%s\n' '{"op":"d","after":null}' '{"op": "d" }' '{"op":"d","op":"c"}' \
		'{"a":",\"op\":\"d\",\"ts_ms\":1,\"ts_us\":1,\"ts_ns\":1}"}' | cdc-filter --op d | wc -l)" = 2 ]
	run -2 cdc-filter --op x
	[[ $output == *"--op takes letters of c,u,d,r,t,m"* ]]
}

@test "--table and --exclude-table: whole names, case ignored" {
	[ "$(four | cdc-filter --table 'PUBLIC\.cust.*' | tokens)" = "4 " ]
	[ "$(four | cdc-filter --table 'public\.order' | tokens)" = "" ]
	[ "$(four | cdc-filter --exclude-table 'public\.orders' | tokens)" = "4 " ]
	[ "$(echo '{"source":{"db":"shop","table":"orders"}}' | cdc-filter --table 'shop\.orders' | wc -l)" = 1 ]
}

@test "--changed drops updates that left the columns alone" {
	{
		four
		change 5 u '{"id":5,"n":5,"m":1}' '{"id":5,"n":5,"m":2}'
		change 6 u '{"id":6,"n":5}' '{"id":6,"n":"__debezium_unavailable_value"}'
		change 7 u null '{"id":7,"n":5}'
	} >in
	[ "$(cdc-filter --changed n <in | tokens)" = "1 2 3 4 7 " ]
	[ "$(cdc-filter --changed m,id <in | tokens)" = "1 3 4 5 7 " ]
}

@test "an expression: native and by libjq" {
	[ "$(four | cdc-filter '.after.n > 5' | tokens)" = "2 " ]
	[ "$(four | cdc-filter '[.after.n // 0] | add > 5' | tokens)" = "2 " ]
	[ "$(four | cdc-filter 'select(.op == "d")' | tokens)" = "3 " ]
	[ "$(four | cdc-filter '.op | IN("c", "d")' | tokens)" = "1 3 " ]
	[ "$(four | cdc-filter '.cdc.topic | test("CUST"; "i")' | tokens)" = "4 " ]
	[ "$(four | cdc-filter 'empty' | tokens)" = "" ]
	printf '%s\n' '# of the orders' '.source.table == $t' 'and .after.n > $n' >file
	[ "$(four | cdc-filter --arg t orders --argjson n 5 -f file | tokens)" = "2 " ]
	[ "$(four | cdc-filter '.op == $o' --arg o d | tokens)" = "3 " ]
	[ "$(four | cdc-filter --arg v 'a=b' '$v == "a=b" and .op == "d"' | tokens)" = "3 " ]
	[ "$(four | cdc-filter '$ARGS.named == {"a=b": "c", "o": [1]} and .op == "d"' --arg a=b c --argjson o '[1]' | tokens)" = "3 " ]
	[ "$(four | cdc-filter '$ARGS == {"positional": [], "named": {}} and .op == "d"' | tokens)" = "3 " ]
	# Of two with one name the first counts, natively and in libjq.
	[ "$(four | cdc-filter --arg o d --arg o c '.op == $o' | tokens)" = "3 " ]
	[ "$(four | cdc-filter --arg o d --arg o c '[.op] == [$o]' | tokens)" = "3 " ]
	run -2 cdc-filter --argjson n x .
	run -2 cdc-filter --arg n
	[[ $output == *"--arg takes two words, NAME VALUE"* || $output == *"needs a value"* ]]
	run -2 cdc-filter --arg=n=1 .
}

@test "--explain tells the engines apart" {
	run -0 cdc-filter --op c --explain '.a > 1'
	[[ $output == *"operations c: native"*"expression .a > 1: native"* ]]
	run -0 cdc-filter --explain 'any(.a[]; . > 1)'
	[[ $output == *"libjq"* ]]
}

@test "an expression that jq refuses is status 2, with jq's words" {
	run -2 cdc-filter '.a >'
	[[ $output == *'".a >": '*"syntax error"* ]]
	run -2 cdc-filter '$nobody'
	[[ $output == *'$nobody is not defined'* ]]
	run -2 cdc-filter --map 'f(1)'
	[[ $output == *'f/1 is not defined'* ]]
}

@test "progress for what was dropped, before the filter waits" {
	mkfifo fifo
	spawn filter sh -c 'exec cdc-filter --op d <fifo'
	exec 7>fifo
	four | head -2 >&7
	wait_for '[ "$(cat filter.out)" = "$(progress 2)" ]' 60
	four | tail -2 >&7
	wait_for '[ "$(wc -l <filter.out)" = 3 ]' 60
	[ "$(sed -n 2p filter.out | tokens)" = "3 " ]
	[ "$(tail -1 filter.out)" = "$(progress 4)" ]
	exec 7>&-
	wait "$PID"
}

@test "no progress where a later line tells more" {
	{ four; echo "$end"; } >in
	cdc-filter --op d <in >out
	[ "$(wc -l <out)" = 2 ]
}

@test "progress at least once a second while lines come without a pause" {
	change 1 c null '{"id":1}' >one
	spawn filter sh -c 'yes "$(cat one)" | cdc-filter --op d'
	wait_for '[ "$(wc -l <filter.out)" -ge 2 ]' 60
}

@test "--map: the header stays, several outputs are several lines, no output is a drop" {
	[ "$(change 1 c null '{"id":1}' | cdc-filter --map '{id: .after.id}')" = \
		'{"cdc":{"pos":"pg/1/l/200/150/1","topic":"shop.public.orders","key":{"id":1}},"id":1}' ]
	[ "$(change 1 c null '{"id":1}' | cdc-filter --map '{a: 1}, {a: 2}' | tokens)" = "1 1 " ]
	[ "$(four | cdc-filter --map 'if .op == "d" then empty else . end' | tail -n +3 | tokens)" = "4 " ]
	[ "$(four | cdc-filter '.op == "u"' --map '.after' | grep -v control | cut -d, -f4-)" = '"id":2,"n":7}' ]
	[ "$(change 1 c null '{"id":1}' | cdc-filter --map 'empty')" = "$(progress 1)" ]
	[[ $(change 1 c null '{"id":1}' | sed 's/},"before/,"unique":false&/' | cdc-filter --map '{cdc: (.cdc | .topic = "t"), a: 1}') == \
		*',"unique":false},"a":1}' ]]
	[ "$(change 1 c null '{"id":1}' | cdc-filter --map '{cdc: (.cdc | .topic = "t" | .key = 7), a: 1}')" = \
		'{"cdc":{"pos":"pg/1/l/200/150/1","topic":"t","key":7},"a":1}' ]
}

@test "--map keeps every digit, or says that it cannot" {
	line=$(change 1 c null '{"id":9007199254740993,"x":1.50,"e":1E400,"neg":-9223372036854775808}')
	[ "$(cdc-filter --map . <<<"$line")" = "$line" ]
	[[ $(cdc-filter --map '{n: .after.id, t: .ts_ns}' <<<"$line") == *'"n":9007199254740993,"t":1764000000005123457}' ]]
	run -3 cdc-filter --map '{n: (.after.id + 1)}' <<<"$line"
	[[ $output == *"line 1: "*"beyond 2^53"* ]]
}

@test "--map: a number beyond 2^53 does not become a text with other digits" {
	line=$(change 1 c null '{"id":9007199254740993,"n":7}')
	for text in '.after.id | tostring' '"\(.after.id)"' '.after | tojson' '[.after.id] | @csv' '[.after.id, 1] | join("-")' '[.after.id] | @json' \
		'INDEX(.after; .id)' '[.after] | INDEX(.id)' '[{key: .after.id, value: 1}] | from_entries'; do
		run -3 cdc-filter --map "{text: ($text)}" <<<"$line"
		[[ $output == *"line 1: a number beyond 2^53 would be "* ]]
	done
	[[ $(cdc-filter --map '{a: "\(.after.n)", b: (.after.n | tostring), c: ([.after.n, "x"] | join("-"))}' <<<"$line") == *'"a":"7","b":"7","c":"7-x"}' ]]
	run -2 cdc-filter --map '"\(.a' <<<"$line"
	[[ $output == *'"\(.a": '* ]]
}

@test "--map: two numbers beyond 2^53 are not taken for one; nothing catches that" {
	# The doubles of a and b are one; that of c is another.
	line='{"a":9007199254740992,"b":9007199254740993,"c":9007199254740996,"n":1,"s":"x"}'
	for wrong in '.a == .b' '.a != .b' '.a < .b' '.a >= .b' '.b == 9007199254740992' '[.a, .b] | unique' '[.a, .b] - [.b]' '.b % 10' '.b - .a' \
		'[.a, .b] | index(9007199254740993)' '[.a, .b] | group_by(.)' '[.a, .b] | sort' '[.a, .b] | max' '[.a, .b] | contains([9007199254740993])' \
		'.b | IN(1, 9007199254740992)' '.a as $x | .b as $y | null | IN($x; $y)' '[.a, .n] | add' '.b | floor' '[{k: .a}, {k: .b}] | unique_by(.k)' '{x: .a} == {x: .b}' \
		'[.a, 2] < [.b, 1]' '(.a == .b)? // 1' 'try (.a == .b) catch 1' '[.[] | select(. == 9007199254740992)]' '.n += .b' \
		'[.a, .b] | bsearch(9007199254740993)' 'pow(.b; 0.5)' '.b / 2' '.n * .b' 'def f: .b % 10; f' '[range(.a; .c)] | length'; do
		run -3 cdc-filter --map "{x: ($wrong)}" <<<"$line"
		[[ $output == *"line 1: "*"beyond 2^53"* ]] || { echo "$wrong: $output"; false; }
	done
	# What cannot go wrong goes through.
	while IFS='|' read -r want right; do
		got=$(cdc-filter --map "{x: ($right)}" <<<"$line") || { echo "$right"; false; }
		[ "$got" = "{\"x\":$want}" ] || { echo "$right gave $got"; false; }
	done <<-'END'
		false|.a == .c
		true|.b < .c and .n < .b
		false|.s == .b
		[9007199254740993]|[.b] - [1]
		9007199254740993|null + .b
		{"b":9007199254740993,"n":1}|{b} + {n}
		[9007199254740992,9007199254740993,9007199254740996]|[.[] | select(type == "number" and . > 1)]
		true|.b | IN(9007199254740996, 1) | not
		0|[.n, 1] | index(1)
		{"a":9007199254740992,"b":9007199254740993}|with_entries(select(.key | IN("a", "b")))
		"number"|.b | type
		2|.n + 1
		[1,2]|[2, 1, 2] | unique
		3|[1, 2] | add
	END
	# The state that was halted takes the next line.
	run -1 cdc-filter --jobs 1 --reject refused --map '{x: (.a == .b)}' <<<"$line"$'\n''{"a":1,"b":1}'
	[ "$output" = '{"x":true}' ]
	# Modules may do anything.
	echo 'def same(f; g): f == g;' >m.jq
	run -3 cdc-filter --map 'import "./m" as m; {x: m::same(.a; .b)}' <<<"$line"
	[[ $output == *"an expression that imports modules"* ]]
	[ "$(cdc-filter --map 'import "./m" as m; {x: m::same(.a; .b)}' <<<'{"a":1,"b":1}')" = '{"x":true}' ]
}

@test "an expression of which the first output alone counts, and one that halts, within paths" {
	printf '%s\n' '{"a":1,"b":{"c":2}}' '{"a":3,"b":{"c":2}}' >in
	for e in paths 'first(paths)' 'path(..)' 'limit(2; paths) # a remark' 'def f: paths; f' 'repeat(1)'; do
		cdc-filter --jobs 1 "$e" <in | cmp - in
	done
	run -1 cdc-filter --jobs 1 --reject refused --map '.a |= (if . == 1 then halt else . end)' <in
	[ "$output" = '{"a":3,"b":{"c":2}}' ]
	[ "$(jq -r .reason refused)" = "the expression asked for a halt" ]
	[ "$(cdc-filter --map '.a |= (if . == 1 then empty else . end)' <in | tail -1)" = '{"a":3,"b":{"c":2}}' ]
	run -3 cdc-filter --map '.cdc = 1, paths' <in
	run -2 cdc-filter '.a ||| 1' <in
	[[ $output == *'".a ||| 1"'* ]]
}

@test "--map takes no other position, and gives lines only" {
	run -3 cdc-filter --map '.cdc.pos = "pg/1/l/1/1/1"' <<<"$(four)"
	[[ $output == *"line 1: the expression changes the line's position"* ]]
	run -3 cdc-filter --map '.after.id' <<<"$(four)"
	[[ $output == *"no object"* ]]
	run -3 cdc-filter --map '{cdc}' <<<"$(four)"
	[[ $output == *"nothing of the line but its header"* ]]
}

@test "--drop-column, --mask-column: of the rows alone, byte for byte else" {
	change 1 u '{"id":1,"n":5,"s":"a"}' '{"id":1,"n":7,"s":"long text"}' >in
	diff <(cdc-filter --drop-column 'public\.orders\.(n|x)' <in) <(sed 's/"n":[57],//g' in)
	diff <(cdc-filter --mask-column 'PUBLIC\.orders\.s=3' <in) <(sed 's/"s":"[^"]*"/"s":"***"/g' in)
	[[ $(cdc-filter --mask-column '.*\.n' --mask-column '.*\.s' <in) == *'"after":{"id":1,"n":null,"s":"********"}'* ]]
	cdc-filter --drop-column 'public\.customers\..*' <in | cmp - in
	[[ $(cdc-filter --drop-column '.*\.(id|n|s)' <in) == *'"before":{},"after":{},'* ]]
	run -2 cdc-filter --drop-column '('
	run -2 cdc-filter --mask-column 'a=99999'
}

@test "--unwrap: the row, fields of the envelope" {
	four >in
	header() { echo "{\"cdc\":{\"pos\":\"pg/1/l/200/150/$1\",\"topic\":\"shop.public.$2\",\"key\":{\"id\":$1}}"; }
	[ "$(cdc-filter --unwrap <in)" = "$(header 1 orders),\"id\":1,\"n\":5}
$(header 2 orders),\"id\":2,\"n\":7}
$(header 3 orders)}
$(header 4 customers),\"id\":4,\"n\":5}" ]
	rewrite=(--unwrap --delete-tombstone-handling-mode rewrite)
	[ "$(cdc-filter "${rewrite[@]}" --drop-column '.*\.n' --add-fields op,table,source.db:base,before.n,ts_ns <in | sed -n 2p | cut -d, -f4-)" = \
		'"id":2,"__deleted":"false","__op":"u","__table":"orders","__base":"shop","__before_n":5,"__ts_ns":1764000000005123457}' ]
	# What is in no struct is left out; a struct that is null has nulls; the envelope is looked into last.
	[ "$(change 1 c null '{"id":1}' | cdc-filter --unwrap --add-fields nothing,id,source.op:o,ts_us,before.n | cut -d, -f4-)" = \
		'"id":1,"__id":null,"__o":"c","__ts_us":1764000000005123,"__before_n":null}' ]
	[ "$(change 1 c null '{"id":1}' | cdc-filter --unwrap --drop-column '.*' --add-fields op,table --add-fields-prefix '' | cut -d, -f4-)" = '"op":"c","table":"orders"}' ]
	[ "$(cdc-filter --unwrap --map '.n += 1' <in | sed -n 2p | cut -d, -f4-)" = '"id":2,"n":8}' ]
	[ "$(change 1 t null null | cdc-filter --unwrap)" = "$(progress 1)" ]
	[ "$(cdc-filter --unwrap <<<'{"ts_ms":1}')" = '{"ts_ms":1}' ]
	[ "$(cdc-filter --unwrap <<<'{"after":{"a":1},"op":"c"}')" = '{"a":1}' ]
	run -3 cdc-filter --unwrap <<<"$(change 1 c null null)"
	# A row of which nothing is left would be a tombstone.
	run -3 cdc-filter --unwrap --drop-column '.*' <<<"$(change 1 c null '{"id":1}')"
	[[ $output == *"nothing is left of the line's row"* ]]
	run -2 cdc-filter --add-fields op
	run -2 cdc-filter --add-headers op
	run -2 cdc-filter --route-by-field op
	run -2 cdc-filter --delete-tombstone-handling-mode drop
}

@test "--unwrap: each mode for deletes" {
	change 3 d '{"id":3,"n":5}' null >in
	deletes() { cdc-filter --unwrap --delete-tombstone-handling-mode "$@" <in; }
	tombstone='{"cdc":{"pos":"pg/1/l/200/150/3","topic":"shop.public.orders","key":{"id":3}}}'
	row='{"cdc":{"pos":"pg/1/l/200/150/3","topic":"shop.public.orders","key":{"id":3}},"id":3,"n":5,"__deleted":"true"}'
	[ "$(deletes tombstone)" = "$tombstone" ]
	[ "$(deletes delete-to-tombstone --add-fields op)" = "$tombstone" ]
	[ "$(deletes drop)" = "$(progress 3)" ]
	[ "$(deletes rewrite)" = "$row" ]
	[ "$(deletes rewrite-with-tombstone)" = "$row"$'\n'"$tombstone" ]
	# Each of the two lines is mapped; a tombstone stays one.
	[ "$(deletes rewrite-with-tombstone --map 'del(.n)')" = "${row/,\"n\":5/}"$'\n'"$tombstone" ]
	four | cdc-filter --op c --unwrap >out
	! grep -q __deleted out
	run -2 cdc-filter --unwrap --delete-tombstone-handling-mode other
	run -3 cdc-filter --unwrap <<<'{"before":{"a":1},"after":null,"op":"d"}'
	[[ $output == *"a line without a header can become no tombstone"* ]]
	# It is a line as any other to what follows.
	[ "$(deletes tombstone | cdc-filter '.cdc.key.id == 3' | cdc-route --rule '.*=x')" = "${tombstone/shop.public.orders/x}" ]
}

@test "--unwrap --add-headers, --route-by-field" {
	change 1 c null '{"id":1,"to":"a b","n":7}' >in
	[ "$(cdc-filter --unwrap --add-headers op,source.table,before.n:old,nothing <in)" = \
		'{"cdc":{"pos":"pg/1/l/200/150/1","topic":"shop.public.orders","key":{"id":1},"headers":{"__op":"c","__source_table":"orders","__old":null}},"id":1,"to":"a b","n":7}' ]
	[ "$(sed 's/"key":{"id":1}/&,"headers":{"x":1}/' in | cdc-filter --unwrap --add-headers op --add-headers-prefix 'h.' | jq -c .cdc.headers)" = '{"x":1,"h.op":"c"}' ]
	[ "$(sed 's/"key":{"id":1}/&,"headers":{"x":1}/' in | cdc-filter --unwrap --add-headers nothing | jq -c .cdc.headers)" = '{"x":1}' ]
	[ "$(cdc-filter --unwrap --add-headers nothing <in | jq -c .cdc.headers)" = null ]
	[ "$(cdc-filter --unwrap --route-by-field to <in | jq -r .cdc.topic)" = a_b ]
	# Of a tombstone Debezium knows the operation alone.
	[ "$(change 3 d '{"id":3,"n":5}' null | cdc-filter --unwrap --delete-tombstone-handling-mode rewrite-with-tombstone --add-headers op,table |
		jq -c '[.cdc.headers, .id]')" = $'[{"__op":"d","__table":"orders"},3]\n[{"__op":"d"},null]' ]
	[ "$(change 3 d '{"id":3,"to":"gone"}' null | cdc-filter --unwrap --route-by-field to --add-headers table | jq -c '[.cdc.topic, .cdc.headers]')" = '["gone",{"__table":"orders"}]' ]
	[ "$(change 3 d '{"id":3,"to":null}' null | cdc-filter --unwrap --route-by-field to | jq -r .cdc.topic)" = shop.public.orders ]
	run -3 cdc-filter --unwrap --route-by-field n <in
	run -3 cdc-filter --unwrap --route-by-field nothing <in
	run -3 cdc-filter --unwrap --add-headers op <<<'{"after":{"a":1},"op":"c"}'
}

@test "order is kept whatever the threads do" {
	for i in $(seq 3000); do change $i c null "{\"id\":$i}"; done >in
	cdc-filter --jobs 4 --map 'if .after.id % 3 == 0 then {id: ([range(2000)] | length)} else {id: .after.id} end' <in >out
	[ "$(tokens <out)" = "$(tokens <in)" ]
}

@test "bad data ends the filter: what came before goes on, the end line tells" {
	run -3 --separate-stderr cdc-filter <<<"$start"$'\n'"$(change 1 c null '{}')"$'\n''{"cdc":{"topic":1}}'
	[ "${lines[1]}" = "$(change 1 c null '{}')" ]
	[ "${lines[2]}" = '{"cdc":{"control":"end","status":3}}' ]
	[[ $stderr == *"line 3: byte "*"header is broken"* ]]
	run -3 cdc-filter <<<'no JSON'
	[[ $output == *"line 1: the line is no JSON object"* ]]
}

@test "--reject: to the file, with the reason; status 1, in the end line too" {
	{ echo "$start"; change 1 c null '{"id":"x"}'; echo 'no JSON'; change 2 c null '{"id":8}'; echo "$end"; } >in
	run -1 --separate-stderr cdc-filter --reject rejected '.after.id - 1 > 5' <in
	[ "${lines[1]}" = "$(change 2 c null '{"id":8}')" ]
	[ "${lines[2]}" = '{"cdc":{"control":"end","pos":"pg/1/l/900/0/0","status":1}}' ]
	run -0 jq -r '.reason, .line, .pos // .text' rejected
	[ "${lines[0]}" = 'string ("x") and number (1) cannot be subtracted' ]
	[ "${lines[1]} ${lines[2]}" = "2 pg/1/l/200/150/1" ]
	[ "${lines[3]} ${lines[4]} ${lines[5]}" = "the line is no JSON object 3 no JSON" ]
}

@test "--on-error keep, drop: told at the end" {
	change 1 c null '{"id":"x"}' >in
	run -0 --separate-stderr cdc-filter --on-error keep '.after.id - 1' <in
	[ "$output" = "$(cat in)" ]
	[[ $stderr == *"failed on 1 lines, which were kept"* ]]
	run -0 --separate-stderr cdc-filter --on-error drop '.after.id - 1' <in
	[ "$output" = "$(progress 1)" ]
	run -0 --separate-stderr cdc-filter --on-error keep --mask-column '.*' '.after.id - 1' --map '.after.id - 1' <in
	[[ $output == *'"after":{"id":"********"}'* ]]
	[[ $stderr == *"failed on 2 lines"* ]]
	run -2 cdc-filter --on-error weep .
}

@test "a last line without its newline is no event" {
	[ "$(printf '%s' "$(change 1 c null '{}')" | cdc-filter)" = "" ]
}

@test "the reader gone: silent in a bare pipeline, status 4" {
	four >lines
	run bash -c 'set -o pipefail; yes "$(cat lines)" | cdc-filter | head -1 >/dev/null; echo "${PIPESTATUS[1]}"'
	[ "$output" = 4 ]
	run bash -c '{ echo "$1"; yes "$(cat lines)"; } 2>/dev/null | cdc-filter | head -1 >/dev/null; echo "${PIPESTATUS[1]}"' - "$start"
	[[ $output == "cdc-filter: "*$'\n'4 ]]
}

@test "the first stop signal is ignored, the end of the input is the end" {
	mkfifo fifo
	spawn filter sh -c 'exec cdc-filter --op c <fifo'
	exec 7>fifo
	four | head -1 >&7
	wait_for '[ -s filter.out ]' 60
	kill -TERM "$PID"
	four | head -1 >&7
	wait_for '[ "$(wc -l <filter.out)" = 2 ]' 60
	exec 7>&-
	wait "$PID"
}

@test "--drain-timeout ends a stage whose input does not end" {
	mkfifo fifo
	spawn filter sh -c 'exec cdc-filter --drain-timeout 100ms <fifo'
	exec 7>fifo
	four | head -1 >&7
	wait_for '[ -s filter.out ]' 60
	kill -INT "$PID"
	status=0
	wait "$PID" || status=$?
	exec 7>&-
	[ "$status" = 4 ]
	grep -q -e "--drain-timeout has passed" filter.err
}

@test "--stats" {
	four | cdc-filter --op c --stats stats >/dev/null
	grep -qx 'cdc_stage_lines_read_total 4' stats
	grep -qx 'cdc_stage_lines_dropped_total 3' stats
}

@test "no database client is linked" {
	run -0 ldd "$CDC_BIN/cdc-filter"
	[[ $output == *libjq* && $output != *libpq* && $output != *mysql* && $output != *maria* ]]
}
