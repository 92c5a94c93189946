# cdc-tail by its command line, without a server.
bats_require_minimum_version 1.5.0
load ../lib

setup() { cd "$BATS_TEST_TMPDIR"; }

# ended STATUS OPTION…: the pipeline ends with that status, told by the source.
ended() {
	local status
	cdc-tail --offset o.offset "${@:2}" postgres://nobody@127.0.0.1:1/none 2>err | tee lines | ack_all |
		cdc-offset commit c.offset && status=0 || status=$?
	[ "$status" = "$1" ]
	[ "$(cat lines)" = "{\"cdc\":{\"control\":\"end\",\"status\":$1}}" ]
}

@test "what fails before there is a stream is the status of the pipeline" {
	ended 2 --table '('
	grep -F 'missing closing parenthesis' err
	ended 2 --topic-prefix 'a b'
	ended 4 --retry 0
}

@test "without control lines an error writes nothing" {
	run --separate-stderr cdc-tail --table '(' postgres://nobody@127.0.0.1:1/none
	[ "$status" = 2 ]
	[ -z "$output" ]
}
