# make install and uninstall, into a folder of the test's own.
load ../lib

setup() { INTO=$BATS_TEST_TMPDIR/into; }

installs() { make -s -C "$ROOT" "$@" DESTDIR="$INTO" PREFIX=/usr; }

@test "make install puts every command and its page in their places, and uninstall leaves nothing" {
	installs install
	for command in $(make -s -C "$ROOT" -f - <<<$'include Makefile\nlist:\n\t@echo $(COMMANDS)' list); do
		[[ $("$INTO/usr/bin/$command" --version) == "$command "[0-9]* ]]
	done
	for page in "$ROOT"/man/*; do
		cmp "$page" "$INTO/usr/share/man/man${page##*.}/${page##*/}"
	done
	[ -z "$(find "$INTO/usr/bin" -type f ! -perm 755)$(find "$INTO/usr/share" -type f ! -perm 644)" ]
	installs uninstall
	[ -z "$(find "$INTO" -type f)" ]
}

@test "make uninstall leaves what is not ours" {
	installs install
	echo other >"$INTO/usr/bin/cdc-other"
	installs uninstall
	[ "$(find "$INTO" -type f)" = "$INTO/usr/bin/cdc-other" ]
}
