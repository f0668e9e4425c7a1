"""Buying: stock goes down and a purchase is written, both or neither."""

from shop import pricing


class SoldOut(Exception):
    """There are not enough pieces left."""


def buy(db, email, day, basket):
    """Buy `{sku: quantity}`; return the purchase's id."""
    if not basket:
        raise ValueError("an empty basket")
    with db:
        bought = db.execute("INSERT INTO purchase (email, day) VALUES (?, ?)", (email, day))
        for sku, quantity in sorted(basket.items()):
            taken = db.execute(
                "UPDATE product SET stock = stock - ?1 WHERE sku = ?2 AND stock >= ?1",
                (quantity, sku),
            )
            if taken.rowcount == 0:
                raise SoldOut(sku)
            db.execute(
                "INSERT INTO line SELECT ?, sku, ?, price_cents FROM product WHERE sku = ?",
                (bought.lastrowid, quantity, sku),
            )
    return bought.lastrowid


def cancel(db, purchase):
    """Take a purchase back: its pieces return to the stock."""
    with db:
        for sku, quantity in db.execute(
            "SELECT sku, quantity FROM line WHERE purchase = ?", (purchase,)
        ).fetchall():
            db.execute("UPDATE product SET stock = stock + ? WHERE sku = ?", (quantity, sku))
        db.execute("DELETE FROM purchase WHERE id = ?", (purchase,))


def amount(db, purchase):
    lines = db.execute("SELECT quantity, price_cents FROM line WHERE purchase = ?", (purchase,))
    return sum(pricing.total(quantity, price) for quantity, price in lines)
