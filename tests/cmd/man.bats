# The manual pages' form: clean for mandoc, and the options are those of --help.
bats_require_minimum_version 1.5.0
load ../lib

PAGES=$(echo "$ROOT"/man/*.[1-9])

# References are checked below; mandoc would look for them among the installed pages.
@test "mandoc -T lint finds nothing" {
	run --separate-stderr mandoc -T lint $PAGES
	run grep -v 'referenced manual not found' <<<"$output"
	[ -z "$output" ]
}

@test "a page that is referred to is there, or is another program's" {
	sed -n 's/^\.Xr \([^ ]*\) \([0-9]\).*/\1.\2/p' $PAGES | sort -u | while read -r page; do
		case $page in
		grep.1 | head.1 | jq.1 | kcat.1 | sh.1 | tee.1 | cron.8 | libpq.3) ;;
		*) [ -e "$ROOT/man/$page" ] || { echo "no page $page"; false; } ;;
		esac
	done
}

commands() { make -s -C "$ROOT" -f - list <<<$'include Makefile\nlist:\n\t@echo $(COMMANDS)'; }

# The long names of --help, and those that the page has as items.
in_help() { "$1" --help | grep -oE '^ +(-., )?--[a-z0-9-]+' | grep -oE '[a-z0-9-]{3,}$' | sed 's/^--//' | sort; }
in_page() { grep '^\.It Fl' "$ROOT/man/$1.1" | grep -oE 'Fl -[a-z0-9-]+' | sed 's/^Fl -//' | sort; }

@test "every command has a page, whose options are those of --help" {
	for command in $(commands); do
		diff <(in_help "$command") <(in_page "$command") || { echo "the options of $command differ"; false; }
	done
}

@test "letters, too" {
	for command in $(commands); do
		diff <("$command" --help | sed -n 's/^ *\(-.\), --\([a-z-]*\).*/\1 \2/p' | sort) \
			<(sed -n 's/^\.It Fl \(.\) .*Fl -\([a-z-]*\).*/-\1 \2/p' "$ROOT/man/$command.1" | sort) ||
			{ echo "the letters of $command differ"; false; }
	done
}

@test "--help stands in two columns" {
	for command in $(commands); do
		! "$command" --help | grep -E '^  (-.,|   ) --' | grep -vE '^ +(-., )?--[^ ]+( [^ ]+)?$' |
			LC_ALL=C.UTF-8 grep -vE '^.{34}  [^ ]' || { echo "of $command"; false; }
	done
}
