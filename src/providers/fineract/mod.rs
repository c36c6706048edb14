//! Fineract-style ledgers behind a wrapper that shows transactions only. See `README.md` beside this file.

mod dates;
mod ledger;
mod map;
mod native;
#[cfg(test)]
mod tests;
mod types;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::{ACCEPT_LANGUAGE, HeaderMap, HeaderValue};

use super::page::Records;
use super::{Connecting, Descriptor, Detail, Mapping, Page, Provider, Rows, Scope, Verification};
use crate::loan::{Loan, Transaction};
use crate::record::{envelope, within};
use crate::upstream::{Answers, Call, Error, Kind, Upstream};

pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "fineract",
    coverage: "The transactions of loans whose ids are known; balances and status are derived from them.",
    verification: Verification::DocsOnly,
    lists_book: false,
    references: &["loan"],
    announces_loans: false,
    connect,
};

#[derive(Debug)]
struct Fineract {
    id: Arc<str>,
    upstream: Upstream,
    version: String,
}

/// Two flavours of one name: the wrapper that shows transactions only, and Apache Fineract itself.
fn connect(open: &mut Connecting<'_, '_>) -> Option<Arc<dyn Provider>> {
    let native = open
        .section
        .choice("flavour", false, &[("wrapper", false), ("native", true)]);
    if native {
        native::connect(open)
    } else {
        wrapper(open)
    }
}

fn wrapper(open: &mut Connecting<'_, '_>) -> Option<Arc<dyn Provider>> {
    let base = open.base_url(None);
    let auth = open.fixed_token().unwrap_or_else(|| {
        open.section.require_secret("token");
        None
    });
    let version = open.section.string_or("api_version", "1");
    if version.is_empty()
        || !version
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
    {
        open.section
            .problem("api_version", "must be a version such as \"1\"");
    }
    let language = open
        .section
        .choice("language", "en", &[("en", "en"), ("fr", "fr")]);
    let headers = HeaderMap::from_iter([(ACCEPT_LANGUAGE, HeaderValue::from_static(language))]);
    Some(Arc::new(Fineract {
        id: Arc::clone(&open.id),
        upstream: open.upstream(base?, auth?, headers, |_, _| None),
        version: format!("v{version}"),
    }))
}

/// An id of Fineract, as it writes them. Anything else could be a word with a meaning of its own in a path.
fn is_id(text: &str) -> bool {
    text.parse::<i64>()
        .is_ok_and(|id| id > 0 && id.to_string() == text)
}

#[async_trait]
impl Provider for Fineract {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    fn locate(&self, key: &str) -> Option<Scope> {
        let reference = is_id(key).then(|| DESCRIPTOR.reference(&format!("loan:{key}")));
        reference?.ok().map(Scope::Reference)
    }

    fn transactions(&self) -> Option<&dyn Detail<Transaction>> {
        Some(self)
    }

    /// The whole ledger is one page, and one loan.
    async fn page(&self, call: &Call, scope: &Scope, _: u32) -> Result<Page, Error> {
        let loan = match scope {
            Scope::Reference(reference) => &reference.value,
            Scope::Book | Scope::Loan(_) => {
                return Err(Error::new(
                    Kind::Internal,
                    "list_transactions",
                    "It shows single loans only",
                ));
            }
        };
        if !is_id(loan) {
            return Err(Error::new(
                Kind::NotFound,
                "list_transactions",
                "Ids are numbers here",
            ));
        }
        let segments = ["api", &self.version, "Loans", loan, "transactions"];
        let reply = self
            .upstream
            .get(call, "list_transactions", Answers::AreAnonymous, &segments, &[])
            .await?;
        let (answer, outline): (wire::Envelope<'_>, _) = reply.read(envelope)?;
        if answer.succeeded == Some(false) {
            return Err(reply.failure(Kind::Rejected, "It answered with an error in its body"));
        }
        let data = answer
            .data
            .ok_or_else(|| reply.failure(Kind::BadPayload, "It holds no transactions"))?;
        let Records(rows) = within(data)
            .ok_or_else(|| reply.failure(Kind::BadPayload, "It holds no list of transactions"))?;
        let at = Mapping::of(&self.id, &reply).outlined(&outline);
        Ok(Page::collect(&reply, [data], |data| {
            map::loan(loan, data, &rows, &at)
        }))
    }
}

/// The loan is made from its ledger.
impl Detail<Transaction> for Fineract {
    fn embedded(&self) -> bool {
        true
    }

    fn held(&self, loan: &Loan) -> Option<Rows<Transaction>> {
        let whole = loan.received.main()?.text();
        let rows: Records<'_> = serde_json::from_str(whole).ok()?;
        Some(ledger::of(loan, whole, wire::TRANSACTION).rows(&rows))
    }
}
