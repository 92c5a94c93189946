"""A scenario of exactness with Elasticsearch: the tables have rows before the pipeline starts, writers change them while
they are read and after, parts of the pipeline and the node are killed -9; in the end each index must equal its
table, row by row, and every document bear the version of the row's last change."""
import concurrent.futures
import json
import os
import pathlib
import random
import subprocess
import threading
import time
import urllib.request

from pipeline import PARTS, Broker, Failure, Pipeline, wait_for
from workload import SCHEMA, TABLES, Writer, query

PATIENCE_S = 120
# A table whose key is text is read from its beginning after each kill, so endless kills would keep it from its end.
KILLS_IN_SNAPSHOT = 8


class Node(Broker):
    def __init__(self):
        super().__init__(os.environ["ES"], os.environ["ES_DIR"])
        self.script = pathlib.Path(__file__).parents[2] / "servers" / "elasticsearch"

    def ask(self, method, path, body=None):
        request = urllib.request.Request(f"http://{self.address}{path}", method=method,
                                         headers={"Content-Type": "application/json"},
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def documents(self, index):
        """id -> (version, source)"""
        with self._locked(0x1):  # LOCK_SH
            self.ask("POST", f"/{index}/_refresh")
            answer = self.ask("POST", f"/{index}/_search?scroll=1m&size=5000&version=true", {"sort": ["_doc"]})
            found = {}
            while answer["hits"]["hits"]:
                found |= {hit["_id"]: (hit["_version"], hit["_source"]) for hit in answer["hits"]["hits"]}
                answer = self.ask("POST", "/_search/scroll", {"scroll": "1m", "scroll_id": answer["_scroll_id"]})
            return found


MOST_STARTS = 60


class EsScenario:
    def __init__(self, seed, _exactly_once, folder):
        self.seed, self.folder = seed, pathlib.Path(folder)
        self.name = f"es_{seed}"
        self.rng = random.Random(self.name)
        self.node = Node()
        self.kills = {part: 0 for part in [*PARTS, "node"]}
        self.options = []
        self.pipeline = None

    def run(self):
        """Returns how many documents were judged."""
        query("postgres", f"CREATE DATABASE {self.name}")
        query(self.name, SCHEMA)
        writers = [Writer(self.name, number, self.name) for number in (1, 2, 3)]
        writers[0].make_hot_rows()
        for writer in writers:
            for _ in range(15):
                writer.transact(most=1000)
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
        documents = sum(self.judge(table) for table in TABLES)
        query("postgres", f"SELECT pg_drop_replication_slot('{self.name}')")
        query("postgres", f"DROP DATABASE {self.name}")
        return documents

    def start_pipeline(self):
        url = "postgres://{PGUSER}@{PGHOST}:{PGPORT}/".format(**os.environ) + self.name
        offset = str(self.folder / "offset")
        tail = ["cdc-tail", "--start", "initial", "--offset", offset, "--topic-prefix", self.name, "--slot-name", self.name,
                "--publication-name", self.name, "--chunk-rows", self.rng.choice(["50", "500"]), url]
        self.options = ["--jobs", self.rng.choice(["1", "2", "4"]), "--batch", self.rng.choice(["16KiB", "256KiB", "4MiB"]),
                        "--linger", self.rng.choice(["0", "5ms", "50ms"])] + self.rng.choice([[], ["--gzip"]])
        sink = f"cdc-sink-es {' '.join(self.options)} --ack-fd 3 http://{self.node.address} 3>&1 >&2"
        commit = ["cdc-offset", "commit", offset] + self.rng.choice([[], ["--interval", "50ms"]])
        return Pipeline(self.folder, {"tail": tail, "sink": ["sh", "-c", f"exec {sink}"], "offset": commit})

    def write(self, writer):
        done = 0
        while done < 20:
            writer.moves = writer.moves or self.snapshot_is_through()
            done += writer.moves
            writer.transact(most=writer.rng.choice([30, 300, 300, 1000]))
            time.sleep(writer.rng.expovariate(1 / 0.05))

    def snapshot_is_through(self):
        self.pipeline.check()
        token = self.pipeline.token()
        return bool(token and token[1])

    def kill_at_random(self, over):
        """At most as often as lets the rest be caught up with."""
        while self.pipeline.starts < MOST_STARTS:
            starts = self.pipeline.starts
            if over.wait(self.rng.choice([0.2, self.rng.expovariate(1 / 0.8)])):
                return
            if sum(self.kills.values()) >= KILLS_IN_SNAPSHOT and not self.snapshot_is_through():
                continue
            if self.seed % 4 == 0 and self.kills["node"] < 2 and self.rng.random() < 0.5:
                self.pipeline.log("kill node")
                self.node.kill_and_restart()
                self.kills["node"] += 1
                continue
            victim = self.rng.choice(["tail", "sink", "sink", "sink", "offset"])
            killed = self.pipeline.kill(victim)
            self.kills[victim] += killed
            if killed:
                wait_for("a new start", lambda starts=starts: self.pipeline.check() or self.pipeline.starts > starts,
                         PATIENCE_S)

    def judge(self, table):
        rows = {}
        for line in query(self.name, f"SELECT row_to_json(t) FROM {table.name} t").splitlines():
            row = json.loads(line)
            key = [row[column] for column in table.key]
            rows[str(key[0]) if len(key) == 1 else json.dumps(key, ensure_ascii=False, separators=(",", ":"))] = row
        found = self.node.documents(f"{self.name}.public.{table.name}")
        fault = compare(rows, {key: source for key, (_, source) in found.items()})
        least = 1 << 56
        fault = fault or next((f"document {key} has version {version}, of no epoch"
                               for key, (version, _) in found.items() if not least < version < 2 * least), None)
        if fault:
            raise Failure(f"{table.name}: {fault}")
        return len(rows)

    def summary(self):
        kills = ", ".join(f"{part} {n}" for part, n in self.kills.items() if n)
        return f"{' '.join(self.options)}; {self.pipeline.starts if self.pipeline else 0} starts; killed: {kills or '-'}"


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
