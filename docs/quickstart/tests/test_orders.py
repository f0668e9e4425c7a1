"""Buying and taking back."""

import sqlite3

from shop import catalog, orders
from tests.base import ShopTest


class Orders(ShopTest):
    def setUp(self):
        super().setUp()
        self.ada = self.add_account()
        catalog.add(self.db, "t1", "Green tea", 450, stock=20)
        catalog.add(self.db, "c1", "Coffee", 890, stock=1)
        self.db.commit()

    def test_stock_goes_down(self):
        orders.buy(self.db, self.ada, "2026-01-02", {"t1": 3})
        self.assertEqual(catalog.stock(self.db, "t1"), 17)

    def test_the_amount_is_the_lines(self):
        purchase = orders.buy(self.db, self.ada, "2026-01-02", {"t1": 2, "c1": 1})
        self.assertEqual(orders.amount(self.db, purchase), 1790)

    def test_a_later_price_changes_nothing(self):
        purchase = orders.buy(self.db, self.ada, "2026-01-02", {"t1": 1})
        self.db.execute("UPDATE product SET price_cents = 1")
        self.assertEqual(orders.amount(self.db, purchase), 450)

    def test_sold_out_takes_nothing(self):
        with self.assertRaises(orders.SoldOut):
            orders.buy(self.db, self.ada, "2026-01-02", {"c1": 2, "t1": 1})
        self.assertEqual(catalog.stock(self.db, "t1"), 20)

    def test_sold_out_later_in_the_basket_gives_back(self):
        with self.assertRaises(orders.SoldOut):
            orders.buy(self.db, self.ada, "2026-01-02", {"c1": 1, "t1": 21})
        self.assertEqual(catalog.stock(self.db, "c1"), 1)

    def test_a_stranger_buys_nothing(self):
        with self.assertRaises(sqlite3.IntegrityError):
            orders.buy(self.db, "bob@example.org", "2026-01-02", {"t1": 1})

    def test_an_empty_basket_is_an_error(self):
        with self.assertRaises(ValueError):
            orders.buy(self.db, self.ada, "2026-01-02", {})

    def test_cancelling_brings_the_stock_back(self):
        purchase = orders.buy(self.db, self.ada, "2026-01-02", {"t1": 3, "c1": 1})
        orders.cancel(self.db, purchase)
        self.assertEqual(catalog.stock(self.db, "t1"), 20)
        self.assertEqual(self.db.execute("SELECT count(*) FROM line").fetchone(), (0,))

    def test_many_small_purchases(self):
        for _ in range(20):
            orders.buy(self.db, self.ada, "2026-01-02", {"t1": 1})
        with self.assertRaises(orders.SoldOut):
            orders.buy(self.db, self.ada, "2026-01-02", {"t1": 1})
