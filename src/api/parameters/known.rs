//! Every parameter there is: its name, what it means, what its value may be. What is read is refused by these tables, and
//! the API's document is made from them.

use crate::gather::SortKey;
use crate::loan::{Kind, PaymentStatus, Phase, RecordType, Status, TransactionType};
use crate::providers;
use crate::store::Purpose;

/// A parameter.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) struct Known {
    pub(in crate::api) name: &'static str,
    /// For callers.
    pub(in crate::api) about: &'static str,
    pub(in crate::api) value: Value,
}

/// What the value of a parameter may be.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) enum Value {
    /// A comma list of connections.
    Connections,
    /// A comma list of words.
    Words(fn() -> Vec<&'static str>),
    /// One word of some.
    Word(fn() -> Vec<String>),
    /// A comma list of ISO 4217 codes.
    Currencies,
    /// References; repeated, and no comma list, because a value may hold a comma.
    References,
    /// `true` or `false`.
    Flag,
    /// `YYYY-MM-DD`.
    Date,
    /// A decimal number.
    Amount,
    /// A whole number in a range.
    Whole { from: u64, to: u64 },
    /// What an earlier answer gave.
    Cursor,
    /// The caller's own id of a person.
    Customer,
}

/// What a reference looks like: the connection, the type, the value.
pub(in crate::api) const REFERENCE: &str = r"^[a-z0-9][a-z0-9_-]{0,31}:[a-z_]+:[^\x00-\x1f\x7f-\x9f]{1,256}$";

const fn known(name: &'static str, value: Value, about: &'static str) -> Known {
    Known { name, about, value }
}

const MAX_AGE_OF: Known = known(
    "max_age",
    Value::Whole {
        from: 0,
        to: super::MAX_AGE,
    },
    "How many seconds old the answer may be; 0 asks the upstreams now. Without it: as the gateway is configured.",
);

const LIMIT: Known = known(
    "limit",
    Value::Whole {
        from: 1,
        to: super::MAX_LIMIT,
    },
    "The most members of `data`; 50 without it.",
);

const CURSOR: Known = known(
    "cursor",
    Value::Cursor,
    "`page.next_cursor` of the answer before. The query is repeated with it; only `limit`, `max_age` and `include` may change.",
);

const INCLUDE: Known = known(
    "include",
    Value::Words(|| super::INCLUDE.to_vec()),
    "Adds the key of each name to each loan. `personal` needs the scope `personal:read`. On a list, `schedule` and `transactions` only where its upstream pages hold them; for other connections ask for one loan.",
);

/// What selects loans, for lists, totals and exports alike.
pub(in crate::api) const SELECTION: &[Known] = &[
    known("connection", Value::Connections, "Only these connections."),
    known(
        "provider",
        Value::Words(|| providers::ALL.iter().map(|descriptor| descriptor.name).collect()),
        "Only connections of these providers.",
    ),
    known(
        "ref",
        Value::References,
        "Whose loans, or which: `<connection>:<type>:<value>`. Connections without one are skipped. The types of each connection are its `reference_types`.",
    ),
    known(
        "customer",
        Value::Customer,
        "Whose loans: every reference that is linked to this customer, and those of `ref`. Needs a store.",
    ),
    known(
        "purpose",
        Value::Word(|| Purpose::ALL.iter().map(|word| word.as_str().to_owned()).collect()),
        "What the data is for: references that are linked for another purpose are not used. Without it: any purpose.",
    ),
    known(
        "require",
        Value::Connections,
        "`all`, or connections: a gap in any of them is an error instead of an incomplete answer.",
    ),
    MAX_AGE_OF,
    known(
        "record_type",
        Value::Words(|| RecordType::ALL.iter().map(|word| word.as_str()).collect()),
        "Only these types of record.",
    ),
    known(
        "kind",
        Value::Words(|| Kind::ALL.iter().map(|word| word.as_str()).collect()),
        "Only these kinds of credit.",
    ),
    known(
        "status",
        Value::Words(|| Status::ALL.iter().map(|word| word.as_str()).collect()),
        "Only these statuses.",
    ),
    known(
        "phase",
        Value::Words(|| Phase::ALL.iter().map(|word| word.as_str()).collect()),
        "Only these phases.",
    ),
    known(
        "payment_status",
        Value::Words(|| PaymentStatus::ALL.iter().map(|word| word.as_str()).collect()),
        "Only these payment statuses.",
    ),
    known("currency", Value::Currencies, "Only these currencies."),
    known(
        "overdue",
        Value::Flag,
        "Only loans that are overdue, or that are not. Those of which it is not known match neither.",
    ),
    known("opened_from", Value::Date, "Opened on this day or later."),
    known("opened_to", Value::Date, "Opened on this day or earlier."),
    known("due_from", Value::Date, "Next payment due on this day or later."),
    known("due_to", Value::Date, "Next payment due on this day or earlier."),
    known("defaulted_from", Value::Date, "Defaulted on this day or later."),
    known("defaulted_to", Value::Date, "Defaulted on this day or earlier."),
    known(
        "outstanding_min",
        Value::Amount,
        "At least this much outstanding in all. Needs exactly one `currency`.",
    ),
    known(
        "outstanding_max",
        Value::Amount,
        "At most this much outstanding in all. Needs exactly one `currency`.",
    ),
];

/// What an export takes beside the selection. It has no pages.
pub(in crate::api) const EXPORT: &[Known] = &[
    known(
        "sort",
        Value::Word(|| {
            let words = SortKey::ALL.iter().map(|(word, _)| *word);
            words
                .flat_map(|word| [word.to_owned(), format!("-{word}")])
                .collect()
        }),
        "What to sort by; `-` in front is descending, nulls come last, ties by id. Without it: rows in upstream order. `outstanding` needs exactly one `currency`.",
    ),
    INCLUDE,
];

/// What a list takes beside those.
pub(in crate::api) const PAGE: &[Known] = &[LIMIT, CURSOR];

/// What the list of customers takes.
pub(in crate::api) const CUSTOMERS: &[Known] = PAGE;

/// What one loan takes.
pub(in crate::api) const SINGLE: &[Known] = &[MAX_AGE_OF, INCLUDE];

/// What the explanation of one loan takes.
pub(in crate::api) const EXPLANATION: &[Known] = &[
    MAX_AGE_OF,
    known(
        "include",
        Value::Words(|| vec![super::PERSONAL]),
        "Shows what is about the person, instead of `[redacted]`. Needs the scope `personal:read`.",
    ),
];

/// What the rows of one loan take.
pub(in crate::api) const ROWS: &[Known] = &[LIMIT, CURSOR, MAX_AGE_OF];

/// What selects transactions.
pub(in crate::api) const FILTERS: &[Known] = &[
    known(
        "type",
        Value::Words(|| TransactionType::ALL.iter().map(|word| word.as_str()).collect()),
        "Only these types.",
    ),
    known("from", Value::Date, "Posted on this day or later."),
    known("to", Value::Date, "Posted on this day or earlier."),
    known(
        "monetary",
        Value::Flag,
        "Only rows that changed what is owed, or that did not.",
    ),
    known(
        "reversed",
        Value::Flag,
        "Only rows that were taken back, or that were not.",
    ),
];
