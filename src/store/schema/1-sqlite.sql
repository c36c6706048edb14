CREATE TABLE loangate_customers (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT NOT NULL,
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (namespace, id)
) STRICT;

CREATE INDEX loangate_customers_in_order ON loangate_customers (namespace, number);

CREATE TABLE loangate_references (
    customer INTEGER NOT NULL REFERENCES loangate_customers (number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    connection TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    purpose TEXT,
    expires_at INTEGER,
    PRIMARY KEY (customer, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX loangate_references_by_connection ON loangate_references (namespace, connection);
