CREATE TABLE product (
    sku         TEXT PRIMARY KEY,
    title       TEXT NOT NULL,
    price_cents INTEGER NOT NULL CHECK (price_cents >= 0),
    stock       INTEGER NOT NULL DEFAULT 0 CHECK (stock >= 0)
);

CREATE TABLE account (
    email  TEXT PRIMARY KEY,
    salt   BLOB NOT NULL,
    digest BLOB NOT NULL
);

CREATE TABLE purchase (
    id    INTEGER PRIMARY KEY,
    email TEXT NOT NULL REFERENCES account (email),
    day   TEXT NOT NULL
);

CREATE TABLE line (
    purchase    INTEGER NOT NULL REFERENCES purchase (id) ON DELETE CASCADE,
    sku         TEXT NOT NULL REFERENCES product (sku),
    quantity    INTEGER NOT NULL CHECK (quantity > 0),
    price_cents INTEGER NOT NULL,
    PRIMARY KEY (purchase, sku)
);
