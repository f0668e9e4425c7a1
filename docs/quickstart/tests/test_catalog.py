"""Finding products."""

import sqlite3

from shop import catalog
from tests.base import ShopTest


class Search(ShopTest):
    def setUp(self):
        super().setUp()
        for sku, title, price in [
            ("t1", "Green tea", 450),
            ("t2", "Black tea, 100 %", 390),
            ("c1", "Coffee, dark", 890),
            ("m1", "Mug_small", 700),
        ]:
            catalog.add(self.db, sku, title, price)

    def test_a_word_finds_cheapest_first(self):
        self.assertEqual(catalog.search(self.db, ["tea"]), ["t2", "t1"])

    def test_every_word_must_match(self):
        self.assertEqual(catalog.search(self.db, ["tea", "green"]), ["t1"])

    def test_case_does_not_matter(self):
        self.assertEqual(catalog.search(self.db, ["COFFEE"]), ["c1"])

    def test_no_word_finds_all(self):
        self.assertEqual(len(catalog.search(self.db, [])), 4)

    def test_wildcards_are_plain_characters(self):
        self.assertEqual(catalog.search(self.db, ["%"]), ["t2"])
        self.assertEqual(catalog.search(self.db, ["_"]), ["m1"])

    def test_nothing_is_found(self):
        self.assertEqual(catalog.search(self.db, ["cocoa"]), [])


class Stock(ShopTest):
    def test_a_new_product_has_none(self):
        catalog.add(self.db, "t1", "Green tea", 450)
        self.assertEqual(catalog.stock(self.db, "t1"), 0)

    def test_an_unknown_product_is_an_error(self):
        with self.assertRaises(KeyError):
            catalog.stock(self.db, "t9")

    def test_a_number_is_unique(self):
        catalog.add(self.db, "t1", "Green tea", 450)
        with self.assertRaises(sqlite3.IntegrityError):
            catalog.add(self.db, "t1", "Other tea", 1)

    def test_a_price_is_never_negative(self):
        with self.assertRaises(sqlite3.IntegrityError):
            catalog.add(self.db, "t1", "Green tea", -1)
