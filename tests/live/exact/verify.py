"""Judges what a consumer saw of a table whose rows carry a counter.

Each row of a table has `row`, its name for life, and `n`, which is 1 after the insert and one more after each
update, a change of the key included. So a lost, doubled or misplaced event shows as a counter that does not run
1, 2, 3 …; a lost delete or tombstone shows too, and the state that the events lead to must equal the table.

In a topic with several partitions only the order within a partition counts. The two halves of a key change may
lie in different ones: the create waits for its delete.
"""
import collections
import dataclasses
import json

UNAVAILABLE = "__debezium_unavailable_value"  # a large value that the update did not touch
NEW_KEY, OLD_KEY = "__debezium.newkey", "__debezium.oldkey"


@dataclasses.dataclass
class Table:
    name: str
    key: list  # the key's columns, in the key's order
    full: bool = False  # REPLICA IDENTITY FULL


@dataclasses.dataclass
class Record:
    """One Kafka record. key and the headers' values are JSON text, value is parsed, None for a tombstone."""
    partition: int
    offset: int
    key: str
    headers: dict
    value: dict

    def __str__(self):
        at = f"{self.partition}@{self.offset} {self.key}"
        for name, key in self.headers.items():
            at += f" {name.removeprefix('__debezium.')}={key}"
        if self.value is None:
            return f"{at} tombstone"
        row = self.value["after"] or self.value["before"] or {}
        source = self.value["source"]
        return f"{at} {self.value['op']} row={row.get('row')} n={row.get('n')} " \
               f"tx={source.get('txId')} lsn={source.get('lsn')}"


def canonical(key_text):
    """Keys are compared as what they say: the members' order is checked apart."""
    return json.dumps(json.loads(key_text), sort_keys=True)


class Fault(Exception):
    pass


class Replay:
    """Applies one table's records in order and raises Fault at the first that cannot follow."""

    def __init__(self, table):
        self.table = table
        self.rows = {}  # canonical key -> the row's columns
        self.born = set()  # each `row` that was ever inserted
        self.moving = collections.defaultdict(collections.deque)  # (old key, new key) -> rows on their way
        self.counts = collections.Counter()

    def is_waiting(self, record):
        """Whether this create needs a delete that has not come yet."""
        if record.value is None or OLD_KEY not in record.headers:
            return False
        return not self.moving[self._move(record)]

    @staticmethod
    def _move(record):
        if OLD_KEY in record.headers:
            return canonical(record.headers[OLD_KEY]), canonical(record.key)
        return canonical(record.key), canonical(record.headers[NEW_KEY])

    def apply(self, record):
        if list(json.loads(record.key)) != self.table.key:
            raise Fault(f"the key's columns are not {self.table.key}")
        if record.value["source"]["table"] != self.table.name:
            raise Fault(f"source.table is {record.value['source']['table']}")
        op = record.value["op"]
        if op == "c":
            self._create(record)
        elif op == "u":
            self._update(record)
        elif op == "d":
            self._delete(record)
        else:
            raise Fault(f"unexpected op {op}")

    def _create(self, record):
        key, after = canonical(record.key), record.value["after"]
        self._check_key(key, after)
        if key in self.rows:
            raise Fault("created, but it is there")
        if record.value["before"] is not None:
            raise Fault("a create with a before")
        if OLD_KEY in record.headers:
            self.rows[key] = self._next(self.moving[self._move(record)].popleft(), after)
            self.counts["move"] += 1
            return
        if after["n"] != 1:
            raise Fault("a row that begins with another count than 1")
        if after["row"] in self.born:
            raise Fault("this row was inserted before")
        self.born.add(after["row"])
        self.rows[key] = after
        self.counts["insert"] += 1

    def _update(self, record):
        key, after, old = canonical(record.key), record.value["after"], self._row(record)
        self._check_key(key, after)
        if record.headers:
            raise Fault("an update with headers")
        if record.value["before"] != (old if self.table.full else None):
            raise Fault(f"before is not {old if self.table.full else None}")
        self.rows[key] = self._next(old, after)
        self.counts["update"] += 1

    def _delete(self, record):
        key, before, old = canonical(record.key), record.value["before"], self._row(record)
        self._check_key(key, before)
        if record.value["after"] is not None:
            raise Fault("a delete with an after")
        if self.table.full and before != old:
            raise Fault(f"before is not {old}")
        del self.rows[key]
        if NEW_KEY in record.headers:
            self.moving[self._move(record)].append(old)
        else:
            self.counts["delete"] += 1

    def _row(self, record):
        if canonical(record.key) not in self.rows:
            raise Fault("there is no such row at this point")
        return self.rows[canonical(record.key)]

    def _check_key(self, key, row):
        if json.dumps({column: row[column] for column in self.table.key}, sort_keys=True) != key:
            raise Fault("the row has another key than the record")

    def _next(self, old, after):
        after = {c: old[c] if v == UNAVAILABLE and not self.table.full else v for c, v in after.items()}
        if after["row"] != old["row"]:
            raise Fault(f"row {old['row']} became row {after['row']}")
        if after["n"] != old["n"] + 1:
            raise Fault(f"the count went from {old['n']} to {after['n']}")
        return after


