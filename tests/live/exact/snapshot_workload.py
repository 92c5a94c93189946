"""Tables with keys of all kinds, and writers that change them while they are read.

A row's key is a function of its `slot`, a small number, such that the keys' order has nothing to do with the slots':
a key change moves a row anywhere. Each writer has its own slots. Triggers keep, in the writers' own transactions,
the `audit`: what really happened to each key, and in which phase: 0 before the pipeline began, 1 while the snapshot
may be read, 2 in transactions begun after it was through.
"""
import dataclasses
import random
import re

from workload import Session

WRITERS = 3


@dataclasses.dataclass
class Column:
    name: str
    type: str
    value: str  # SQL, of the slot i
    event: str = "{}"  # SQL: the column as events have it


@dataclasses.dataclass
class Table:
    name: str
    key: list  # Columns, in the key's order
    slots: int = 5000
    full: bool = False  # REPLICA IDENTITY FULL
    once: bool = True  # its order can be told, so that no row is read twice
    truncated: bool = False
    leaves: tuple = ()
    storage: str = "EXTERNAL"

    def topics(self):
        return self.leaves or (self.name,)


BIGINT = Column("id", "bigint", "CASE i WHEN 0 THEN -9223372036854775808 WHEN 1 THEN 9223372036854775807 "
                                "ELSE (i * 2654435761 % 4294967296 - 2147483648) * 4294967291 END")
# Dense about 0, and a tenth of them far away.
INT = Column("id", "int", "CASE WHEN i % 10 = 0 THEN 2147483647 - i ELSE i * 7919 % 6007 - 3000 END")
SMALLINT = Column("c", "smallint", "i * 7919 % 6007 % 3 - 1")
UUID = Column("id", "uuid", "md5(i::text)::uuid")
DATE = Column("id", "date", "DATE '1970-01-01' + ((i * 7919 % 6007) * 31 - 90000)::int", "({} - DATE '1970-01-01')")
TIMESTAMP = Column("id", "timestamptz",
                   "CASE i WHEN 0 THEN '-infinity' WHEN 1 THEN 'infinity' ELSE timestamptz '2000-01-01 00:00:00+02' "
                   "+ (i * 7919 % 6007 - 3000) * interval '7 days 1.000001 s' END",
                   "CASE WHEN isfinite({0}) THEN to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') "
                   "ELSE {0}::text END")
BYTES = Column("b", "bytea", "CASE i WHEN 0 THEN '' ELSE int4send((i * 2654435761 % 4294967296 - 2147483648)::int) "
                             "|| decode(repeat('00', (i % 3)::int), 'hex') END", "encode({}, 'base64')")
TEXT = Column("id", "text", "(ARRAY['é', 'E', 'e', '-', 'ключ ', ''])[i * 7919 % 6007 % 6 + 1] || i")

TABLES = [
    Table("k_bigint", [BIGINT]),
    Table("k_int", [INT]),
    Table("k_uuid", [UUID]),
    Table("k_date", [DATE]),
    Table("k_timestamptz", [TIMESTAMP]),
    Table("k_bytea", [BYTES]),
    Table("k_pair", [SMALLINT, dataclasses.replace(BIGINT, name="a")]),  # not in the columns' order; few values first
    Table("k_triple", [SMALLINT, dataclasses.replace(DATE, name="b"), dataclasses.replace(BYTES, name="a")]),
    Table("k_whole", [INT], full=True),
    Table("k_text", [dataclasses.replace(TEXT, type='text COLLATE "en-x-icu"')], slots=1500, once=False),
    Table("k_text_c", [SMALLINT, dataclasses.replace(TEXT, type='text COLLATE "C"')], slots=1500, once=False),
    Table("k_none", [], slots=1500, full=True, once=False),
    Table("small", [INT], slots=90, truncated=True),
    Table("parted", [INT], leaves=("parted_low", "parted_middle", "parted_high")),
]
OWN = 'slot int NOT NULL, "row" bigint NOT NULL, n int NOT NULL, payload text'


def table_schema(table):
    columns = ", ".join(f"{c.name} {c.type}" for c in sorted(table.key, key=lambda c: c.name))
    key = f", PRIMARY KEY ({', '.join(c.name for c in table.key)})" if table.key else ""
    sql = [f"CREATE TABLE {table.name} ({columns}{', ' if columns else ''}{OWN}{key})"]
    if table.leaves:
        sql[0] += " PARTITION BY RANGE (id)"
        borders = ["MINVALUE", "-1000", "1500", "MAXVALUE"]
        sql += [f"CREATE TABLE {leaf} PARTITION OF {table.name} FOR VALUES FROM ({low}) TO ({high})"
                for leaf, low, high in zip(table.leaves, borders, borders[1:])]
    for name in table.topics():
        sql.append(f"CREATE INDEX ON {name} (slot)")
        sql.append(f"ALTER TABLE {name} ALTER payload SET STORAGE EXTERNAL")
        if table.full:
            sql.append(f"ALTER TABLE {name} REPLICA IDENTITY FULL")
    if table.truncated:
        sql.append(f"ALTER TABLE {table.name} ADD extra int")
    return sql + audit_triggers(table)


