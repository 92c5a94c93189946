"""A scenario of exactness with a snapshot on MySQL or MariaDB: the tables are full before the pipeline starts, writers
change them all the while, and parts of the pipeline are killed -9 while the snapshot is read and after.

The log has whole rows, before and after, and each row counts its changes: a consumer is right if each event of a key
finds, as its `before`, what the events so far have made of it, and if in the end it has the table. A table whose key
has no order may be read more than once; then the end alone counts."""
import json
import os
import pathlib
import random
import shlex
import threading
import time
import concurrent.futures

import my_workload
from pipeline import Broker, Failure, Pipeline, wait_for

PATIENCE_S = 120
PARTS = ["tail", "slow", "sink", "offset"]
SLOW = pathlib.Path(__file__).with_name("slow")


class MySnapshotScenario:
    def __init__(self, seed, exactly_once, folder):
        self.seed, self.exactly_once, self.folder = seed, exactly_once, pathlib.Path(folder)
        self.name = f"{os.environ['MY_KIND']}_snap_{seed}"
        self.rng = random.Random(self.name)
        self.broker = Broker(os.environ["BROKER"], os.environ["KAFKA_DIR"])
        self.kills = {part: 0 for part in PARTS}
        self.early_kills = 0
        self.pipeline = None
        self.by_hand = seed % 3 == 0  # { cdc-snapshot … && cdc-tail …; }
        self.options = []

    def run(self):
        """Returns how many records were judged."""
        my_workload.query(None, f"CREATE DATABASE {self.name}")
        my_workload.query(self.name, my_workload.SCHEMA)
        writers = [my_workload.Writer(self.name, number, self.name) for number in (1, 2, 3)]
        writers[0].make_hot_rows()
        for writer in writers:
            full = my_workload.Transaction(writer)
            for table, rows in (("plain", 1500), ("pair", 200), ("whole", 600)):
                full.insert(table, rows, ("left(sha2(rand(), 256), 32)", 32))
            writer.begin(full)
            writer.commit(full)
        over = threading.Event()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            writing = [pool.submit(self.write, writer, over) for writer in writers]
            try:
                self.pipeline = self.start_pipeline()
                self.kill_during_the_snapshot()
                self.kill_after_it()
            finally:
                over.set()
            for future in writing:
                future.result()
        writers[0].touch()
        for writer in writers:
            writer.session.close()
        self.pipeline.wait_token(my_workload.log_end(), PATIENCE_S)
        self.pipeline.stop(self.rng.choice([["tail"], PARTS]), PATIENCE_S)
        records = sum(self.judge(table) for table in my_workload.TABLES)
        my_workload.query(None, f"DROP DATABASE {self.name}")
        return records

    def start_pipeline(self):
        offset = str(self.folder / "offset")
        url = os.environ["MY_URL"]
        shared = ["--offset", offset, "--topic-prefix", self.name, "--database", self.name,
                  "--include-schema-changes=false"]
        reading = ["--jobs", str(self.rng.randint(1, 3)), "--view-time", self.rng.choice(["200ms", "1s"]),
                   "--lock", self.rng.choice(["global", "tables"])]
        rows = self.rng.choice([0, 20, 100, 500]) # 0: as it likes, which with one job is all in one query
        reading += ["--chunk-rows", str(rows)] if rows else []
        speed = self.rng.choice([1, 2, 4])
        if self.by_hand:
            snapshot = shlex.join(["cdc-snapshot", *shared, *reading, url])
            tail = ["sh", "-c", f"{{ {snapshot} && {shlex.join(['cdc-tail', *shared, url])}; }}"]
        else:
            tail = ["cdc-tail", "--start", "initial", *shared, *reading, url]
        sink = f"cdc-sink-kafka -b {self.broker.address} -X transactional.id={self.name} --ack-fd 3 3>&1 >&2"
        commit = ["cdc-offset", "commit", offset, "--interval", self.rng.choice(["50ms", "200ms"])]
        self.options = [*reading, f"{speed} MB/s", "by hand" if self.by_hand else ""]
        return Pipeline(self.folder, {"tail": tail, "slow": [str(SLOW), str(speed * 1000000)],
                                      "sink": ["sh", "-c", f"exec {sink}"], "offset": commit},
                        shells={"tail"} if self.by_hand else ())

    @staticmethod
    def write(writer, over):
        while not over.is_set():
            writer.transact(most=100)
            time.sleep(writer.rng.expovariate(1 / 0.1))

    def snapshot_is_through(self):
        self.pipeline.check()
        token = self.pipeline.token()
        return token and token[1]

    def kill_one(self, victims):
        victim = self.rng.choice(victims)
        child = victim == "tail" and self.by_hand and self.rng.random() < 0.5
        done = self.pipeline.kill(victim, child)
        self.kills[victim] += done
        return done

    def await_start(self, starts):
        wait_for("a new start", lambda: self.pipeline.check() or self.pipeline.starts > starts, PATIENCE_S)

    def kill_during_the_snapshot(self):
        for _ in range(self.rng.randint(1, 4)):
            starts = self.pipeline.starts
            if self.rng.random() < 0.7:
                wait_for("a token", lambda: self.snapshot_is_through() or self.pipeline.token(), PATIENCE_S)
            time.sleep(self.rng.choice([0.05, 0.2, 0.5]) * self.rng.uniform(0.5, 1.5))
            if self.snapshot_is_through():
                break
            if self.kill_one(["tail", "tail", "tail", "sink", "sink", "offset", "slow"]):
                self.early_kills += 1
                self.await_start(starts)
        wait_for("the snapshot's end", self.snapshot_is_through, PATIENCE_S)

    def kill_after_it(self):
        for pause_s in [0.0, 0.5]:
            time.sleep(self.rng.uniform(0, 1) * pause_s)
            starts = self.pipeline.starts
            if self.kill_one(["tail", "sink", "offset"]):
                self.await_start(starts)
        time.sleep(0.3)

    def judge(self, table):
        path = self.folder / f"{table.name}.ndjson"
        self.broker.consume(f"{self.name}.{self.name}.{table.name}", path)
        strict = table.name != "pair"  # whose key is text
        states, records = {}, 0
        for line in path.read_text("utf-8").splitlines():
            message = json.loads(line)
            if message["payload"] is None:
                continue
            records += 1
            key, value = message["key"], json.loads(message["payload"])
            before, after = value["before"], value["after"]
            have = states.get(key)
            if strict and have != before:
                raise Failure(f"{table.name} {key}: {line[:1000]}\n  found {have}")
            states[key] = after
        columns = [*table.key, "row", "writer", "n"]
        pairs = ", ".join(f"'{column}', `{column}`" for column in columns)
        rows = sorted(json.dumps(json.loads(row), sort_keys=True) for row in my_workload.query(
            self.name, f"SELECT JSON_OBJECT({pairs}) FROM {table.name}").splitlines())
        have = sorted(json.dumps({column: row[column] for column in columns}, sort_keys=True)
                      for row in states.values() if row is not None)
        if rows != have:
            wrong = sorted(set(rows) ^ set(have))
            raise Failure(f"{table.name}: {len(rows)} rows in the table, {len(have)} by the events; {wrong[:4]}")
        return records

    def summary(self):
        kills = ", ".join(f"{part} {n}" for part, n in self.kills.items() if n)
        return f"{' '.join(filter(None, self.options))}; {self.pipeline.starts if self.pipeline else 0} starts; " \
               f"killed: {kills or '-'}, {self.early_kills} in the snapshot"
