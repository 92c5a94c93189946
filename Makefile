# make            builds build/release/cdc-*          make SAN=address,undefined   the same with sanitizers
# make check      every test                          make deps                    installs what is needed (apt)
# make demo       the pipeline, live, in a minute     make soak, bench, fuzz, format, install, uninstall

VERSION = 0.1.0
PREFIX  = /usr/local
DESTDIR =
CC      = cc
SAN     =
WERROR  =
CFLAGS  = -O2 -g

comma := ,

# The client library for MySQL and MariaDB: Oracle's where it is installed, else MariaDB's.
MYSQL_PKG := $(shell pkg-config --exists mysqlclient && echo mysqlclient || echo libmariadb)

# lib/iceberg and cdc-sink-iceberg are built where its libraries are: libavro, and libduckdb of the system or, by make deps, in
# build/duckdb, which an installed command finds in PREFIX/lib/cdc.
DUCKDB_OWN := $(wildcard build/duckdb/libduckdb.so)
DUCKDB_SYSTEM := $(or $(shell pkg-config --libs duckdb 2>/dev/null),$(if $(wildcard $(addsuffix \
	/libduckdb.so,/usr/lib /usr/lib/* /usr/local/lib)),-lduckdb))
DUCKDB := $(or $(DUCKDB_SYSTEM),$(if $(DUCKDB_OWN),-Lbuild/duckdb -lduckdb \
	'-Wl$(comma)-rpath$(comma)$$ORIGIN/../duckdb:$$ORIGIN/../../../duckdb:$$ORIGIN/../lib/cdc'))
ICEBERG := $(if $(DUCKDB),$(shell pkg-config --exists avro-c libcurl && echo iceberg))

# Each command links the lib folders it names, lower ones last, and packages known to pkg-config. A folder is one
# archive, of which a command takes just what it calls.
COMMANDS = cdc-enrich cdc-filter cdc-offset cdc-route cdc-sink-es cdc-sink-kafka cdc-snapshot cdc-tail $(if $(ICEBERG),cdc-sink-iceberg)
cdc-tail_LIBS = postgres mysql snapshot state event base
cdc-tail_PKGS = libpq libpcre2-8 libcrypto zlib libzstd $(MYSQL_PKG)
cdc-tail_LDLIBS = -lpthread
cdc-snapshot_LIBS = $(cdc-tail_LIBS)
cdc-snapshot_PKGS = $(cdc-tail_PKGS)
cdc-snapshot_LDLIBS = -lpthread
cdc-filter_LIBS = stage sink event base
cdc-filter_PKGS = libpcre2-8 oniguruma
cdc-filter_LDLIBS = -ljq -lpthread
cdc-enrich_LIBS = stage sink postgres mysql snapshot state event base
cdc-enrich_PKGS = libpq libpcre2-8 libcrypto zlib libzstd oniguruma $(MYSQL_PKG)
cdc-enrich_LDLIBS = -lpthread
cdc-route_LIBS = stage sink event base
cdc-route_PKGS = libpcre2-8 oniguruma
cdc-route_LDLIBS = -ljq -lpthread
cdc-offset_LIBS = sink $(cdc-tail_LIBS)
cdc-offset_PKGS = $(cdc-tail_PKGS) rdkafka
cdc-offset_LDLIBS = -lpthread
cdc-sink-kafka_LIBS = sink state event base
cdc-sink-kafka_PKGS = rdkafka
cdc-sink-es_LIBS = sink state event base
cdc-sink-es_PKGS = libcurl zlib oniguruma
cdc-sink-iceberg_LIBS = iceberg sink state event base
cdc-sink-iceberg_PKGS = avro-c libcurl zlib oniguruma
cdc-sink-iceberg_LDLIBS = -Wl,--as-needed $(DUCKDB) -lpthread

# Every folder, for the tests.
LIBS = $(ICEBERG) stage sink postgres mysql snapshot state event base

# What the commands link beside lib, for the tests.
ALL_PKGS = $(sort $(foreach c,$(COMMANDS),$($c_PKGS)) $(if $(ICEBERG),$(cdc-sink-iceberg_PKGS)))
ALL_LDLIBS = $(sort $(foreach c,$(filter-out cdc-sink-iceberg,$(COMMANDS)),$($c_LDLIBS))) \
	$(if $(ICEBERG),$(cdc-sink-iceberg_LDLIBS))

MODE := $(or $(SAN),release)
B    := build/$(MODE)

ALL_CPPFLAGS = -Ilib -D_POSIX_C_SOURCE=200809L -DCDC_VERSION='"$(VERSION)"' $(CPPFLAGS)
ALL_CFLAGS = -std=c17 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wstrict-prototypes $(WERROR) $(CFLAGS) \
	$(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
PKG = pkg-config --print-errors
# A package that is needed by one folder's headers.
cflags_sink = rdkafka libcurl zlib
cflags_event = libpcre2-8 libcrypto oniguruma
cflags_postgres = libpq
cflags_mysql = zlib libzstd libpcre2-8 libcrypto $(MYSQL_PKG)

all: $(COMMANDS:%=$B/%)
	$(if $(ICEBERG),,@echo "cdc-sink-iceberg is not built, for want of libavro, libcurl or libduckdb: make deps gets them")

include $(wildcard $B/obj/*/*/*.d $B/obj/*/*.d)

define archive
$B/lib/$1.a: $$(patsubst %.c,$$B/obj/%.o,$$(wildcard lib/$1/*.c))
	@mkdir -p $$(@D) && rm -f $$@
	ar -rcs $$@ $$^
endef
$(foreach l,$(LIBS),$(eval $(call archive,$l)))

define command
$B/$1: $B/obj/cmd/$1.o $$($1_LIBS:%=$B/lib/%.a)
	$$(CC) $$(ALL_CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(if $$($1_PKGS),`$$(PKG) --libs $$($1_PKGS)`) $$($1_LDLIBS)
endef
$(foreach c,$(COMMANDS),$(eval $(call command,$c)))

$B/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) \
		$(if $(cflags_$(notdir $(<D))),`$(PKG) --cflags $(cflags_$(notdir $(<D)))`) -MMD -MP -c -o $@ $<

# Tests in C: a file is a program.
UNIT = $(patsubst tests/unit/%.c,$B/tests/unit/%,$(filter-out $(if $(ICEBERG),,tests/unit/iceberg_%),$(wildcard tests/unit/*.c)))
$B/tests/unit/%: $B/obj/tests/unit/%.o $(LIBS:%=$B/lib/%.a)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(LIBS:%=$B/lib/%.a) `$(PKG) --libs cmocka $(ALL_PKGS)` $(ALL_LDLIBS)
.SECONDARY:

# Loaded in front of a command, it makes its system calls fail; without sanitizers, whatever the command has.
SHIM = $B/tests/fault/shim.so
$(SHIM): tests/fault/shim.c
	@mkdir -p $(@D)
	$(CC) -std=c17 -Wall -Wextra -Wconversion -Wshadow $(WERROR) -O1 -fPIC -shared -o $@ $<

# Fuzzing: a file is a target, tests/fuzz/corpus/NAME what it begins with. make check replays the corpora through
# replay.c; make fuzz looks for more, and keeps what it finds in build/fuzz.
FUZZ_SECONDS = 60
FUZZ = $(filter-out replay $(if $(ICEBERG),,iceberg_%),$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
FUZZ_MAIN = $(if $(findstring fuzzer,$(SAN)),,$B/obj/tests/fuzz/replay.o)
$B/tests/fuzz/%: $B/obj/tests/fuzz/%.o $(FUZZ_MAIN) $(LIBS:%=$B/lib/%.a)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(if $(FUZZ_MAIN),,-fsanitize=fuzzer) $(LDFLAGS) -o $@ $^ \
		`$(PKG) --libs $(ALL_PKGS)` $(ALL_LDLIBS)

fuzz-built: $(FUZZ:%=$B/tests/fuzz/%)

fuzz:
	$(MAKE) CC=clang SAN=fuzzer-no-link,address,undefined B=build/fuzz fuzz-built
	@set -e; for t in $(FUZZ); do \
		echo "# $$t"; mkdir -p build/fuzz/corpus/$$t; \
		build/fuzz/tests/fuzz/$$t -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
			-artifact_prefix=build/fuzz/$$t- build/fuzz/corpus/$$t tests/fuzz/corpus/$$t; \
	done

# Programs that measure, and that ask a real server.
BENCH = $(patsubst tests/bench/%.c,$B/tests/bench/%,$(wildcard tests/bench/*.c))
LIVE = $(patsubst tests/live/%.c,$B/tests/live/%,$(filter-out $(if $(ICEBERG),,tests/live/iceberg_%),$(wildcard tests/live/*.c)))
$(BENCH) $(LIVE): $B/tests/%: $B/obj/tests/%.o $(LIBS:%=$B/lib/%.a)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ `$(PKG) --libs $(ALL_PKGS)` $(ALL_LDLIBS)

bench: all $(BENCH)
	tests/bench/bench

tests-built: all $(UNIT) $(LIVE) $(SHIM)

check:
	tests/check

# Live tests on commands with sanitizers, which end at the first fault that these find.
SAN_TESTS = $(wildcard tests/live/mysql*.bats tests/live/mariadb*.bats tests/live/my-*.bats tests/live/enrich-m*.bats)
check-san:
	$(MAKE) SAN=address,undefined all
	CDC_BIN=build/address,undefined bats $(SAN_TESTS)

# A man page goes by its section: man/cdc.7 to man7.
MANDIR = $(PREFIX)/share/man
MANS   = $(notdir $(wildcard man/*.[1-9]))

install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(COMMANDS:%=$B/%) $(DESTDIR)$(PREFIX)/bin
	$(if $(DUCKDB_SYSTEM),,$(if $(ICEBERG),install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/cdc $(DUCKDB_OWN)))
	@set -e; for page in $(MANS); do \
		echo "install -m 644 man/$$page $(DESTDIR)$(MANDIR)/man$${page##*.}"; \
		install -D -m 644 -t $(DESTDIR)$(MANDIR)/man$${page##*.} man/$$page; \
	done

uninstall:
	rm -f $(COMMANDS:%=$(DESTDIR)$(PREFIX)/bin/%) $(DESTDIR)$(PREFIX)/lib/cdc/libduckdb.so \
		$(foreach page,$(MANS),$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(page))

# Installs what it needs, builds, and shows the pipeline.
demo:
	@DEBIAN_FRONTEND=noninteractive tests/install-deps $(DEPS_BUILD) $(DEPS_DEMO)
	@$(MAKE) --no-print-directory all
	@tests/demo

soak: all
	tests/soak

# Debian's names of what the build needs, and of what the demo and the tests need beside it.
DEPS_BUILD = build-essential pkg-config libpq-dev libpcre2-dev libonig-dev libjq-dev libssl-dev librdkafka-dev libcurl4-openssl-dev zlib1g-dev libzstd-dev libmariadb-dev libavro-dev
DEPS_DEMO = postgresql kcat jq python3 procps
DEPS_TEST = libcmocka-dev bats clang clang-format postgresql postgresql-postgis mariadb-server kcat jq python3 curl procps mandoc maven \
	default-jdk-headless libclang-rt-dev systemd openssl

deps:
	@DEBIAN_FRONTEND=noninteractive tests/install-deps $(DEPS_BUILD) $(DEPS_TEST)
	$(if $(DUCKDB_SYSTEM),,@tests/install-duckdb build/duckdb || echo "libduckdb is not to be had: cdc-sink-iceberg is left out")

format:
	clang-format -i cmd/*.c lib/*/*.[ch] tests/*/*.[ch]

clean:
	rm -rf build

.PHONY: all tests-built fuzz-built fuzz bench check check-san install uninstall demo soak deps format clean
