//! What a managed server's start and a clone of a SQLite file cost.

fn main() {}
