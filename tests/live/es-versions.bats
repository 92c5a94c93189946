# What the newest Elasticsearch of version 8 shows, shown on 7, 9 and OpenSearch.
load ../lib

# on VERSION: where this machine has the Java that it needs.
on() {
	local version=$1
	ES_VERSION=$version "$SERVERS/elasticsearch" java || skip "no Java is new enough"
	ES_VERSION=$version start_elasticsearch
	es GET _nodes | jq -r '.nodes[].version' >version
	ES_VERSION=$version stop_servers
	ES_VERSION=$version bats --tap -f 'rows are|comes twice|values: from|soft-delete|truncate is|bad document|413|429|gc_deletes|another source' \
		"$ROOT/tests/live/sink-es.bats" >out 2>&1 || { grep -v '^ok' out; false; }
	cat out
	[ "$(grep -c '^ok' out)" -ge 9 ]
}

setup() { cd "$BATS_TEST_TMPDIR"; }

@test "Elasticsearch 7" {
	on 7
	grep -q '^7\.' version
}

@test "Elasticsearch 9" {
	on 9
	grep -q '^9\.' version
}

@test "OpenSearch" {
	on opensearch
	grep -q '^3\.' version
}
