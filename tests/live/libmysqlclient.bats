# The commands built with Oracle's libmysqlclient, which comes with the MySQL server that the tests fetch, against
# both servers. Debian's own packages have libmariadb, with which all other tests are.
bats_require_minimum_version 1.5.0
load ../lib

# The library runs under its own loader: it needs a newer libc than the system's.
setup_file() {
	local tree lib
	tree=$("$SERVERS/mysql" tree)
	lib=$(ls -d "$tree"/usr/lib/*-linux-gnu | head -n 1)
	mkdir -p "$ROOT/build/libmysqlclient/pc"
	cat >"$ROOT/build/libmysqlclient/pc/mysqlclient.pc" <<-END
		Name: mysqlclient
		Description: of the tree
		Version: 24
		Cflags: -I$tree/usr/include/mysql -idirafter $tree/usr/include
		Libs: -Wl,--allow-shlib-undefined -L$lib -l:libmysqlclient.so.24 -Wl,--dynamic-linker=$(ls "$tree"/usr/lib64/ld-linux-*.so.* | head -n 1) -Wl,--disable-new-dtags,-rpath,$lib
	END
	PKG_CONFIG_PATH=$ROOT/build/libmysqlclient/pc make -s -C "$ROOT" B=build/libmysqlclient MYSQL_PKG=mysqlclient \
		WERROR=-Werror build/libmysqlclient/cdc-{tail,snapshot,offset,enrich} 3>&-
}

# on FILE: its tests of what the library does.
on() {
	ldd "$ROOT/build/libmysqlclient/cdc-tail" | grep -q libmysqlclient
	LIBMYSQL_PLUGIN_DIR=$("$SERVERS/mysql" tree)/usr/lib/mysql/plugin CDC_BIN=build/libmysqlclient \
		bats -f 'GTID set|goes on where|restarts|passwords|log in|--check|lag|begun anew|purged|row that is read|as cdc-tail prints|keys of every|prepared|server gone' "$ROOT/tests/live/$1"
}

@test "libmysqlclient: MySQL" { on mysql.bats; }
@test "libmysqlclient: MariaDB" { on mariadb.bats; }
@test "libmysqlclient: cdc-enrich, MySQL" { on enrich-mysql.bats; }
@test "libmysqlclient: cdc-enrich, MariaDB" { on enrich-mariadb.bats; }
