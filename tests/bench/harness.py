"""What the measurements share: servers, a child's cost, the table of results.

A figure is the median of several rounds; in each round ours and its peer run one after the other, so that a
noisy machine is noisy to both. A result is printed as soon as it is known, as one line; a miss is told, not an
error: only what cannot be measured ends a script with a status.
"""

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BIN = os.path.join(ROOT, os.environ.get("CDC_BIN", "build/release"))
SERVERS = os.path.join(ROOT, "tests", "servers")
FORMAT = "{:46} {:>14} {:>14} {:>7}  {:14} {}"
HEADING = FORMAT.format("what", "ours", "peer", "ratio", "target", "").rstrip()

median = statistics.median


class Failed(Exception):
    pass


def say(text):
    print("# " + text, file=sys.stderr, flush=True)


def result(what, ours, peer="", ratio=None, target="", good=None):
    """good: None where there is no target."""
    print(FORMAT.format(what, ours, peer, "" if ratio is None else f"{ratio:.2f}", target,
                        {None: "", True: "PASS", False: "MISS"}[good]).rstrip(), flush=True)


def main(measure):
    try:
        measure()
    except (Failed, subprocess.CalledProcessError) as e:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {e}")


# ---- a child's cost


class Cost:
    """Of one run, in seconds and bytes."""

    def __init__(self, wall, usage):
        self.wall, self.user, self.system = wall, usage.ru_utime, usage.ru_stime
        self.cpu = self.user + self.system
        self.rss = usage.ru_maxrss * 1024


def cost(argv, stdin=None, stdout=subprocess.DEVNULL, good=(0,)):
    start = time.monotonic()
    child = subprocess.Popen(argv, stdin=stdin, stdout=stdout)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in good:
        raise Failed(f"{argv[0]} ended with status {child.returncode}")
    return Cost(wall, usage)


def mid(costs, field):
    return median(getattr(c, field) for c in costs)


# ---- servers


@contextlib.contextmanager
def server(name, ports, *options):
    """Starts tests/servers/NAME in a folder of its own; gives the folder and the port."""
    folder = tempfile.mkdtemp(prefix="cdc-bench.")
    os.chmod(folder, 0o755)
    script = os.path.join(SERVERS, name)
    port = subprocess.check_output([os.path.join(SERVERS, "free-port"), str(ports)], text=True).strip()
    try:
        subprocess.run([script, "start", folder, port, *options], check=True, stdout=sys.stderr)
        try:
            yield folder, port
        finally:
            subprocess.run([script, "stop", folder], check=True, stdout=sys.stderr)
    finally:
        shutil.rmtree(folder)


class Postgres:
    PUBLICATION = "bench"
    TABLE = """CREATE TABLE orders (id bigserial PRIMARY KEY, customer int NOT NULL, amount numeric(10,2),
               status text, note varchar(40), updated timestamptz DEFAULT now())"""
    # Values of one row, from its number i.
    VALUES = """i % 10007, (i % 100000) / 100.0,
                (ARRAY['new','paid','packed','shipped'])[i % 4 + 1], 'order note number ' || i"""

    def __init__(self, folder, port):
        self.port, self.slots = port, 0
        self.hosts = {"TCP": "127.0.0.1", "Unix socket": folder}

    def sql(self, text):
        return subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.hosts["TCP"], "-p", self.port,
             "-U", "postgres", "-c", text],
            check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def create(self):
        self.sql(self.TABLE)
        self.sql(f"CREATE PUBLICATION {self.PUBLICATION} FOR TABLE orders")

    def slot(self, like=None):
        """A new slot, or a copy: nobody is to read what another has taken from a slot."""
        self.slots += 1
        name = f"bench_{self.slots}"
        self.sql(f"SELECT pg_copy_logical_replication_slot('{like}', '{name}')" if like else
                 f"SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')")
        return name

    def drop(self, slot):
        """The server sees a moment late that the reader has gone."""
        for _ in range(1000):
            if self.sql(f"SELECT active FROM pg_replication_slots WHERE slot_name = '{slot}'") == "f":
                break
            time.sleep(0.01)
        self.sql(f"SELECT pg_drop_replication_slot('{slot}')")

    def end(self):
        return self.sql("SELECT pg_current_wal_flush_lsn()")

    def tail(self, slot, *options, host="TCP"):
        where = self.hosts[host]
        url = f"postgres://postgres@/postgres?host={where}&port={self.port}"
        return [os.path.join(BIN, "cdc-tail"), "--quiet", "--slot-name", slot, "--start", "earliest",
                "--publication-name", self.PUBLICATION, "--publication-autocreate-mode", "disabled", *options, url]

    def peer(self, slot, *options, host="TCP"):
        return ["pg_recvlogical", "-h", self.hosts[host], "-p", self.port, "-U", "postgres", "-d", "postgres",
                "-S", slot, "--start", "--no-loop", "-o", "proto_version=1",
                "-o", f"publication_names={self.PUBLICATION}", *options]


@contextlib.contextmanager
def postgres(*options):
    with server("postgres", 1, *options) as (folder, port):
        pg = Postgres(folder, port)
        pg.create()
        yield pg
