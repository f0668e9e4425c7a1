"""What the tests share."""

import tempfile
import unittest
from pathlib import Path

from shop import database


class ShopTest(unittest.TestCase):
    """A test with a database file of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "shop.sqlite3"
        self.db = database.connect(self.path)
        self.addCleanup(self.db.close)

    def add_account(self, email="ada@example.org"):
        """An account nobody logs in to, without the slow hash."""
        self.db.execute("INSERT INTO account VALUES (?, x'00', x'00')", (email,))
        return email
