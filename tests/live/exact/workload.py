"""The tables, and writers that change them at random: each by its own seed, each its own rows, and all of them
the rows of `hot`, under PostgreSQL's row locks."""
import collections
import copy
import math
import random
import subprocess

from verify import Table

TABLES = [
    Table("plain", ["id"]),
    Table("pair", ["b", "a"]),  # not in the columns' order
    Table("whole", ["id"], full=True),
    Table("hot", ["id"]),
]
HOT_ROWS = 8
COLUMNS = '"row" bigint NOT NULL, writer int NOT NULL, n int NOT NULL, payload text'
SCHEMA = f"""
CREATE TABLE plain (id bigint PRIMARY KEY, {COLUMNS});
CREATE TABLE pair (a int, b text, {COLUMNS}, PRIMARY KEY (b, a));
CREATE TABLE whole (id int PRIMARY KEY, {COLUMNS});
CREATE TABLE hot (id int PRIMARY KEY, {COLUMNS});
ALTER TABLE whole REPLICA IDENTITY FULL;
-- Out of line from 2 kB on, so that updates leave such values out of the log.
ALTER TABLE plain ALTER payload SET STORAGE EXTERNAL;
ALTER TABLE whole ALTER payload SET STORAGE EXTERNAL;
"""


def psql_command(database):
    return ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database]


def query(database, statement):
    return subprocess.run(psql_command(database) + ["-c", statement], check=True, encoding="utf-8",
                          stdout=subprocess.PIPE).stdout.strip()


