"""A tiny shop over SQLite, there to have tests that evenly can split."""
