"""What the shop sells."""

import csv


def add(db, sku, title, price_cents, stock=0):
    db.execute("INSERT INTO product VALUES (?, ?, ?, ?)", (sku, title, price_cents, stock))


def load_csv(db, lines):
    """Add every product of a CSV file in one transaction; return how many."""
    rows = [
        (row["sku"], row["title"], int(row["price_cents"]), int(row["stock"]))
        for row in csv.DictReader(lines)
    ]
    with db:
        db.executemany("INSERT INTO product VALUES (?, ?, ?, ?)", rows)
    return len(rows)


def search(db, words):
    """Products whose title has every word, cheapest first."""
    where = " AND ".join("title LIKE ? ESCAPE '\\'" for _ in words) or "1"
    likes = [f"%{_escape(word)}%" for word in words]
    query = f"SELECT sku FROM product WHERE {where} ORDER BY price_cents, sku"
    return [sku for (sku,) in db.execute(query, likes)]


def _escape(word):
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def stock(db, sku):
    row = db.execute("SELECT stock FROM product WHERE sku = ?", (sku,)).fetchone()
    if row is None:
        raise KeyError(sku)
    return row[0]
