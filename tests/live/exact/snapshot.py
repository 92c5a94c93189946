"""A scenario of exactness with a snapshot: the tables are full before the pipeline starts, writers change them all
the while, and parts of the pipeline and the broker are killed -9 while the snapshot is read and after."""
import concurrent.futures
import json
import os
import pathlib
import random
import shlex
import threading
import time

from pipeline import Broker, Failure, Pipeline, wait_for
from snapshot_verify import Change, verify
from snapshot_workload import SCHEMA, TABLES, WRITERS, Writer, fill
from verify import Record
from workload import Session, query

PATIENCE_S = 120
PARTS = ["tail", "slow", "sink", "offset"]
SLOW = pathlib.Path(__file__).with_name("slow")


class SnapshotScenario:
    def __init__(self, seed, exactly_once, folder):
        self.seed, self.exactly_once, self.folder = seed, exactly_once, pathlib.Path(folder)
        self.name = f"{'snap' if exactly_once else 'snapleast'}_{seed}"
        self.rng = random.Random(self.name)
        self.broker = Broker(os.environ["BROKER"], os.environ["KAFKA_DIR"])
        self.kills = {part: 0 for part in [*PARTS, "broker"]}
        self.early_kills = 0
        self.pipeline = None
        self.by_hand = seed % 3 == 0  # { cdc-snapshot … && cdc-tail …; }
        self.truncates_kept = seed % 2 == 0
        self.options = []

    def run(self):
        """Returns how many records were judged."""
        query("postgres", f"CREATE DATABASE {self.name}")
        session = Session(self.name)
        session.call(SCHEMA)
        session.call(fill())
        session.close()
        writers = [Writer(self.name, number, self.name, self.exactly_once) for number in range(WRITERS)]
        over = threading.Event()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            writing = [pool.submit(self.write, writer, over) for writer in writers]
            try:
                self.pipeline = self.start_pipeline()
                self.kill_during_the_snapshot()
                for writer in writers:
                    writer.phase = 2
                self.kill_after_it()
            except Exception:
                if self.pipeline:
                    self.pipeline.abandon()  # what it holds in the database, a writer may wait for
                raise
            finally:
                over.set()
            for future in writing:
                future.result()
        small = next(table for table in TABLES if table.name == "small")
        writers[0].session.call(f"{writers[0].insert(small, 3)};")  # it may be empty, and have no topic
        for writer in writers:
            writer.session.close()
        query(self.name, "UPDATE pulse SET n = n + 1")
        self.pipeline.wait_token(int(query("postgres", "SELECT pg_current_wal_flush_lsn() - '0/0'")), PATIENCE_S)
        self.pipeline.stop(self.rng.choice([["tail"], PARTS]), PATIENCE_S)
        records = self.judge()
        query("postgres", f"SELECT pg_drop_replication_slot('{self.name}')")
        query("postgres", f"DROP DATABASE {self.name}")
        return records

    def start_pipeline(self):
        url = "postgres://{PGUSER}@{PGHOST}:{PGPORT}/".format(**os.environ) + self.name
        offset = str(self.folder / "offset")
        shared = ["--offset", offset, "--topic-prefix", self.name, "--slot-name", self.name, "--publication-name",
                  self.name, "--exclude-table", r"public\.audit"]
        kept = ["--skipped-operations", "none"] if self.truncates_kept else []
        reading = ["--jobs", str(self.rng.randint(1, 4)), "--chunk-rows", str(self.rng.choice([20, 100, 500])),
                   "--view-time", "1s"]
        speed = self.rng.choice([4, 8, 16, 100])
        if self.by_hand:
            snapshot = shlex.join(["cdc-snapshot", *shared, *reading, url])
            tail = ["sh", "-c", f"{{ {snapshot} && {shlex.join(['cdc-tail', *shared, *kept, url])}; }}"]
        else:
            tail = ["cdc-tail", "--start", "initial", *shared, *kept, *reading, url]
        sink = f"cdc-sink-kafka -b {self.broker.address} --ack-fd 3 3>&1 >&2"
        if self.exactly_once:
            sink = sink.replace("--ack-fd", f"-X transactional.id={self.name} --ack-fd")
        commit = ["cdc-offset", "commit", offset, "--interval", self.rng.choice(["50ms", "200ms", "1s"])]
        self.options = [*reading, *kept, f"{speed} MB/s", "by hand" if self.by_hand else ""]
        return Pipeline(self.folder, {"tail": tail, "slow": [str(SLOW), str(speed * 1000000)],
                                      "sink": ["sh", "-c", f"exec {sink}"], "offset": commit},
                        shells={"tail"} if self.by_hand else ())

    @staticmethod
    def write(writer, over):
        while not over.is_set():
            writer.transact()
            time.sleep(writer.rng.expovariate(1 / 0.1))

    def snapshot_is_through(self):
        self.pipeline.check()
        token = self.pipeline.token()
        return token and token[1]

    def kill_one(self):
        victim = self.rng.choice(["tail", "tail", "tail", "sink", "sink", "offset", "slow"])
        if self.seed % 5 == 0 and self.kills["broker"] < 1 and self.rng.random() < 0.5:
            self.pipeline.log("kill broker")
            self.broker.kill_and_restart()
            self.kills["broker"] += 1
            return
        child = victim == "tail" and self.by_hand and self.rng.random() < 0.5
        self.kills[victim] += self.pipeline.kill(victim, child)

    def kill_during_the_snapshot(self):
        """Some times; often when nothing is acknowledged yet."""
        for _ in range(self.rng.randint(1, 5)):
            starts, wait_s = self.pipeline.starts, self.rng.choice([0.1, 0.7, 1.5, 2.5]) * self.rng.uniform(0.5, 1.5)
            if self.rng.random() < 0.7:
                self.wait_while_reading("a token", self.pipeline.token)
            end = time.monotonic() + wait_s
            self.wait_while_reading("a moment", lambda end=end: time.monotonic() > end)
            if self.snapshot_is_through():
                break
            self.kill_one()
            self.early_kills += 1
            wait_for("a new start", lambda starts=starts: self.pipeline.check() or self.pipeline.starts > starts
                     or self.kills["broker"], PATIENCE_S)
        wait_for("the snapshot's end", self.snapshot_is_through, PATIENCE_S)

    def wait_while_reading(self, what, condition):
        wait_for(what, lambda: self.snapshot_is_through() or condition(), PATIENCE_S)

    def kill_after_it(self):
        """At once, in half the scenarios: what the snapshot left must still be there. Then while the log is read."""
        for pause_s in [0.0, 0.5, 1.5][self.rng.randint(0, 1):]:
            time.sleep(self.rng.uniform(0, 1) * pause_s)
            starts = self.pipeline.starts
            if self.kills_one_more():
                wait_for("a new start", lambda starts=starts: self.pipeline.check() or self.pipeline.starts > starts,
                         PATIENCE_S)
        time.sleep(0.5)

    def kills_one_more(self):
        victim = self.rng.choice(["tail", "sink", "offset"])
        done = self.pipeline.kill(victim)
        self.kills[victim] += done
        return done

    def judge(self):
        history = {topic: [] for table in TABLES for topic in table.topics()}
        for line in query(self.name, "SELECT row_to_json(a) FROM audit a ORDER BY at").splitlines():
            c = json.loads(line)
            history[c["tbl"]].append(Change(c["at"], c["op"], text(c["key"]), text(c["other"]), c["row"], c["n"],
                                            c["tx"], c["phase"]))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            topics = list(history)
            records = dict(zip(topics, pool.map(self.consume, topics)))
        faults = [self.judge_topic(table, topic, records[topic], history[topic])
                  for table in TABLES for topic in table.topics()]
        if any(faults):
            raise Failure("\n".join(fault for fault in faults if fault))
        return sum(len(r) for r in records.values())

    def judge_topic(self, table, topic, records, history):
        key = ", ".join(f"'{c.name}', " + c.event.format(f"t.{c.name}") for c in table.key) or "'row', t.\"row\""
        rows = {}
        for line in query(self.name, f"SELECT jsonb_build_object({key}), row_to_json(t) FROM "
                                     f"(SELECT * FROM {topic}) t").splitlines():
            of, row = map(json.loads, line.split("|", 1))
            rows[text(of)] = {column: row[column] for column in ("slot", "row", "n", "payload")}
        fault = verify(table, records, history, rows, not self.exactly_once,
                       self.truncates_kept and table.truncated)
        return fault and f"{topic}: {fault}"

    def consume(self, topic):
        path = self.folder / f"{topic}.ndjson"
        self.broker.consume(f"{self.name}.public.{topic}", path)
        return [record_of(json.loads(line)) for line in path.read_text("utf-8").splitlines()]

    def summary(self):
        kills = ", ".join(f"{part} {n}" for part, n in self.kills.items() if n)
        return f"{' '.join(filter(None, self.options))}; {self.pipeline.starts if self.pipeline else 0} starts; " \
               f"killed: {kills or '-'}, {self.early_kills} in the snapshot"


def text(key):
    return None if key is None else json.dumps(key, sort_keys=True)


def record_of(message):
    headers = message.get("headers") or []
    value = json.loads(message["payload"]) if message["payload"] is not None else None
    return Record(message["partition"], message["offset"], message["key"], dict(zip(headers[::2], headers[1::2])), value)
