"""The same tables and writers on MySQL and MariaDB."""
import contextlib
import os
import subprocess

import workload
from verify import Table

# The log has whole rows, before and after.
TABLES = [Table(name, key, full=True) for name, key in
          [("plain", ["id"]), ("pair", ["b", "a"]), ("whole", ["id"]), ("hot", ["id"])]]
COLUMNS = "`row` bigint NOT NULL, writer int NOT NULL, n int NOT NULL, payload mediumtext"
SCHEMA = f"""
CREATE TABLE plain (id bigint PRIMARY KEY, {COLUMNS});
CREATE TABLE pair (a int, b varchar(40) COLLATE utf8mb4_bin, {COLUMNS}, PRIMARY KEY (b, a));
CREATE TABLE whole (id int PRIMARY KEY, {COLUMNS});
CREATE TABLE hot (id int PRIMARY KEY, {COLUMNS});
"""


def command(database):
    server = os.path.join(os.path.dirname(__file__), "../../servers/mysql")
    program = [server, "tool", "mysql"] if os.environ["MY_KIND"] == "mysql" else ["mariadb", "--no-defaults"]
    return program + ["-uroot", f"--socket={os.environ['MY_DIR']}/s", "--default-character-set=utf8mb4", "-N", "-B", "-n",
                      "-r", *([database] if database else [])]


def query(database, statement):
    return subprocess.run(command(database) + ["-e", statement], check=True, encoding="utf-8",
                          stdout=subprocess.PIPE).stdout.strip()


def log_end():
    words = "SHOW BINARY LOG STATUS" if os.environ["MY_KIND"] == "mysql" else "SHOW MASTER STATUS"
    name, position = query(None, words).split("\t")[:2]
    return int(name.rpartition(".")[2]), int(position)


class Session(workload.Session):
    # Without gap locks, and without scans of the table, the writers do not wait for each other's rows.
    BEFORE = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;"
    if os.environ.get("MY_KIND") == "mysql":
        BEFORE += "SET SESSION range_optimizer_max_mem_size = 0;"

    def __init__(self, database):  # pylint: disable=super-init-not-called
        self.database = database
        self.open()

    def open(self):
        self.process = subprocess.Popen(command(self.database), encoding="utf-8", bufsize=1, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        super().call(self.BEFORE)

    def call(self, statements):
        """The work of a transaction is one call. A deadlock with another writer ends the client, and with it the
        transaction, of which nothing is left: it is done again."""
        for attempt in range(20):
            try:
                return super().call(statements)
            except (RuntimeError, BrokenPipeError):
                if attempt == 19 or statements.startswith("COMMIT"):
                    raise
                self.process.wait()
                with contextlib.suppress(BrokenPipeError):
                    self.process.stdin.close()
                self.open()


def name(key):
    return f"'ключ \"{key}'"


def among(table, keys):
    return f"b IN ({', '.join(map(name, keys))})" if table == "pair" else f"id IN ({', '.join(map(str, keys))})"


def cases(column, of, old, new, value):
    return f"{column} = CASE {of} " + " ".join(f"WHEN {value(o)} THEN {n}" for o, n in zip(old, new)) + " END"


class Transaction(workload.Transaction):
    def insert(self, table, n, payload=None):
        if n == 0:
            return
        keys = [self.keys[table].take(self.rng) for _ in range(n)]
        self.keys[table].live += keys
        first = self.writer.rows(n)

        def values(value):
            return ", ".join("(" + (f"{key % 97}, {name(key)}" if table == "pair" else str(key)) +
                             f", {first + i}, {self.writer.number}, 1, {value})" for i, key in enumerate(keys, 1))
        self._add(table, "insert", n, payload or self._payload(), lambda value: f"INSERT INTO {table} VALUES {values(value)};")

    def update(self, table, n, payload=None):
        keys = self.keys[table].pick(self.rng, n)
        self.keys[table].live += keys
        payload = payload or (self._payload() if self.rng.random() < 0.5 else ("payload", 0))
        if keys:
            self._add(table, "update", len(keys), payload,
                      lambda value: f"UPDATE {table} FORCE INDEX (PRIMARY) SET n = n + 1, writer = {self.writer.number}, payload = {value} "
                                    f"WHERE {among(table, keys)};")

    def move(self, table, n, payload=None):
        old = self.keys[table].pick(self.rng, n)
        new = [self.keys[table].take(self.rng) for _ in old]
        self.keys[table].free += old
        self.keys[table].live += new

        def moves():
            if table != "pair":
                return cases("id", "id", old, new, str)
            # From the left: a goes by the old b.
            return cases("a", "b", old, [key % 97 for key in new], name) + ", " + \
                cases("b", "b", old, [name(key) for key in new], name)
        if old:
            self._add(table, "move", len(old), payload or ("payload", 0),
                      lambda value: f"UPDATE {table} FORCE INDEX (PRIMARY) SET n = n + 1, payload = {value}, {moves()} "
                                    f"WHERE {among(table, old)};")

    def delete(self, table, n):
        keys = self.keys[table].pick(self.rng, n)
        self.keys[table].free += keys
        if keys:
            self._add(table, "delete", len(keys), ("", 0), lambda _: f"DELETE {table} FROM {table} FORCE INDEX (PRIMARY) "
                      f"WHERE {among(table, keys)};")

    def _payload(self):
        return self.rng.choice([
            ("NULL", 0),
            ("CONCAT('Zoë said \"ключ\\\\\" \\t\\n', CHAR(1), ' \U0001f511')", 0),
            ("left(sha2(rand(), 256), 32)", 32),
            ("left(sha2(rand(), 256), 32)", 32),
            ("repeat(left(sha2(rand(), 256), 32), 8)", 256),
            ("repeat(left(sha2(rand(), 256), 32), 100)", 3200),
        ])


class Writer(workload.Writer):
    TRANSACTION, SESSION = Transaction, Session
    LARGE = ("repeat(left(sha2(rand(), 256), 32), 32)", 1024)

    def make_hot_rows(self):
        rows = ", ".join(f"({i}, {9000 + i}, 0, 1, NULL)" for i in range(workload.HOT_ROWS))
        self.session.call(f"INSERT INTO hot VALUES {rows};")
        self.counts["hot", "insert"] += workload.HOT_ROWS
