#!/usr/bin/env python3
"""The judge of snapshots must catch each fault that it is there for, and no other. TAP on standard output.

A model of a snapshot makes the records: random transactions change a table, ranges of its keys are read at random
moments among them, and of the log comes what the range's reading did not contain."""
import copy
import json
import random
import sys

from snapshot_verify import Change, verify
from snapshot_workload import INT, Table
from verify import NEW_KEY, OLD_KEY, Record

STRICT, FULL, AGAIN = Table("t", [INT]), Table("t", [INT], full=True), Table("t", [INT], once=False)
TRUNCATED = Table("t", [INT], truncated=True)
RANGES = 4
KEYS = 40


def key_text(key):
    return None if key is None else json.dumps({"id": key})


class Model:
    """transactions: lists of (op, key, other, row); those of phase 0, 1, 2 in order."""

    def __init__(self, table, seed, truncates=False):
        self.table, self.rng = table, random.Random(seed)
        self.live = {}  # key -> row's columns
        self.rows = 0
        self.history = []
        self.states = []  # after each transaction: key -> row
        self.borders = [0]  # the first transaction of phases 1 and 2
        for phase, length in enumerate([6, 25, 8]):
            for _ in range(length):
                self.transact(phase, truncates and self.rng.random() < 0.1)
            self.borders.append(len(self.states))
        first, last = self.borders[1], self.borders[2]
        self.views = sorted(self.rng.randint(first, last) for _ in range(RANGES))  # how many transactions each saw
        self.final = dict(self.live)

    def transact(self, phase, truncate):
        tx = len(self.states) + 1
        if truncate:
            self.change(phase, tx, "t", None, None, {"row": None, "n": None})
            for key, row in self.live.items():
                self.change(phase, tx, "T", key, None, row)
            self.live = {}
        touched = set()
        for _ in range(0 if truncate else 6 if phase == 0 else self.rng.randint(1, 3)):
            kind = self.rng.choice(["insert", "insert", "update", "update", "move", "delete"])
            key = self.rng.choice([k for k in range(KEYS) if (k in self.live) == (kind != "insert")] or [None])
            if key is None or key in touched:
                continue
            touched.add(key)
            getattr(self, kind)(phase, tx, key, touched)
        self.states.append({k: dict(v) for k, v in self.live.items()})

    def change(self, phase, tx, op, key, other, row):
        self.history.append(Change(len(self.history) + 1, op, key_text(key), key_text(other), row["row"], row["n"], tx,
                                   phase))

    def insert(self, phase, tx, key, _):
        self.rows += 1
        self.live[key] = {"id": key, "row": self.rows, "n": 1, "payload": "p"}
        self.change(phase, tx, "c", key, None, self.live[key])

    def update(self, phase, tx, key, _):
        self.live[key] = self.live[key] | {"n": self.live[key]["n"] + 1}
        self.change(phase, tx, "u", key, None, self.live[key])

    def move(self, phase, tx, key, touched):
        new = next((k for k in self.rng.sample(range(KEYS), KEYS) if k not in self.live and k not in touched), None)
        if new is None:
            return
        touched.add(new)
        row = self.live.pop(key)
        self.change(phase, tx, "d", key, new, row)
        self.live[new] = row | {"id": new, "n": row["n"] + 1}
        self.change(phase, tx, "c", new, key, self.live[new])

    def delete(self, phase, tx, key, _):
        self.change(phase, tx, "d", key, None, self.live.pop(key))

    # ---- what a consumer gets

    def view(self, key):
        """How many transactions the reading of this key's range saw."""
        return self.views[key * RANGES // KEYS]

    def read(self, key, view):
        row = self.states[view - 1].get(key)
        return [] if row is None else [self.record("r", key, row, {}, 1, view)]

    def record(self, op, key, row, headers, lsn, tx):
        gone = dict.fromkeys(row, 0) | {"id": key} if op == "d" and not self.table.full else dict(row)
        before, after = (gone, None) if op == "d" else (None, dict(row))
        return Record(0, 0, key_text(key), headers,
                      {"before": before, "after": after, "op": op,
                       "source": {"table": "t", "lsn": lsn, "txId": tx, "snapshot": "true" if op == "r" else "false"}})

    def log(self, changes):
        records = []
        for c in changes:
            if c.op == "T":
                continue
            key = None if c.key is None else json.loads(c.key)["id"]
            if c.op == "t":
                record = self.record("t", None, {}, {}, 100 + c.at, c.tx)
                record.value["after"] = None
                records.append(record)
                continue
            headers = {} if c.other is None else {NEW_KEY if c.op == "d" else OLD_KEY: c.other}
            row = {"id": key, "row": c.row, "n": c.n, "payload": "p"}
            records.append(self.record(c.op, key, row, headers, 100 + c.at, c.tx))
            if c.op == "d":
                records.append(Record(0, 0, c.key, headers, None))
        return records

    def dropped(self, change, truncate_at=None):
        if change.key is None or truncate_at and change.at > truncate_at:
            return change.tx <= (min(self.views) if change.key is None else 0)
        return change.tx <= self.view(json.loads(change.key)["id"])

    def records(self):
        kept = [c for c in self.history if not self.dropped(c)]
        truncate_at = next((c.at for c in kept if c.op == "t"), None) if self.table.truncated else None
        kept = [c for c in self.history if not self.dropped(c, truncate_at)]
        if not self.table.truncated:
            kept = [c for c in kept if c.op != "t"]
        return [r for key in range(KEYS) for r in self.read(key, self.view(key))] + self.log(kept)

    def fault(self, records, at_least_once=False):
        rows = {key_text(key): {c: row[c] for c in ("row", "n", "payload")} for key, row in self.final.items()}
        return verify(self.table, records, self.history, rows, at_least_once, self.table.truncated)


def models(*tables, truncates=False):
    for seed in range(12):
        for table in tables or (STRICT, FULL):
            yield Model(table, seed, truncates)


def without(records, i):
    """And without the tombstone that is there for it."""
    more = 1 + (records[i].value is not None and records[i].value["op"] == "d")
    return records[:i] + records[i + more:]


def places(records, ops):
    return [i for i, r in enumerate(records) if r.value is not None and r.value["op"] in ops]


def faultless():
    return all(m.fault(m.records()) is None for m in models(STRICT, FULL, AGAIN))


def a_row_lost():
    """But for one that the log deletes: to have no such row is to have it deleted."""
    for m in models():
        records = m.records()
        for i in places(records, "r"):
            following = next((r for r in records[i + 1:] if r.key == records[i].key), None)
            if not m.fault(without(records, i)):
                return False
            assert following is None or following.value["op"] != "r"
    return True


def a_row_doubled():
    for m in models():
        records = m.records()
        for i in places(records, "r"):
            if not m.fault(records[:i + 1] + records[i:]):
                return False
    return True


def a_change_dropped():
    """Of the whole life of a row in phase 1 nobody can tell, if nothing else of its key came."""
    for m in models():
        records = m.records()
        for i in places(records, "cud"):
            if not m.fault(without(records, i)) and records[i].value["op"] != "d":
                key = [r for r in records if r.key == records[i].key and r.value is not None]
                if key[0] is not records[i] or len(key) < 2 or key[1].value["op"] != "c":
                    return False
    return True


def a_change_repeated():
    for m in models():
        records = m.records()
        for i in places(records, "cud"):
            more = 2 if records[i].value["op"] == "d" else 1
            if not m.fault(records[:i + more] + records[i:]):
                return False
    return True


def a_change_that_the_row_contains():
    """The view is judged too old."""
    for m in models():
        for key in {r.key for r in m.records() if r.value and r.value["op"] == "r"}:
            contained = [c for c in m.history if c.key == key and m.dropped(c)]
            records = m.records()
            first = next((i for i in places(records, "cud")), len(records))
            if not m.fault(records[:first] + m.log(contained[-1:]) + records[first:]):
                return False
    return True


def a_view_taken_for_a_later_one():
    """Changes between two views' moments are dropped in the older one's range."""
    seen = 0
    for m in models():
        records = m.records()
        m.views = [m.views[0], m.views[2], *m.views[2:]]
        wrong = m.records()
        reads = [r for r in records if r.value and r.value["op"] == "r"]
        mixed = reads + [r for r in wrong if r.value is None or r.value["op"] != "r"]
        if sum(r.value is not None for r in mixed) != sum(r.value is not None for r in records):
            seen += 1
            if not m.fault(mixed):
                return False
    return seen > 5


def a_key_change_judged_as_one():
    """Across a border: the create by the range of the delete."""
    seen = 0
    for m in models():
        judge = m.dropped
        m.dropped = lambda c, _=None, m=m, judge=judge: \
            c.tx <= m.view(json.loads(c.other)["id"]) if c.op == "c" and c.other else judge(c)
        if any(m.dropped(c) != judge(c) for c in m.history if c.key):
            seen += 1
            if not m.fault(m.records()):
                return False
    return seen > 5


def a_deleted_row_resurrected():
    """It was read before its delete, which was dropped; or it is read again after it."""
    seen = 0
    for m in models(STRICT, AGAIN):
        records = m.records()
        for i in places(records, "d"):
            if any(r.key == records[i].key and r.value is not None for r in records[i + 1:]):
                continue
            seen += 1
            if not m.fault(without(records, i)) and any(r.key == records[i].key for r in records[:i]):
                return False
    return seen > 20


def a_life_after_the_snapshot_lost():
    for m in models():
        records = m.records()
        late = {c.key for c in m.history if c.phase == 2} - {c.key for c in m.history if c.phase < 2}
        for key in late:
            if not m.fault([r for r in records if r.key != key]):
                return False
    return True


def another_row_or_column():
    for m in models():
        records = m.records()
        for i in places(records, "rcu"):
            for column, value in (("n", 70), ("row", 7000)):
                wrong = copy.deepcopy(records)
                wrong[i].value["after"][column] = value
                if not m.fault(wrong):
                    return False
    return True


def a_header_missing():
    for m in models(STRICT):
        records = m.records()
        for i in places(records, "cd"):
            if records[i].headers:
                wrong = copy.deepcopy(records)
                wrong[i].headers.clear()
                if not m.fault(wrong):
                    return False
    return True


def a_tombstone_missing():
    for m in models(STRICT):
        records = m.records()
        if any(not m.fault(records[:i + 1] + records[i + 2:]) for i in places(records, "d")):
            return False
    return True


def begun_again(m, drops_by_the_last):
    """The table is read from its beginning in an older view, up to a kill, then whole in a later one."""
    m.views = [m.rng.randint(m.borders[1], m.borders[2])] * RANGES
    old = m.rng.randint(m.borders[1], m.views[0])
    killed = m.rng.randint(0, KEYS)
    reads = [r for key in range(killed) for r in m.read(key, old)]
    reads += [r for key in range(KEYS) for r in m.read(key, m.views[0])]
    return reads + m.log([c for c in m.history if c.tx > (m.views[0] if drops_by_the_last else old) and c.op != "t"])


def begun_again_is_right():
    return all(m.fault(begun_again(m, False)) is None for m in models(AGAIN))


def begun_again_keeps_the_dead():
    """What the first reading gave and was deleted before the second."""
    faults = 0
    for m in models(AGAIN):
        records = begun_again(m, True)
        wrong = {r.key for r in records if r.value is not None and r.value["op"] == "r"}
        fault = m.fault(records)
        faults += fault is not None
        assert wrong
    return faults > 5


def begun_again_with_faults():
    """Of the log: dropped, but for the first of a key where a later reading has it, or repeated."""
    for m in models(AGAIN):
        records = begun_again(m, False)
        for i in places(records, "cu"):
            earlier = [r for r in records[:i] if r.key == records[i].key and r.value is not None]
            first = not earlier or earlier[-1].value["op"] == "r"
            if not first and not m.fault(without(records, i)):
                return False
            if not m.fault(records[:i + 1] + records[i:]):
                return False
    return True


def repeats(m):
    """Delivered at least once: a piece of the reading again, then a piece of the log again."""
    records = m.records()
    log = places(records, "cudt")
    first = log[0] if log else len(records)
    at = m.rng.randint(0, first)
    cut = m.rng.choice(log + [len(records)])
    back = m.rng.choice([i for i in log if i <= cut] or [cut])
    return records[:first] + records[at:first] + records[first:cut] + records[back:]


def at_least_once():
    return all(m.fault(repeats(m), True) is None for m in models())


def at_least_once_with_a_loss():
    """What nothing later covers: the last of a key."""
    for m in models():
        records = repeats(m)
        for key in {c.key for c in m.history if c.phase == 2}:
            last = max((i for i in places(records, "rcud") if records[i].key == key), default=None)
            if last is None:
                return False
            same = [r for r in records if r.value == records[last].value and r.key == key]
            if len(same) == 1 and not m.fault(without(records, last), True):
                return False
    return True


def at_least_once_ending_in_the_past():
    for m in models():
        records = m.records()
        for i in places(records, "cu"):
            later = [r for r in records[i + 1:] if r.key == records[i].key and r.value is not None]
            if later and not m.fault(records + [records[i]], True):
                return False
    return True


def truncated():
    return all(m.fault(m.records()) is None for m in models(TRUNCATED, truncates=True))


def truncated_and_dropped_as_before():
    """After a TRUNCATE in the log, what is visible in a later view is dropped although the TRUNCATE took it."""
    seen = 0
    for m in models(TRUNCATED, truncates=True):
        right = m.records()
        judge = m.dropped
        m.dropped = lambda c, _=None, judge=judge: judge(c)
        wrong = m.records()
        if len(wrong) != len(right):
            seen += 1
            if not m.fault(wrong):
                return False
    return seen > 3


def a_truncate_lost_or_doubled():
    for m in models(TRUNCATED, truncates=True):
        records = m.records()
        for i in places(records, "t"):
            if not m.fault(records[:i + 1] + records[i:]):
                return False
            late = [c for c in m.history if c.op == "t" and c.phase == 2]
            if late and not m.fault([r for r in records if r.value is None or r.value["source"]["txId"] != late[-1].tx]):
                return False
    return True


TESTS = [faultless, a_row_lost, a_row_doubled, a_change_dropped, a_change_repeated, a_change_that_the_row_contains,
         a_view_taken_for_a_later_one, a_key_change_judged_as_one, a_deleted_row_resurrected,
         a_life_after_the_snapshot_lost, another_row_or_column, a_header_missing, a_tombstone_missing,
         begun_again_is_right, begun_again_keeps_the_dead, begun_again_with_faults, at_least_once,
         at_least_once_with_a_loss, at_least_once_ending_in_the_past, truncated, truncated_and_dropped_as_before,
         a_truncate_lost_or_doubled]


def main():
    print(f"1..{len(TESTS)}")
    failed = 0
    for number, test in enumerate(TESTS, 1):
        ok = test()
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {number} - {test.__name__.replace('_', ' ')}", flush=True)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
