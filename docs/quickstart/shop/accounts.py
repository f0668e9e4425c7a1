"""Who buys: accounts with slowly hashed passwords."""

import hashlib
import hmac
import os

ROUNDS = 120_000


def register(db, email, password):
    if "@" not in email:
        raise ValueError(f"not an e-mail address: {email!r}")
    salt = os.urandom(16)
    db.execute("INSERT INTO account VALUES (?, ?, ?)", (email, salt, _digest(password, salt)))


def check(db, email, password):
    """Whether the password is the account's; an unknown account takes as long to say no."""
    row = db.execute("SELECT salt, digest FROM account WHERE email = ?", (email,)).fetchone()
    salt, digest = row or (b"", b"")
    return hmac.compare_digest(_digest(password, salt), digest)


def change(db, email, old, new):
    if not check(db, email, old):
        raise PermissionError(email)
    salt = os.urandom(16)
    db.execute(
        "UPDATE account SET salt = ?, digest = ? WHERE email = ?", (salt, _digest(new, salt), email)
    )


def _digest(password, salt):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
