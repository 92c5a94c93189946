"""A scenario of exactness with Elasticsearch: the tables have rows before the pipeline starts, writers change them while
they are read and after, parts of the pipeline and the node are killed -9, answers are cut or late, indices are blocked,
queues are too short; in the end each index must equal its table, row by row, and every document bear the version of
the row's last change, which a second logical slot tells."""
import concurrent.futures
import fcntl
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time
import urllib.request

from pipeline import PARTS, Broker, Failure, Pipeline, wait_for
from workload import SCHEMA, TABLES, Writer, query

PATIENCE_S = 240  # on a machine that others use, too
# A table whose key is text is read from its beginning after each kill, so endless kills would keep it from its end.
KILLS_IN_SNAPSHOT = 5


class Node(Broker):
    def __init__(self):
        super().__init__(os.environ["ES"], os.environ["ES_DIR"])
        self.script = pathlib.Path(__file__).parents[2] / "servers" / "elasticsearch"

    def ask(self, method, path, body=None):
        """While nobody kills it."""
        with self._locked(fcntl.LOCK_SH):
            return self.ask_locked(method, path, body)

    def ask_locked(self, method, path, body=None):
        request = urllib.request.Request(f"http://{self.address}{path}", method=method,
                                         headers={"Content-Type": "application/json"},
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def documents(self, index):
        """id -> (version, source)"""
        with self._locked(fcntl.LOCK_SH):
            self.ask_locked("POST", f"/{index}/_refresh")
            answer = self.ask_locked("POST", f"/{index}/_search?scroll=1m&size=5000&version=true", {"sort": ["_doc"]})
            found = {}
            while answer["hits"]["hits"]:
                found |= {hit["_id"]: (hit["_version"], hit["_source"]) for hit in answer["hits"]["hits"]}
                answer = self.ask_locked("POST", "/_search/scroll", {"scroll": "1m", "scroll_id": answer["_scroll_id"]})
            return found


MOST_KILLS = 40
LEAST_VERSION = 1 << 56  # of epoch 1
SNAPSHOT_VERSIONS = 1 << 20  # the log's are above
KEY = re.compile(r"""id\[\w+\]:(\d+)|a\[\w+\]:(\d+) b\[\w+\]:'(ключ "\d+)'""")
MOST_BEFORE = 20  # a writer's transactions before the snapshot is through


class Truth:
    """What PostgreSQL itself tells of each row's last change, by its own plugin and a slot from before the snapshot."""

    def __init__(self, database):
        self.database, self.slot = database, f"{database}_truth"
        query(database, f"SELECT pg_create_logical_replication_slot('{self.slot}', 'test_decoding')")

    def read(self):
        """table -> _id -> the LSN of its last change, of the rows that were changed since and are there."""
        told = query(self.database, f"""SELECT lsn - '0/0', substring(data from '^table public\\.(\\w+): '),
            substring(data from '^\\S+ \\S+ (\\w+):'), substring(CASE strpos(data, ' new-tuple: ') WHEN 0 THEN data
            ELSE split_part(data, ' new-tuple: ', 2) END from $$(?:id\\[\\w+\\]:|a\\[\\w+\\]:\\d+ b\\[\\w+\\]:'ключ ")\\d+'?$$)
            FROM pg_logical_slot_peek_changes('{self.slot}', NULL, NULL) WHERE data LIKE 'table %'""")
        last = {table.name: {} for table in TABLES}
        for line in told.splitlines():
            lsn, table, kind, row = line.split("|", 3)
            number, a, b = KEY.search(row).groups()
            key = number or document_id([b, int(a)])
            last[table].pop(key, None)
            if kind != "DELETE":
                last[table][key] = int(lsn)
        return last

    def end(self):
        query(self.database, f"SELECT pg_drop_replication_slot('{self.slot}')")


def document_id(key):
    return str(key[0]) if len(key) == 1 else json.dumps(key, ensure_ascii=False, separators=(",", ":"))


class EsScenario:
    def __init__(self, seed, _exactly_once, folder):
        self.seed, self.folder = seed, pathlib.Path(folder)
        self.name = f"es_{seed}"
        self.rng = random.Random(self.name)
        self.node = Node()
        self.kills = {part: 0 for part in [*PARTS, "node"]}
        self.options = []
        self.pipeline = self.proxy = None
        self.told = {"deletes in the snapshot": 0, "blocked": 0}
        self.through_lsn = 0  # from here on the log alone tells

    def run(self):
        """Returns how many documents were judged."""
        try:
            return self.run_all()
        finally:
            self.end_proxy()

    def run_all(self):
        query("postgres", f"CREATE DATABASE {self.name}")
        query(self.name, SCHEMA)
        self.prepare_indices()
        truth = Truth(self.name)
        writers = [Writer(self.name, number, self.name) for number in (1, 2, 3)]
        writers[0].make_hot_rows()
        for writer in writers:
            for _ in range(10):
                writer.transact(most=500)
        # A row that moves from a range not read yet into one that was read has its large values nowhere in the
        # lines. So rows move before the snapshot and after it.
        for writer in writers:
            writer.moves = False
        over = threading.Event()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            self.pipeline = self.start_pipeline()
            writing = [pool.submit(self.write, writer) for writer in writers]
            killing = pool.submit(self.kill_at_random, over)
            try:
                for future in writing:
                    future.result()
            finally:
                over.set()
            killing.result()
        self.pipeline.check()
        writers[0].touch()
        lsn = int(query("postgres", "SELECT pg_current_wal_flush_lsn() - '0/0'"))
        self.pipeline.wait_token(lsn, PATIENCE_S)
        self.pipeline.stop(self.rng.choice([["tail"], PARTS]), PATIENCE_S)
        for writer in writers:
            writer.session.close()
        changed = truth.read()
        documents = sum(self.judge(table, changed[table.name]) for table in TABLES)
        truth.end()
        query("postgres", f"SELECT pg_drop_replication_slot('{self.name}')")
        query("postgres", f"DROP DATABASE {self.name}")
        return documents

    def prepare_indices(self):
        """ES_SHARDS of them, more than a node takes requests in its queue, make answers of single items 429."""
        shards = int(os.environ.get("ES_SHARDS", "1"))
        self.node.ask("PUT", f"/_index_template/{self.name}", {
            "index_patterns": [f"{self.name}.*"], "template": {"settings": {"number_of_shards": shards, "number_of_replicas": 0}}})

    def start_proxy(self):
        """Where the sink finds the node: in a third of the scenarios behind a proxy that breaks answers."""
        if self.seed % 3 != 0:
            return self.node.address
        script = pathlib.Path(__file__).parents[2] / "fault" / "es-proxy"
        self.proxy = subprocess.Popen([script, self.node.address.split(":")[1], "--seed", str(self.seed), "--faults", "0.05"],
                                      encoding="ascii", stdout=subprocess.PIPE)
        return "127.0.0.1:" + self.proxy.stdout.readline().strip()

    def end_proxy(self):
        if self.proxy and self.proxy.poll() is None:
            self.proxy.send_signal(signal.SIGTERM)
            self.told |= json.loads(self.proxy.communicate()[0])

    def start_pipeline(self):
        batch = self.rng.choice(["64KiB" if self.seed % 3 == 0 else "16KiB", "256KiB", "4MiB"])
        url = "postgres://{PGUSER}@{PGHOST}:{PGPORT}/".format(**os.environ) + self.name
        offset = str(self.folder / "offset")
        tail = ["cdc-tail", "--start", "initial", "--offset", offset, "--topic-prefix", self.name, "--slot-name", self.name,
                "--publication-name", self.name, "--chunk-rows", self.rng.choice(["50", "500"]), url]
        self.options = ["--jobs", self.rng.choice(["1", "2", "4"]), "--batch", batch,
                        "--linger", self.rng.choice(["0", "5ms", "50ms"])] + self.rng.choice([[], ["--gzip"]])
        sink = f"cdc-sink-es {' '.join(self.options)} --ack-fd 3 http://{self.start_proxy()} 3>&1 >&2"
        commit = ["cdc-offset", "commit", offset] + self.rng.choice([[], ["--interval", "50ms"]])
        return Pipeline(self.folder, {"tail": tail, "sink": ["sh", "-c", f"exec {sink}"], "offset": commit})

    def write(self, writer):
        """While the tables are read, and then some more."""
        before = self.deletes(writer)
        for _ in range(MOST_BEFORE):
            if self.snapshot_is_through():
                break
            self.transact(writer)
        self.told["deletes in the snapshot"] += self.deletes(writer) - before
        wait_for("the snapshot to be through", self.snapshot_is_through, PATIENCE_S, pause_s=0.05)
        writer.moves = True
        for _ in range(15):
            self.transact(writer)

    @staticmethod
    def transact(writer):
        writer.transact(most=writer.rng.choice([30, 300, 300, 1000]))
        time.sleep(writer.rng.expovariate(1 / 0.05))

    @staticmethod
    def deletes(writer):
        return sum(n for (_, kind), n in writer.counts.items() if kind == "delete")

    def snapshot_is_through(self):
        self.pipeline.check()
        token = self.pipeline.token()
        if token and token[1] and not self.through_lsn:
            self.through_lsn = int(query("postgres", "SELECT pg_current_wal_insert_lsn() - '0/0'"))
        return bool(self.through_lsn)

    def kill_at_random(self, over):
        """At most as often as lets the rest be caught up with."""
        while sum(self.kills.values()) < MOST_KILLS:
            starts = self.pipeline.starts
            if over.wait(self.rng.choice([0.2, self.rng.expovariate(1 / 0.8)])):
                return
            if sum(self.kills.values()) >= KILLS_IN_SNAPSHOT and not self.snapshot_is_through():
                continue
            if self.harm_system(over):
                continue
            victim = self.rng.choice(["tail", "sink", "sink", "sink", "offset"])
            killed = self.pipeline.kill(victim)
            self.kills[victim] += killed
            if killed:
                wait_for("a new start", lambda starts=starts: self.pipeline.check() or self.pipeline.starts > starts,
                         PATIENCE_S)

    def harm_system(self, over):
        """What the pipeline writes to, in place of a part of it. Whether something was done."""
        if self.seed % 5 == 1 and self.rng.random() < 0.5:
            self.block_for_a_moment(over)
            return True
        if self.seed % 4 == 0 and self.kills["node"] < 2 and self.rng.random() < 0.5:
            self.pipeline.log("kill node")
            self.node.kill_and_restart()
            self.kills["node"] += 1
            return True
        return False

    def block_for_a_moment(self, over):
        """Every index of the scenario answers 429."""
        self.node.ask("PUT", f"/{self.name}.*/_settings?allow_no_indices=true", {"index.blocks.read_only_allow_delete": True})
        over.wait(self.rng.uniform(0.2, 1))
        self.node.ask("PUT", f"/{self.name}.*/_settings?allow_no_indices=true", {"index.blocks.read_only_allow_delete": None})
        self.told["blocked"] += 1

    def judge(self, table, changed):
        return judge_index(self.node, self.name, table, changed, self.through_lsn)

    def summary(self):
        kills = ", ".join(f"{part} {n}" for part, n in self.kills.items() if n)
        told = ", ".join(f"{what} {n}" for what, n in self.told.items() if n)
        return f"{' '.join(self.options)}; {self.pipeline.starts if self.pipeline else 0} starts; killed: {kills or '-'}; {told}"


def judge_index(node, database, table, changed, through_lsn):
    """How many documents it holds, all of them right. changed: what Truth.read() told of the table."""
    rows = {}
    for line in query(database, f"SELECT row_to_json(t) FROM {table.name} t").splitlines():
        row = json.loads(line)
        rows[document_id([row[column] for column in table.key])] = row
    found = node.documents(f"{database}.public.{table.name}")
    fault = compare(rows, {key: source for key, (_, source) in found.items()}) or \
        compare_versions(changed, {key: version for key, (version, _) in found.items()}, through_lsn)
    if fault:
        raise Failure(f"index of {table.name}: {fault}")
    return len(rows)


def compare(rows, documents):
    """The first difference between a table and its index, both by _id; or None."""
    for key in rows.keys() | documents.keys():
        if key not in documents:
            return f"row {key} is missing: {rows[key]}"
        if key not in rows:
            return f"document {key} is of no row: {documents[key]}"
        if rows[key] != documents[key]:
            return f"row {key} is {rows[key]}, its document {documents[key]}"
    return None


def compare_versions(changed, versions, through_lsn):
    """The first document whose version is not that of its row's last change; or None. A row that was changed, if at
    all, before the snapshot was through may have come with that."""
    for key, version in versions.items():
        lsn = changed.get(key, 0)
        place = version - LEAST_VERSION
        if place != lsn and not (0 < place < SNAPSHOT_VERSIONS and lsn < through_lsn):
            return f"document {key} has version {LEAST_VERSION} + {place}, its row was changed last at {lsn}"
    return None