class Queue:
    """One partition's records, each delete with its tombstone right behind it."""

    def __init__(self, records):
        self.records = records
        self.at = 0

    def head(self):
        return self.records[self.at] if self.at < len(self.records) else None

    def pop(self):
        record = self.records[self.at]
        self.at += 1
        if record.value is None:
            raise Fault("a tombstone without a delete in front of it")
        if record.value["op"] == "d":
            tombstone = self.head()
            if tombstone is None or tombstone.value is not None or tombstone.key != record.key \
                    or tombstone.headers != record.headers:
                raise Fault(f"a delete without its tombstone; behind it: {tombstone}")
            self.at += 1


def replay(table, records):
    """Applies all records. Returns the Replay, and a text with the fault, or None."""
    partition_of, partitions, state = {}, collections.defaultdict(list), Replay(table)
    for record in records:
        if partition_of.setdefault(record.key, record.partition) != record.partition:
            return state, describe(table, records, record, "this key has been in another partition")
        partitions[record.partition].append(record)
    queues = [Queue(partition) for partition in partitions.values()]
    moved = True
    while moved:
        moved = False
        for queue in queues:
            while queue.head() is not None and not state.is_waiting(queue.head()):
                record = queue.head()
                try:
                    queue.pop()
                    state.apply(record)
                except Fault as fault:
                    return state, describe(table, records, record, str(fault))
                moved = True
    for queue in queues:
        if queue.head() is not None:
            return state, describe(table, records, queue.head(), "its other half, a delete, never came")
    for (old, new), rows in state.moving.items():
        if rows:
            return state, f"{table.name}: the move {old} to {new} has no create"
    return state, None


def describe(table, records, record, fault):
    """The fault with all that happened to the row's keys."""
    keys, row = set(), record.value and (record.value["after"] or record.value["before"]).get("row")
    for other in records:
        if other is record or row and other.value and (other.value["after"] or {}).get("row") == row:
            keys.update({other.key, *other.headers.values()})
    history = [f"  {other}" for other in records if other.key in keys]
    return "\n".join([f"{table.name}: {fault}", f"  at {record}", "its keys' records:", *history[-60:]])


def verify(table, records, rows, counts):
    """None, or what is wrong. records: in offset order within each partition; rows: the table's contents;
    counts: how many insert, update, move, delete were committed."""
    state, fault = replay(table, records)
    if fault:
        return fault
    wanted = {json.dumps({c: row[c] for c in table.key}, sort_keys=True): row for row in rows}
    for key in wanted.keys() | state.rows.keys():
        if wanted.get(key) != state.rows.get(key):
            history = [f"  {r}" for r in records if canonical(r.key) == key]
            return "\n".join([f"{table.name}: {key} is {str(wanted.get(key))[:400]} in the table",
                              f"  and {str(state.rows.get(key))[:400]} by the events", *history[-60:]])
    if state.counts != collections.Counter(counts):
        return f"{table.name}: {dict(state.counts)} were seen, {dict(counts)} were committed"
    return None


def identities(records):
    """What makes an event the same in each delivery; a tombstone is the one of the delete before it."""
    last = None
    for record in records:
        if record.value is None:
            yield record.key, "tombstone", last
            continue
        source, row = record.value["source"], record.value["after"] or record.value["before"]
        last = (record.key, record.value["op"], source["lsn"], source["txId"], row.get("n"))
        yield last


def collapse(table, records, restarts):
    """For delivery at least once: the records without their repeats, and a text with the fault, or None.

    A partition may only repeat as a restart does it: it goes back to an event it has, and from there on gives
    every event again, in order, before any new one."""
    partitions = collections.defaultdict(list)
    for record in records:
        partitions[record.partition].append(record)
    once = []
    for partition in partitions.values():
        index, at, jumps = {}, -1, 0
        for record, identity in zip(partition, identities(partition)):
            known = index.get(identity)
            if known is None:
                if at != len(index) - 1:
                    return once, describe(table, records, record, "a new event before all repeats were through")
                known = index[identity] = len(index)
                once.append(record)
            elif known > at + 1:
                return once, describe(table, records, record, "a repeat that leaves events out")
            elif known <= at:
                jumps += 1
            at = known
        if at != len(index) - 1:
            return once, f"{table.name}: a repeat that stops before its end"
        if jumps > restarts:
            return once, f"{table.name}: {jumps} repeats, but {restarts} restarts"
    return once, None
