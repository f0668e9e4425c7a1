"""What was sold."""


def best_sellers(db, count):
    query = """
        SELECT sku, sum(quantity) AS sold FROM line
        GROUP BY sku ORDER BY sold DESC, sku LIMIT ?
    """
    return db.execute(query, (count,)).fetchall()


def revenue_by_day(db):
    query = """
        SELECT day, sum(quantity * price_cents) FROM line
        JOIN purchase ON purchase.id = line.purchase GROUP BY day ORDER BY day
    """
    return dict(db.execute(query).fetchall())


def bought_together(db, count):
    """Pairs of products that stand on the same purchase most often."""
    query = """
        SELECT one.sku, two.sku, count(*) AS times FROM line AS one
        JOIN line AS two ON two.purchase = one.purchase AND two.sku > one.sku
        GROUP BY 1, 2 ORDER BY times DESC, 1, 2 LIMIT ?
    """
    return db.execute(query, (count,)).fetchall()
