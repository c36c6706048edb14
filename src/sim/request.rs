//! What was asked: read once, remembered, and understood as one of the calls a provider has.

use axum::extract::{Query, Request};
use axum::http::{HeaderMap, Method};

use super::provider::Provider;

/// One request as it arrived, whether it was answered or refused.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Whose prefix it went to.
    pub provider: Provider,
    /// The method.
    pub method: String,
    /// The path with its prefix, still percent-encoded.
    pub path: String,
    /// The query without its question mark, still percent-encoded.
    pub query: String,
    /// The headers in the order they were read; names in lower case.
    pub headers: Vec<(String, String)>,
    /// `auth`, `loans`, `loan`, `transactions`, `offer`, `active`, `repayments` or `other`.
    pub operation: &'static str,
}

impl Recorded {
    /// The first header of this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The calls that the simulators know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Token,
    /// A list; `GoScore`'s belongs to a consent.
    Loans(Option<String>),
    Loan(String),
    /// BSA: by the partner's own reference.
    LoanByReference(String),
    Transactions(String),
    /// Carbon: the offer of an application.
    Offer(String),
    /// Carbon: the active loan of the customer in the query.
    ActiveLoan,
    /// Carbon: the plan of a loan.
    Repayments(String),
    Unknown,
}

impl Call {
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::Token => "auth",
            Self::Loans(_) => "loans",
            Self::Loan(_) | Self::LoanByReference(_) => "loan",
            Self::Transactions(_) => "transactions",
            Self::Offer(_) => "offer",
            Self::ActiveLoan => "active",
            Self::Repayments(_) => "repayments",
            Self::Unknown => "other",
        }
    }

    /// `path` is decoded and begins with the mount.
    fn of(path: &[String]) -> Self {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["goscore", "api", "1.0", "auth"] | ["bsa-auth", "v1", "auth", "token"] => Self::Token,
            ["goscore", "api", "1.0", "loans", consent] => Self::Loans(Some((*consent).to_owned())),
            ["carbon", "baas", "api", "v1", "loans"]
            | ["bsa", "v1", "loans"]
            | ["belvo", "loans"]
            | ["fineract", "fineract-provider", "api", "v1", "loans"] => Self::Loans(None),
            ["bsa", "v1", "loans", "external", reference] => Self::LoanByReference((*reference).to_owned()),
            ["carbon", "baas", "api", "v1", "loans", "active"] => Self::ActiveLoan,
            ["carbon", "baas", "api", "v1", "loans", id, "offer"] => Self::Offer((*id).to_owned()),
            ["carbon", "baas", "api", "v1", "loans", id, "repayments"] => Self::Repayments((*id).to_owned()),
            ["carbon", "baas", "api", "v1", "loans", id]
            | ["bsa", "v1", "loans", id]
            | ["belvo", "loans", id]
            | ["fineract", "fineract-provider", "api", "v1", "loans", id] => Self::Loan((*id).to_owned()),
            // ASP.NET matches literal segments without regard to case.
            ["fineract", "api", version, loans, id, transactions]
                if is_version(version)
                    && loans.eq_ignore_ascii_case("loans")
                    && transactions.eq_ignore_ascii_case("transactions") =>
            {
                Self::Transactions((*id).to_owned())
            }
            _ => Self::Unknown,
        }
    }
}

fn is_version(segment: &str) -> bool {
    segment
        .strip_prefix(['v', 'V'])
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// A request, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) provider: Provider,
    pub(super) method: Method,
    pub(super) call: Call,
    headers: HeaderMap,
    pairs: Vec<(String, String)>,
}

impl Ask {
    /// `None` when the path is below no provider's prefix.
    pub(super) fn read(request: &Request) -> Option<Self> {
        let path: Vec<String> = request
            .uri()
            .path()
            .trim_start_matches('/')
            .split('/')
            .map(percent_decoded)
            .collect();
        let provider = match path.first()?.as_str() {
            "bsa-auth" => Provider::Bsa,
            mount => mount.parse().ok()?,
        };
        Some(Self {
            provider,
            method: request.method().clone(),
            call: Call::of(&path),
            headers: request.headers().clone(),
            pairs: Query::try_from_uri(request.uri())
                .map(|Query(pairs)| pairs)
                .unwrap_or_default(),
        })
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The first value of a query parameter; one without a value counts as not given.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let (_, value) = self
            .pairs
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())?;
        Some(value)
    }

    /// A query parameter as a positive number, for the providers that ignore what they cannot read.
    pub(super) fn count(&self, name: &str) -> Option<usize> {
        self.query(name)?.parse().ok().filter(|n| *n > 0)
    }

    pub(super) fn record(&self, request: &Request) -> Recorded {
        let readable =
            |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Recorded {
            provider: self.provider,
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            headers: request
                .headers()
                .iter()
                .map(|(k, v)| (k.to_string(), readable(v)))
                .collect(),
            operation: self.call.operation(),
        }
    }
}

/// A path segment without its percent-encoding. A `+` stays one: only queries write spaces so.
fn percent_decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let hex = after
            .get(..2)
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(b'%');
            rest = after;
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}
