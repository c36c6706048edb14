CREATE TABLE loangate_customers (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    namespace TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (namespace, id)
);

CREATE INDEX loangate_customers_in_order ON loangate_customers (namespace, number);

CREATE TABLE loangate_references (
    customer BIGINT NOT NULL REFERENCES loangate_customers (number) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    namespace TEXT COLLATE "C" NOT NULL,
    connection TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C",
    expires_at BIGINT,
    PRIMARY KEY (customer, position)
);

CREATE INDEX loangate_references_by_connection ON loangate_references (namespace, connection);
