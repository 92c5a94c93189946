#!/usr/bin/env python3
"""The verifier must catch each fault that it is there for, and no other. TAP on standard output."""
import copy
import json
import random
import sys

from verify import NEW_KEY, OLD_KEY, UNAVAILABLE, Record, Table, collapse, verify

PLAIN, WHOLE = Table("t", ["id"]), Table("t", ["id"], full=True)


class Stream:
    """The records of random changes to a table, and the table."""

    def __init__(self, table, seed, changes=40, partitions=3):
        self.table, self.partitions, self.rng = table, partitions, random.Random(seed)
        self.records, self.rows = [], {}
        self.counts = dict.fromkeys(["insert", "update", "move", "delete"], 0)
        self.last_row = self.last_key = 0
        for _ in range(changes):
            kind = self.rng.choice(["insert", "insert", "update", "update", "update", "move", "delete"])
            if kind == "insert" or self.rows:
                getattr(self, kind)()
                self.counts[kind] += 1

    def insert(self):
        self.last_row += 1
        key = self.rng.choice([k for k in range(1, self.last_key + 2) if k not in self.rows])
        self.last_key = max(key, self.last_key)
        self.rows[key] = {"id": key, "row": self.last_row, "n": 1, "payload": "p"}
        self.emit("c", key, None, self.rows[key])

    def update(self):
        key = self.rng.choice(list(self.rows))
        before = self.rows[key]
        self.rows[key] = before | {"n": before["n"] + 1}
        full = self.table.full
        self.emit("u", key, before if full else None, self.rows[key] | ({} if full else {"payload": UNAVAILABLE}))

    def move(self):
        old = self.rng.choice(list(self.rows))
        before = self.rows.pop(old)
        self.last_key = new = self.last_key + 1
        self.rows[new] = before | {"id": new, "n": before["n"] + 1}
        self.emit("d", old, before, None, {NEW_KEY: self.key(new)})
        self.emit("c", new, None, self.rows[new], {OLD_KEY: self.key(old)})

    def delete(self):
        key = self.rng.choice(list(self.rows))
        self.emit("d", key, self.rows.pop(key), None)

    @staticmethod
    def key(key):
        return json.dumps({"id": key})

    def emit(self, op, key, before, after, headers=None):
        if before and not self.table.full:
            before = {"id": key, "row": 0, "n": 0, "payload": None}
        value = {"before": before and dict(before), "after": after and dict(after), "op": op,
                 "source": {"table": self.table.name, "lsn": 10 * len(self.records), "txId": 1}}
        for v in [value, None] if op == "d" else [value]:
            self.records.append(Record(key % self.partitions, len(self.records), self.key(key), headers or {}, v))

    def fault(self, records=None):
        records = self.records if records is None else records
        return verify(self.table, records, list(self.rows.values()), self.counts)

    def fault_at_least_once(self, records, restarts=1):
        once, fault = collapse(self.table, records, restarts)
        return fault or self.fault(once)


def streams():
    for seed in range(6):
        for table in (PLAIN, WHOLE):
            yield Stream(table, seed)


def faultless():
    return all(s.fault() is None for s in streams())


def partitions_in_any_order():
    return all(s.fault(sorted(s.records, key=lambda r: (-r.partition, r.offset))) is None for s in streams())


def dropped():
    return all(s.fault(s.records[:i] + s.records[i + 1:]) for s in streams() for i in range(len(s.records)))


def doubled():
    return all(s.fault(s.records[:i + 1] + s.records[i:]) for s in streams() for i in range(len(s.records)))


def swapped():
    """Neighbours in a partition; of different keys only a delete and its tombstone mind, as they stay together."""
    for s in streams():
        for partition in range(s.partitions):
            places = [i for i, r in enumerate(s.records) if r.partition == partition]
            for i, j in zip(places, places[1:]):
                records = list(s.records)
                records[i], records[j] = records[j], records[i]
                if records[i].key == records[j].key and not s.fault(records):
                    return False
    return True


def life_dropped():
    """All events of a row that is gone in the end: only the counts can tell."""
    s = Stream(PLAIN, 1, changes=0)
    for kind in ("insert", "insert", "delete"):
        getattr(s, kind)()
        s.counts[kind] += 1
    gone = s.records[-1].key
    return s.fault() is None and "committed" in s.fault([r for r in s.records if r.key != gone])


def changed():
    """Any column of any event."""
    for s in streams():
        for i, record in enumerate(s.records):
            for image in ("before", "after"):
                for column in (record.value or {}).get(image) or {}:
                    if image == "before" and not s.table.full and column != "id":
                        continue  # zeros
                    records = copy.deepcopy(s.records)
                    if records[i].value[image][column] == UNAVAILABLE:
                        continue
                    records[i].value[image][column] = 77
                    # What is overwritten or deleted later hides a wrong value, but for full images.
                    if not s.fault(records) and (s.table.full or column not in ("payload", "row")):
                        return False
    return True


def headers_missing():
    for s in streams():
        for i, record in enumerate(s.records):
            if record.headers:
                records = copy.deepcopy(s.records)
                records[i].headers.clear()
                if not s.fault(records):
                    return False
    return True


def one_partition(seed):
    return Stream(PLAIN, seed, partitions=1)


def replays():
    """A restart goes back to any event and gives all from there on again."""
    for seed in range(6):
        s = one_partition(seed)
        for cut in range(1, len(s.records) + 1):
            for back in range(cut):
                if s.records[back].value is None:
                    continue  # a tombstone comes with its delete
                if s.fault_at_least_once(s.records[:cut] + s.records[back:]):
                    return False
    return True


def replay_with_a_gap():
    for seed in range(6):
        s = one_partition(seed)
        back, half = len(s.records) // 4, len(s.records) // 2
        for gap in range(back + 1, len(s.records)):
            again = s.records[back:gap] + s.records[gap + 1:]
            if not s.fault_at_least_once(s.records[:half] + again):
                return False
    return True


def lost_at_a_restart():
    for seed in range(6):
        s = one_partition(seed)
        if not all(s.fault_at_least_once(s.records[:i] + s.records[i + 1:]) for i in range(len(s.records))):
            return False
    return True


def more_replays_than_restarts():
    s = one_partition(1)
    back = next(i for i in range(5, 10) if s.records[i].value is not None)
    twice = s.records[:10] + s.records[back:10] + s.records[back:]
    return s.fault_at_least_once(twice, 2) is None and s.fault_at_least_once(twice, 1) is not None


TESTS = [faultless, partitions_in_any_order, dropped, doubled, swapped, life_dropped, changed, headers_missing,
         replays, replay_with_a_gap, lost_at_a_restart, more_replays_than_restarts]


def main():
    print(f"1..{len(TESTS)}")
    failed = 0
    for number, test in enumerate(TESTS, 1):
        ok = test()
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {number} - {test.__name__.replace('_', ' ')}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
