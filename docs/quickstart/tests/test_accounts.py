"""Passwords: slow, as they should be."""

import sqlite3

from shop import accounts
from tests.base import ShopTest


class Accounts(ShopTest):
    def setUp(self):
        super().setUp()
        accounts.register(self.db, "ada@example.org", "engine")

    def test_the_right_password_opens(self):
        self.assertTrue(accounts.check(self.db, "ada@example.org", "engine"))

    def test_a_wrong_password_does_not(self):
        for wrong in ("", "Engine", "engine "):
            with self.subTest(wrong=wrong):
                self.assertFalse(accounts.check(self.db, "ada@example.org", wrong))

    def test_an_unknown_account_does_not_open(self):
        self.assertFalse(accounts.check(self.db, "bob@example.org", "engine"))

    def test_a_password_can_be_changed(self):
        accounts.change(self.db, "ada@example.org", "engine", "difference")
        self.assertTrue(accounts.check(self.db, "ada@example.org", "difference"))
        self.assertFalse(accounts.check(self.db, "ada@example.org", "engine"))

    def test_nobody_else_changes_it(self):
        with self.assertRaises(PermissionError):
            accounts.change(self.db, "ada@example.org", "guess", "mine")

    def test_an_account_is_unique(self):
        with self.assertRaises(sqlite3.IntegrityError):
            accounts.register(self.db, "ada@example.org", "other")

    def test_the_same_password_is_stored_differently(self):
        accounts.register(self.db, "bob@example.org", "engine")
        digests = self.db.execute("SELECT DISTINCT digest FROM account").fetchall()
        self.assertEqual(len(digests), 2)

    def test_an_address_needs_an_at(self):
        with self.assertRaisesRegex(ValueError, "bob"):
            accounts.register(self.db, "bob", "x")
