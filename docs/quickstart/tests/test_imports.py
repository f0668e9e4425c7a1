"""Loading large price lists."""

import sqlite3

from shop import catalog, database
from tests.base import ShopTest

HEAD = "sku,title,price_cents,stock"


def price_list(count):
    return [HEAD, *(f"p{n:06},Product {n} of many,{n % 9973},{n % 7}" for n in range(count))]


class Imports(ShopTest):
    def test_an_empty_list_is_fine(self):
        self.assertEqual(catalog.load_csv(self.db, [HEAD]), 0)

    def test_quotes_hold_commas(self):
        catalog.load_csv(self.db, [HEAD, 't1,"Tea, green",450,3'])
        self.assertEqual(catalog.search(self.db, ["Tea, green"]), ["t1"])

    def test_a_large_list_is_loaded(self):
        self.assertEqual(catalog.load_csv(self.db, price_list(60_000)), 60_000)
        self.assertEqual(catalog.stock(self.db, "p000006"), 6)

    def test_a_bad_line_loads_nothing(self):
        lines = [*price_list(30_000), "p000001,again,1,1"]
        with self.assertRaises(sqlite3.IntegrityError):
            catalog.load_csv(self.db, lines)
        self.assertEqual(catalog.search(self.db, []), [])

    def test_searching_a_large_list(self):
        catalog.load_csv(self.db, price_list(40_000))
        for n in range(0, 40_000, 4_000):
            self.assertIn(f"p{n:06}", catalog.search(self.db, [f"Product {n} of"]))

    def test_another_connection_sees_it(self):
        catalog.load_csv(self.db, price_list(100))
        other = database.connect(self.path)
        self.addCleanup(other.close)
        self.assertEqual(catalog.stock(other, "p000050"), 1)
