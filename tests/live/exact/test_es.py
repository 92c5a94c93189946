#!/usr/bin/env python3
"""The judge of indices catches what is lost, left, stale or cut."""
import unittest

from es import LEAST_VERSION, compare, compare_versions

ROWS = {"1": {"id": 1, "n": 2, "payload": "x"}, "[2,3]": {"a": 2, "n": 1, "payload": None}}


class Compare(unittest.TestCase):
    def test(self):
        self.assertIsNone(compare(ROWS, ROWS))
        self.assertIsNone(compare({}, {}))
        self.assertIn("row 1 is missing", compare(ROWS, {"[2,3]": ROWS["[2,3]"]}))
        self.assertIn("of no row", compare({"1": ROWS["1"]}, ROWS))
        self.assertIn("its document", compare(ROWS, ROWS | {"1": ROWS["1"] | {"n": 1}}))
        self.assertIn("its document", compare(ROWS, ROWS | {"1": {"id": 1, "n": 2}}))

    def test_versions(self):
        log, snapshot = 30_000_000, 3

        def judge(place, through_lsn):
            return compare_versions({"1": log}, {"1": LEAST_VERSION + place}, through_lsn)
        self.assertIsNone(judge(log, log))
        self.assertIsNone(judge(snapshot, log + 1))
        self.assertIn("was changed last at 30000000", judge(snapshot, log))
        self.assertIn("has version", judge(log - 1, log + 1))
        self.assertIn("has version", judge(log + 1, log))
        self.assertIsNone(compare_versions({}, {"1": LEAST_VERSION + snapshot}, log))
        self.assertIn("has version", compare_versions({}, {"1": snapshot}, log))


if __name__ == "__main__":
    unittest.main()
