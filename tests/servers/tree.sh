# A private tree of Debian packages of the newest suite (sid), run under its own loader: the system's packages stay
# as they are. For a server script, which has sourced common.sh; it calls tree_ensure NAME PACKAGE… first.
#   $tree            the tree
#   tree_loader      its dynamic loader; tree_libraries: what to give it as --library-path

# Where every user can reach it: a server that root starts runs as another user.
if [ "$(id -u)" = 0 ]; then
	tree_cache=/var/cache/cdc-tests
else
	tree_cache=${XDG_CACHE_HOME:-$HOME/.cache}/cdc-tests
fi

# The mirror that this machine's own apt uses.
tree_mirror() {
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' |
		grep -v -e security -e updates | head -n 1
}

tree_apt_conf() {
	cat <<-EOF
		Dir::State "$1";
		Dir::State::lists "$1/lists";
		Dir::State::status "$1/status";
		Dir::Cache "$1/cache";
		Dir::Etc::sourcelist "$1/sources.list";
		Dir::Etc::sourceparts "$1/etc";
		Dir::Etc::parts "$1/etc";
		Dir::Etc::preferences "$1/none";
		Dir::Etc::preferencesparts "$1/etc";
		APT::Install-Recommends "false";
		APT::Sandbox::User "$(id -un)";
		Acquire::Languages "none";
		Acquire::Check-Valid-Until "false";
	EOF
}

# What a server needs of them: perl and the like only serve their installation.
tree_unpack() {
	for deb in "$1"/cache/archives/*.deb; do
		[ -e "$deb" ] || fail "apt fetched nothing"
		case ${deb##*/} in
		perl* | libperl* | linux-libc-dev* | libc6-dev* | libc-dev-bin* | *-modules* | libicu-dev* | python3*) ;;
		*) dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$2" --no-same-owner --exclude='./usr/share/doc*' \
			--exclude='./usr/share/man*' --exclude='./usr/share/locale*' --exclude='./etc*' --exclude='./var*' ;;
		esac
	done
}

# To an apt with a state of its own, in which nothing is installed, so that it fetches the whole closure. A shell of
# its own, because set -e does not hold in what stands before ||.
tree_fetch() {
	set -eu
	apt=$tree.apt
	rm -rf "$apt" "$tree.part"
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/etc" "$tree.part"
	: >"$apt/status"
	echo "deb [arch=$(dpkg --print-architecture) signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
		"$(tree_mirror) sid main" >"$apt/sources.list"
	tree_apt_conf "$apt" >"$apt/apt.conf"
	APT_CONFIG=$apt/apt.conf apt-get -qq update
	APT_CONFIG=$apt/apt.conf apt-get -qq -y --download-only install "$@" >/dev/null
	tree_unpack "$apt" "$tree.part"
	rm -rf "$apt"
	mv "$tree.part" "$tree"
}

# The first call fetches; calls at the same time wait for it. The tree is there complete or not at all.
tree_ensure() {
	tree=$tree_cache/$1
	shift
	[ ! -d "$tree" ] || return 0
	mkdir -p "$tree_cache"
	exec 9>"$tree.lock"
	flock 9
	if [ ! -d "$tree" ]; then
		set +e
		(tree_fetch "$@") >"$tree.log" 2>&1
		status=$?
		set -e
		[ $status = 0 ] || fail "cannot fetch it: see $tree.log"
	fi
	exec 9>&-
}

tree_loader() {
	for file in "$tree"/usr/lib64/ld-linux-*.so.* "$tree"/lib64/ld-linux-*.so.* "$tree"/usr/lib/ld-linux-*.so.*; do
		[ ! -e "$file" ] || { echo "$file"; return; }
	done
	fail "no loader in $tree"
}

tree_libraries() { echo "$(ls -d "$tree"/usr/lib/*-linux-gnu | head -n 1):$tree/usr/lib"; }
