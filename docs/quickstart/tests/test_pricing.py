"""Cents: no database, over in a moment."""

import unittest

from shop import pricing


class Pricing(unittest.TestCase):
    def test_few_pieces_cost_the_full_price(self):
        self.assertEqual(pricing.total(9, 100), 900)

    def test_ten_pieces_cost_less(self):
        self.assertEqual(pricing.total(10, 100), 950)

    def test_the_discount_is_rounded_down(self):
        self.assertEqual(pricing.total(11, 1), 11)

    def test_nothing_costs_nothing(self):
        self.assertEqual(pricing.total(0, 100), 0)

    def test_euros(self):
        self.assertEqual(pricing.euros(5), "0.05 €")
        self.assertEqual(pricing.euros(123456), "1234.56 €")
        self.assertEqual(pricing.euros(-250), "-2.50 €")
