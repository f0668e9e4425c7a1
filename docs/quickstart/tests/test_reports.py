"""Reports over a year of purchases: the longest tests, on purpose."""

from shop import catalog, reports
from tests.base import ShopTest

DAYS = 365
PURCHASES_A_DAY = 60
PRODUCTS = 50


class Reports(ShopTest):
    def setUp(self):
        super().setUp()
        ada = self.add_account()
        for n in range(PRODUCTS):
            catalog.add(self.db, f"p{n:02}", f"Product {n}", 100 + n)
        count = DAYS * PURCHASES_A_DAY
        days = ((n, ada, f"day {n // PURCHASES_A_DAY:03}") for n in range(count))
        self.db.executemany("INSERT INTO purchase VALUES (?, ?, ?)", days)
        lines = (
            (n, f"p{(n * step) % PRODUCTS:02}", 1 + n % step, 100)
            for n in range(count)
            for step in (1, 3, 7)
        )
        self.db.executemany("INSERT OR IGNORE INTO line VALUES (?, ?, ?, ?)", lines)
        self.db.commit()

    def test_every_day_has_its_revenue(self):
        revenue = reports.revenue_by_day(self.db)
        self.assertEqual(len(revenue), DAYS)
        self.assertGreater(min(revenue.values()), 0)

    def test_revenue_adds_up(self):
        total = self.db.execute("SELECT sum(quantity * price_cents) FROM line").fetchone()[0]
        self.assertEqual(sum(reports.revenue_by_day(self.db).values()), total)

    def test_best_sellers_come_first(self):
        sold = [pieces for _, pieces in reports.best_sellers(self.db, PRODUCTS)]
        self.assertEqual(sold, sorted(sold, reverse=True))

    def test_the_list_is_as_long_as_asked(self):
        self.assertEqual(len(reports.best_sellers(self.db, 3)), 3)

    def test_products_bought_together(self):
        pairs = reports.bought_together(self.db, 10)
        self.assertEqual(len(pairs), 10)
        self.assertTrue(all(one < two for one, two, _ in pairs))
