"""A scenario of exactness with Iceberg tables of a file catalog: the tables have rows before the pipeline starts, writers
change them while they are read and after, parts of the pipeline are killed -9; in the end each Iceberg table must
equal its table, row by row, and no position have been committed twice."""
import json
import os
import pathlib
import random
import subprocess

from es import EsScenario, compare, document_id
from pipeline import PARTS, Failure, Pipeline
from workload import query

READER = pathlib.Path(os.environ["CDC_BIN"]) / "tests" / "live" / "iceberg_read"


class IcebergScenario(EsScenario):
    def __init__(self, seed, _exactly_once, folder):
        self.seed, self.folder = seed, pathlib.Path(folder)
        self.name = f"iceberg_{seed}"
        self.rng = random.Random(self.name)
        self.tables = self.folder / "tables"
        self.kills = {part: 0 for part in PARTS}
        self.options = []
        self.pipeline = self.proxy = None
        self.told = {"deletes in the snapshot": 0}
        self.through_lsn = 0

    def prepare_indices(self):
        self.tables.mkdir()

    def start_pipeline(self):
        url = "postgres://{PGUSER}@{PGHOST}:{PGPORT}/".format(**os.environ) + self.name
        offset = str(self.folder / "offset")
        tail = ["cdc-tail", "--start", "initial", "--with-schema", "--offset", offset, "--topic-prefix", self.name, "--slot-name",
                self.name, "--publication-name", self.name, "--chunk-rows", self.rng.choice(["50", "500"]), url]
        self.options = ["--commit-interval", self.rng.choice(["10ms", "100ms", "1s"]),
                        "--commit-rows", self.rng.choice(["50", "1000", "1000000"])]
        sink = f"cdc-sink-iceberg -c file:{self.tables} -T '${{table}}' {' '.join(self.options)} --ack-fd 3 3>&1 >&2"
        commit = ["cdc-offset", "commit", offset] + self.rng.choice([[], ["--interval", "50ms"]])
        return Pipeline(self.folder, {"tail": tail, "sink": ["sh", "-c", f"exec {sink}"], "offset": commit})

    def harm_system(self, _over):
        return False  # it is a folder

    def judge(self, table, _changed):
        rows = {}
        for line in query(self.name, f"SELECT row_to_json(t) FROM {table.name} t").splitlines():
            row = json.loads(line)
            rows[document_id([row[column] for column in table.key])] = row
        said = subprocess.run([READER, self.tables, "default", table.name], check=True, encoding="utf-8",
                              stdout=subprocess.PIPE).stdout
        found = {}
        for line in said.splitlines():
            row = json.loads(line)
            key = document_id([row[column] for column in table.key])
            if key in found:
                raise Failure(f"{table.name}: two rows have the key {key}")
            found[key] = row
        if fault := compare(rows, found) or self.twice(table):
            raise Failure(f"{table.name}: {fault}")
        return len(rows)

    def twice(self, table):
        folder = self.tables / "default" / table.name / "metadata"
        newest = max(folder.glob("v*.metadata.json"), key=lambda path: int(path.name[1:].split(".")[0]))
        positions = [snapshot["summary"]["cdc.position.cdc"] for snapshot in json.loads(newest.read_text())["snapshots"]]
        return "" if len(positions) == len(set(positions)) else "a position was committed twice"