def audit_triggers(table):
    def key(row):
        columns = table.key or [Column("row", "bigint", "")]
        return "jsonb_build_object(" + ", ".join(
            f"'{c.name}', " + c.event.format(f'{row}."{c.name}"') for c in columns) + ")"

    return [f"""
CREATE FUNCTION audit_{table.name}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    old_key jsonb; new_key jsonb;
    phase int := coalesce(nullif(current_setting('exact.phase', true), ''), '1');
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO audit (tbl, op, phase) VALUES (TG_TABLE_NAME, 't', phase);
        INSERT INTO audit (tbl, op, key, "row", n, phase)
            SELECT TG_TABLE_NAME, 'T', {key("r")}, r."row", r.n, phase FROM {table.name} r;
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN old_key := {key("OLD")}; END IF;
    IF TG_OP <> 'DELETE' THEN new_key := {key("NEW")}; END IF;
    IF old_key = new_key THEN
        INSERT INTO audit (tbl, op, key, "row", n, phase) VALUES (TG_TABLE_NAME, 'u', new_key, NEW."row", NEW.n, phase);
        RETURN NULL;
    END IF;
    IF old_key IS NOT NULL THEN
        INSERT INTO audit (tbl, op, key, other, "row", n, phase)
            VALUES (TG_TABLE_NAME, 'd', old_key, new_key, OLD."row", OLD.n, phase);
    END IF;
    IF new_key IS NOT NULL THEN
        INSERT INTO audit (tbl, op, key, other, "row", n, phase)
            VALUES (TG_TABLE_NAME, 'c', new_key, old_key, NEW."row", NEW.n, phase);
    END IF;
    RETURN NULL;
END $$""", f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table.name} FOR EACH ROW "
           f"EXECUTE FUNCTION audit_{table.name}()"] + ([
               f"CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON {table.name} "
               f"EXECUTE FUNCTION audit_{table.name}()"] if table.truncated else [])


SCHEMA = ";\n".join([
    "SET client_min_messages = warning",
    'CREATE TABLE audit (at bigserial PRIMARY KEY, tbl text, op text, key jsonb, other jsonb, "row" bigint, n int, '
    "phase int, tx bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint)",
    "CREATE SEQUENCE rows",
    "CREATE TABLE pulse (id int PRIMARY KEY, n int)",
    "INSERT INTO pulse VALUES (0, 0)",
    *(statement for table in TABLES for statement in table_schema(table)),
]) + ";\n"


def of_slot(column, slot):
    return re.sub(r"\bi\b", slot, column.value)


def insert(table, slots, payload):
    """slots: SQL that gives them as i."""
    key, column = ("".join(c.value + ", " for c in table.key), "".join(c.name + ", " for c in table.key)) if table.key else ("", "")
    return f'INSERT INTO {table.name} ({column}slot, "row", n, payload) ' \
           f"SELECT {key}i, nextval('rows'), 1, {payload} FROM ({slots}) s;"


def fill():
    """What the tables hold before anything is read."""
    return "SET exact.phase = '0';\n" + "\n".join(
        insert(table, f"SELECT i FROM generate_series(0, {table.slots - 1}::bigint) i WHERE i * 37 % 100 < 55",
               "CASE WHEN i % 50 = 0 THEN repeat(md5(i::text), 80) ELSE md5(i::text) END")
        for table in TABLES) + "\nANALYZE;\n"


class Writer:
    def __init__(self, database, number, seed, truncates):
        self.number, self.truncates = number, truncates
        self.rng = random.Random(f"{seed}/{number}")
        self.session = Session(database)
        self.phase = 1

    def transact(self):
        """One transaction of a few statements, mostly small."""
        if self.number == 0 and self.truncates and self.rng.random() < 0.04:
            self.session.call(f"SET exact.phase = '{self.phase}'; TRUNCATE small;")
        elif self.number == 0 and self.rng.random() < 0.03:
            kind = self.rng.choice(["bigint", "int"])
            self.session.call(f"ALTER TABLE small ALTER extra TYPE {kind};")
        statements = [f"SET exact.phase = '{self.phase}'", "BEGIN"]
        statements += [self.statement() for _ in range(self.rng.choice([1, 1, 2, 3]))]
        if self.rng.random() < 0.15:
            statements += ["SAVEPOINT s", self.statement(), "ROLLBACK TO s", self.statement()]
        statements.append(self.rng.choice(["COMMIT"] * 9 + ["ROLLBACK"]))
        self.session.call(";\n".join(statements) + ";")

    def statement(self):
        table = self.rng.choice(TABLES)
        n = min(int(10 ** self.rng.uniform(0, 2.2)), table.slots // 10)
        kind = self.rng.choice([self.insert, self.update, self.update, self.move, self.move, self.delete])
        return kind(table, n)

    def live(self, table, n):
        return f"SELECT slot FROM {table.name} WHERE slot % {WRITERS} = {self.number} ORDER BY random() LIMIT {n}"

    def free(self, table, n):
        return f"SELECT i FROM generate_series({self.number}, {table.slots - 1}::bigint, {WRITERS}) i " \
               f"WHERE i NOT IN (SELECT slot FROM {table.name}) ORDER BY random() LIMIT {n}"

    def payload(self):
        return self.rng.choice(["NULL", "md5(random()::text)", "md5(random()::text)",
                                "repeat(md5(random()::text), 80)"])

    def insert(self, table, n):
        return insert(table, self.free(table, n), self.payload()).rstrip(";")

    def update(self, table, n):
        payload = self.rng.choice(["payload", self.payload()])
        return f"UPDATE {table.name} SET n = n + 1, payload = {payload} WHERE slot IN ({self.live(table, n)})"

    def move(self, table, n):
        key = "".join(f"{c.name} = {of_slot(c, 'f.i')}, " for c in table.key)
        return f"UPDATE {table.name} t SET {key}slot = f.i, n = n + 1 FROM " \
               f"(SELECT slot, row_number() OVER () AS r FROM ({self.live(table, n)}) a) o JOIN " \
               f"(SELECT i, row_number() OVER () AS r FROM ({self.free(table, n)}) b) f USING (r) " \
               f"WHERE t.slot = o.slot"

    def delete(self, table, n):
        return f"DELETE FROM {table.name} WHERE slot IN ({self.live(table, n)})"