class Session:
    """One psql that runs statements in order; call() waits for what they print."""

    def __init__(self, database):
        self.process = subprocess.Popen(psql_command(database), encoding="utf-8", bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def call(self, statements):
        self.process.stdin.write(statements + "\nSELECT 'done';\n")
        answer = self.process.stdout.readline()
        if answer != "done\n":
            raise RuntimeError(f"psql answered {answer!r}")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Keys:
    """Which keys of one table a writer's rows have now. A key is an integer; `pair` makes two columns of it."""

    def __init__(self, writer):
        self.live, self.free, self.fresh = [], [], writer

    def take(self, rng):
        """A key that no row has: sometimes one that a row had."""
        if self.free and rng.random() < 0.5:
            return self.free.pop(rng.randrange(len(self.free)))
        self.fresh += 4
        return self.fresh

    def pick(self, rng, n):
        """Removes up to n keys from the live ones."""
        n = min(n, len(self.live))
        rng.shuffle(self.live)
        picked, self.live = self.live[:n], self.live[n:]
        return picked


def array(values):
    return "'{" + ",".join(map(str, values)) + "}'::int[]"


def matches(table, key):
    return f"b = 'ключ \"' || {key}" if table == "pair" else f"id = {key}"


def moves_to(table, key):
    return f"a = {key} % 97, b = 'ключ \"' || {key}" if table == "pair" else f"id = {key}"


class Transaction:
    """Builds the SQL of one transaction, and what it does to the writer's keys and counts if it commits."""

    def __init__(self, writer):
        self.writer, self.rng = writer, writer.rng
        self.keys = copy.deepcopy(writer.keys)
        self.counts = collections.Counter(writer.counts)
        self.sql = ["BEGIN;"]
        self.least_bytes = 0  # what its events must take at least, by their payloads

    def insert(self, table, n, payload=None):
        if n == 0:
            return
        keys = [self.keys[table].take(self.rng) for _ in range(n)]
        self.keys[table].live += keys
        first = self.writer.rows(n)
        key = "k % 97, 'ключ \"' || k" if table == "pair" else "k"
        self._add(table, "insert", n, payload or self._payload(),
                  lambda value: f"INSERT INTO {table} SELECT {key}, {first} + i, {self.writer.number}, 1, {value} "
                                f"FROM unnest({array(keys)}) WITH ORDINALITY AS v(k, i);")

    def update(self, table, n, payload=None):
        keys = self.keys[table].pick(self.rng, n)
        self.keys[table].live += keys
        payload = payload or (self._payload() if self.rng.random() < 0.5 else ("payload", 0))
        self._add(table, "update", len(keys), payload,
                  lambda value: f"UPDATE {table} SET n = n + 1, writer = {self.writer.number}, payload = {value} "
                                f"FROM unnest({array(keys)}) AS v(k) WHERE {matches(table, 'k')};")

    def move(self, table, n, payload=None):
        old = self.keys[table].pick(self.rng, n)
        new = [self.keys[table].take(self.rng) for _ in old]
        self.keys[table].free += old
        self.keys[table].live += new
        self._add(table, "move", len(old), payload or ("payload", 0),
                  lambda value: f"UPDATE {table} SET n = n + 1, {moves_to(table, 'new')}, payload = {value} "
                                f"FROM unnest({array(old)}, {array(new)}) AS v(old, new) "
                                f"WHERE {matches(table, 'old')};")

    def delete(self, table, n):
        keys = self.keys[table].pick(self.rng, n)
        self.keys[table].free += keys
        self._add(table, "delete", len(keys), ("", 0),
                  lambda _: f"DELETE FROM {table} USING unnest({array(keys)}) AS v(k) WHERE {matches(table, 'k')};")

    def touch_hot(self):
        """Rows that all writers change, last in the transaction and in one order, as their locks stay."""
        for row in sorted(self.rng.sample(range(HOT_ROWS), self.rng.choice([0, 1, 1, 3]))):
            self._add("hot", "update", 1, ("", 0),
                      lambda _, row=row: f"UPDATE hot SET n = n + 1, writer = {self.writer.number} WHERE id = {row};")

    def change(self, n):
        """About n rows, by statements of random size."""
        while n > 0:
            table = self.rng.choice(["plain", "plain", "pair", "whole"])
            size = self.rng.randint(1, n)
            kind = self.rng.choice([self.insert, self.insert, self.update, self.update, self.update, self.move,
                                    self.delete])
            (self.update if kind == self.move and not self.writer.moves else kind)(table, size)
            n -= size

    def undone(self, n):
        """Work behind a savepoint that is rolled back."""
        keys, counts = copy.deepcopy(self.keys), collections.Counter(self.counts)
        least_bytes = self.least_bytes
        self.sql.append("SAVEPOINT s;")
        self.change(n)
        self.sql.append("ROLLBACK TO s;")
        self.keys, self.counts, self.least_bytes = keys, counts, least_bytes

    def _add(self, table, kind, n, payload, statement):
        value, size = payload
        self.sql.append(statement(value))
        self.counts[table, kind] += n
        self.least_bytes += n * size

    def _payload(self):
        """An SQL expression and the least size of its value."""
        return self.rng.choice([
            ("NULL", 0),
            ("E'Zoë said \"ключ\\\\\" \\t\\n\\x01 \U0001f511'", 0),
            ("md5(random()::text)", 32),
            ("md5(random()::text)", 32),
            ("repeat(md5(random()::text), 8)", 256),
            ("repeat(md5(random()::text), 100)", 3200),
        ])


class Writer:
    TRANSACTION, SESSION = Transaction, Session
    LARGE = ("repeat(md5(random()::text), 32)", 1024)

    def __init__(self, database, number, seed):
        self.number, self.rng = number, random.Random(f"{seed}/{number}")
        self.session = self.SESSION(database)
        self.keys = {table.name: Keys(number) for table in TABLES}
        self.counts = collections.Counter()  # (table, kind) -> committed
        self.last_row = 0
        self.moves = True  # whether keys are changed

    def rows(self, n):
        """Names for n new rows: they are this + 1, this + 2 …"""
        self.last_row += n
        return self.number * 10**9 + self.last_row - n

    def make_hot_rows(self):
        self.session.call(f"INSERT INTO hot SELECT i, 9000 + i, 0, 1, NULL FROM generate_series(0, {HOT_ROWS - 1}) i;")
        self.counts["hot", "insert"] += HOT_ROWS

    def touch(self):
        self.session.call("UPDATE hot SET n = n + 1 WHERE id = 0;")
        self.counts["hot", "update"] += 1

    def transact(self, most):
        """One transaction, mostly small, of up to about `most` rows."""
        transaction = self.TRANSACTION(self)
        transaction.change(int(10 ** self.rng.uniform(0, math.log10(most))))
        if self.rng.random() < 0.2:
            transaction.undone(self.rng.randint(1, 50))
            transaction.change(self.rng.randint(1, 20))
        transaction.touch_hot()
        if self.rng.random() < 0.1:
            self.session.call("\n".join(transaction.sql) + "ROLLBACK;")
        else:
            self.begin(transaction)
            self.commit(transaction)

    def begin(self, transaction):
        """Does the work of a transaction, which stays open."""
        self.session.call("\n".join(transaction.sql))

    def commit(self, transaction):
        self.session.call("COMMIT;")
        self.keys, self.counts = transaction.keys, transaction.counts

    def huge(self, rows=10000):
        """A transaction of all kinds of changes, 1 kB each."""
        payload = self.LARGE
        transaction = self.TRANSACTION(self)
        for _ in range(5):
            for table in ["plain", "pair"]:
                transaction.insert(table, rows // 20, payload)
                transaction.update(table, rows // 40, payload)
                transaction.move(table, rows // 40, payload)
        return transaction

    def mass_move(self, rows=8000):
        """Key changes and nothing else, of rows that were inserted just before."""
        payload = self.LARGE
        made = self.TRANSACTION(self)
        for table in ["plain", "pair", "whole"]:
            made.insert(table, rows // 2)
        self.begin(made)
        self.commit(made)
        transaction = self.TRANSACTION(self)
        for table in ["plain", "pair", "whole", "plain"]:
            transaction.move(table, rows // 4, payload)
        return transaction
