#!/usr/bin/env python3
"""The judge of indices catches what is lost, left, stale or cut."""
import unittest

from es import compare

ROWS = {"1": {"id": 1, "n": 2, "payload": "x"}, "[2,3]": {"a": 2, "n": 1, "payload": None}}


class Compare(unittest.TestCase):
    def test(self):
        self.assertIsNone(compare(ROWS, ROWS))
        self.assertIsNone(compare({}, {}))
        self.assertIn("row 1 is missing", compare(ROWS, {"[2,3]": ROWS["[2,3]"]}))
        self.assertIn("of no row", compare({"1": ROWS["1"]}, ROWS))
        self.assertIn("its document", compare(ROWS, ROWS | {"1": ROWS["1"] | {"n": 1}}))
        self.assertIn("its document", compare(ROWS, ROWS | {"1": {"id": 1, "n": 2}}))


if __name__ == "__main__":
    unittest.main()
