# make demo: what it says is true, and it leaves nothing behind.
load ../lib

@test "make demo: nothing is missing after kill -9, and nothing is left" {
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR"/.. "$BATS_TEST_TMPDIR"/../..
	run "$ROOT/tests/demo" 3>&-
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"ended with status 4"*"ended with status 0"* ]]
	[[ $output =~ inserts\ +402\ +402\ +0\ .*updates\ +201\ +201\ +0\ .*deletes\ +101\ +101\ +0\  ]]
	[[ $output == *"is the same: 301 rows"* ]]
	[ -z "$(ls -A "$TMPDIR")" ]
	[ -z "$(ps -eo args | grep -F "$TMPDIR" | grep -v grep)" ]
}
