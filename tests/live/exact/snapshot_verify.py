"""Judges what a consumer saw of a table that was read while it was written.

The audit tells what really happened to each key, in order. A consumer is right if it has, for each key, at most one
`r`, which shows the row as it was after some of these changes, and then all the later ones, each once; or no `r`, if
the row did not exist when its place was read, and all changes since. Two marks make that strict: nothing from before
the start comes from the log (phase 0), nothing that began after the snapshot may be missing (phase 2).

A table that is read again from its beginning after a kill may have more than one `r` for a key; what comes from the
log then starts at or before the last of them. At-least-once delivery repeats anything; what counts is where it ends.
"""
import collections
import dataclasses
import itertools
import json

from verify import NEW_KEY, OLD_KEY, UNAVAILABLE, canonical


@dataclasses.dataclass
class Change:
    """One entry of the audit. op: c u d; T: the row ended with its table's TRUNCATE; t: that TRUNCATE itself."""
    at: int
    op: str
    key: str
    other: str  # a key change's other key
    row: int
    n: int
    tx: int
    phase: int

    def __str__(self):
        return f"{self.at}: {self.op} {self.key} row={self.row} n={self.n} tx={self.tx} phase={self.phase}" \
               + (f" other={self.other}" if self.other else "")


class Fault(Exception):
    pass


def require(condition, text):
    if not condition:
        raise Fault(text)


def image(record):
    return record.value["after"] or record.value["before"] or {}


def key_of(table, record):
    return canonical(record.key) if table.key else json.dumps({"row": image(record)["row"]})


def in_log(record):
    return record.value["op"] != "r"


def matches(record, change, full):
    """Whether the record is what the log has for that change."""
    value, headers = record.value, record.headers
    if value["op"] != change.op or value["source"]["txId"] != change.tx:
        return False
    if change.op != "d" or full:
        if (image(record)["row"], image(record)["n"]) != (change.row, change.n):
            return False
    header = headers.get(NEW_KEY if change.op == "d" else OLD_KEY) if change.op in "cd" else None
    return (header and canonical(header)) == change.other


def state_after(record, history):
    """How many of the changes the row that was read contains."""
    for number, change in enumerate(history, 1):
        if change.op in "cu" and (change.row, change.n) == (image(record)["row"], image(record)["n"]):
            return number
    raise Fault(f"row={image(record)['row']} n={image(record)['n']} was read, which never was")


def absent_after(history, number):
    return number == 0 or history[number - 1].op in "dT"


def in_events(history):
    """A TRUNCATE is no event of its rows."""
    return [change for change in history if change.op != "T"]


def check_marks(history, start):
    """start: how many of the changes did not come from the log."""
    require(all(c.phase == 0 for c in history[:start] if c.phase == 0) and
            not any(c.phase == 0 for c in history[start:]), "a change from before the start came from the log")
    require(not any(c.phase == 2 for c in history[:start]), "a change after the snapshot did not come from the log")


def check_run(records, wanted, full):
    for record, change in itertools.zip_longest(records, wanted):
        if record is None:
            raise Fault(f"{change} did not come")
        if change is None:
            raise Fault(f"{record}\n  came once more than it was")
        if not matches(record, change, full):
            raise Fault(f"{record}\n  came in the place of {change}")


def find_start(history, records, full):
    """Where in the history the records from the log begin. They must be its end."""
    tail = len(history)
    left = len(records)
    while left and tail:
        tail -= 1
        left -= history[tail].op != "T"
    check_run(records, in_events(history[tail:]), full)
    return tail


def check_once(history, records, full):
    """At most one r, then what follows it. Returns how many changes did not come from the log."""
    reads = [r for r in records if not in_log(r)]
    require(len(reads) <= 1, "it was read more than once")
    if reads:
        require(records[0] is reads[0], "it was read after a change from the log")
        start = state_after(reads[0], history)
        check_run(records[1:], in_events(history[start:]), full)
        return start
    start = find_start(history, records, full)
    require(absent_after(history, start), "neither read nor created" if records else "in the table, and never came")
    return start


def check_again(history, records, full):
    """Any number of r, then every change since a moment at or before the last."""
    reads = [r for r in records if not in_log(r)]
    log = [r for r in records if in_log(r)]
    require(records[:len(reads)] == reads, "it was read after a change from the log")
    start = find_start(history, log, full)
    if reads:
        last = state_after(reads[-1], history)
        require(start <= last, "changes are missing between the row as it was read and the log's first")
    else:
        # A row that the first reading did not reach and the second did not find may begin with any change.
        require(log or absent_after(history, start), "it was neither read nor created")
    return start


def check_at_least_once(history, records, full):
    """Every change after the snapshot, each after those before it or as a repeat; the last one last."""
    events = in_events(history)
    reached = None
    for record in records:
        if not in_log(record):
            state_after(record, history)
            reached = None
            continue
        found = [i for i, change in enumerate(events) if matches(record, change, full)]
        require(found, "a change came that never was")
        known = [i for i in found if reached is None or i <= reached + 1]
        require(known, "changes were left out")
        reached = max(known)
    late = [i for i, change in enumerate(events) if change.phase == 2]
    require(not late or reached == len(events) - 1, "a change after the snapshot did not come, or not as the last")


def check_key(table, history, records, at_least_once):
    if at_least_once:
        check_at_least_once(history, records, table.full)
    else:
        check_marks(history, (check_once if table.once else check_again)(history, records, table.full))


