"""Opening the shop's database."""

import sqlite3
from pathlib import Path

SCHEMA = Path(__file__).resolve().parent.parent / "schema.sql"


def connect(path):
    """Open the database at `path`; a new one gets the schema."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA foreign_keys = ON")
    if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
        db.executescript(SCHEMA.read_text())
    return db
