"""Prices in whole cents."""

BULK_FROM = 10
BULK_PERCENT = 5


def total(quantity, price_cents):
    """The price of `quantity` pieces: from ten on, five percent less, rounded down."""
    full = quantity * price_cents
    return full - full * BULK_PERCENT // 100 if quantity >= BULK_FROM else full


def euros(cents):
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d} €"