def check_truncated(table, history, records, truncates, at_truncate):
    """As check_once, where the TRUNCATEs are events. truncates: the table's, by the audit, from the first that came;
    at_truncate: that first one's record."""
    first = truncates[0]
    before, after = ([c for c in history if c.at < first.at], [c for c in history if c.at > first.at and c.tx != first.tx])
    early = [r for r in records if not in_log(r) or r.value["source"]["lsn"] < at_truncate.value["source"]["lsn"]]
    late = [r for r in records if r not in early]
    check_run(late, in_events(after), table.full)
    reads = [r for r in early if not in_log(r)]
    if reads and state_after(reads[0], history) > len(before):
        require(len(early) == 1, "the row was read after the TRUNCATE, and came from the log before it too")
    elif early:
        check_once(before, early, table.full)


def order(record):
    """What was read, then the log; within one place of it a key change's delete, then its create."""
    return in_log(record), record.value["source"]["lsn"], record.value["op"] != "d"


def check_shape(table, record):
    value, source = record.value, record.value["source"]
    require(source["table"] in table.topics(), f"source.table is {source['table']}")
    require((source["snapshot"] == "false") == in_log(record), f"op {value['op']} with snapshot {source['snapshot']}")
    if table.key and value["op"] != "t":
        names = [column.name for column in table.key]
        require(list(json.loads(record.key)) == names, f"the key's columns are not {names}")
        got = {name: image(record)[name] for name in names}
        require(got == json.loads(record.key), f"the row's key is {got}")
    if value["op"] == "r":
        require(value["before"] is None and not record.headers, "a row that was read has a before or headers")


def is_delete(record):
    return record.value is not None and record.value["op"] == "d"


def check_tombstones(table, records):
    """Right behind its delete; there alone."""
    if not table.key:
        return
    partitions = collections.defaultdict(list)
    for record in records:
        partitions[record.partition].append(record)
    for partition in partitions.values():
        for record, following in zip(partition, [*partition[1:], None]):
            if is_delete(record) != (following is not None and following.value is None) or \
                    is_delete(record) and (following.key, following.headers) != (record.key, record.headers):
                raise Fault(f"a delete without its tombstone, or one without a delete: {record}")


def final_states(table, records):
    """What a consumer that applies the records in order has in the end. A large value that a key change did not
    touch, which the old key's row had, stays UNAVAILABLE."""
    rows = {}
    for record in records:
        op = record.value["op"]
        if op == "t":
            rows.clear()
        elif op == "d":
            rows.pop(key_of(table, record), None)
        else:
            key, row = key_of(table, record), record.value["after"]
            known = rows.get(key, {}) if op != "c" else {}
            rows[key] = {column: known.get(column, value) if value == UNAVAILABLE else value
                         for column, value in row.items()}
    return rows


def check_final(table, records, rows):
    """rows: canonical key -> some columns of the table's row."""
    states = final_states(table, records)
    moved = {key_of(table, record) for record in records if OLD_KEY in record.headers}
    for key in rows.keys() | states.keys():
        have = states.get(key)
        if have is not None and key in rows:
            have = {column: wanted if have.get(column) == UNAVAILABLE and key in moved else have.get(column)
                    for column, wanted in rows[key].items()}
        if have != rows.get(key):
            raise Fault(f"{key} is {str(rows.get(key))[:300]} in the table\n  and {str(have)[:300]} by the events")


def truncates_seen(records, history, at_least_once):
    """The table's TRUNCATEs from the first that came on: their changes and that first record, or None."""
    wanted = [c for c in history if c.op == "t"]
    seen = sorted((r for r in records if r.value["op"] == "t"), key=order)
    if at_least_once or not wanted:
        require(wanted or not seen, "a TRUNCATE that never was")
        return None
    got = [r.value["source"]["txId"] for r in seen]
    tail = wanted[len(wanted) - len(got):]
    require(len(got) <= len(wanted) and got == [c.tx for c in tail], f"TRUNCATEs {got}, {[c.tx for c in wanted]} wanted")
    require(not any(c.phase == 2 for c in wanted[:len(wanted) - len(got)]), "a TRUNCATE after the snapshot is missing")
    return (tail, seen[0]) if seen else None


def verify(table, records, history, rows, at_least_once=False, truncates_kept=False):
    """None, or what is wrong. records: of the table's topics, in offset order within each partition; history: the
    audit's changes, in order; rows: the table's contents."""
    record, by_key, changes = None, {}, collections.defaultdict(list)
    try:
        check_tombstones(table, records)
        records = [r for r in records if r.value is not None]
        for record in records:
            check_shape(table, record)
        truncates = truncates_seen(records, history, at_least_once) if truncates_kept else None
        for change in history:
            if change.key is not None:
                changes[change.key].append(change)
        if not table.key or truncates_kept:
            records = sorted(records, key=order)  # their order lies across partitions
        by_key = collections.defaultdict(list)
        for record in records:
            if record.value["op"] != "t":
                by_key[key_of(table, record)].append(record)
            else:
                require(truncates_kept, "a TRUNCATE that was to be left out")
    except Fault as fault:
        return f"{table.name}: {fault}\n  at {record}"
    for key in changes.keys() | by_key.keys():
        try:
            if truncates:
                check_truncated(table, changes[key], by_key.get(key, []), *truncates)
            else:
                check_key(table, changes[key], by_key.get(key, []), at_least_once)
        except Fault as fault:
            return describe(table, key, str(fault), changes[key], by_key.get(key, []))
    hidden = any(c.op == "t" for c in history) and not truncates_kept
    try:
        if not hidden:
            check_final(table, records, rows)
    except Fault as fault:
        key = str(fault).split(" is ", 1)[0]
        return describe(table, key, str(fault), changes.get(key, []), by_key.get(key, []))
    return None


def describe(table, key, fault, history, records):
    return "\n".join([f"{table.name}: {key}: {fault}", "what happened to it:", *(f"  {c}" for c in history[-30:]),
                      "what came:", *(f"  {r}" for r in records[-30:])])
