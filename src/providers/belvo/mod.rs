//! Belvo (Mexico): snapshots of debts handed over for collection. See `README.md` beside this file.

mod history;
mod map;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::HeaderMap;

use super::page::{Count, Records, message_says};
use super::{
    Connecting, Descriptor, Detail, Mapping, More, Page, Provider, Reference, Rows, Scope, Verification,
};
use crate::loan::{Currency, Loan, Snapshot};
use crate::record::envelope;
use crate::upstream::{Answers, Call, Error, Kind, Upstream};

pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "belvo",
    coverage: "Debts in default that were handed over for collection, as last declared; performing loans are never here.",
    verification: Verification::DocsOnly,
    lists_book: true,
    references: &["customer", "merchant_customer", "payment_method"],
    announces_loans: false,
    connect,
};

/// More are silently clamped upstream.
const MAX_LIMIT: u64 = 100;

#[derive(Debug)]
struct Belvo {
    id: Arc<str>,
    upstream: Upstream,
    currency: Currency,
    limit: u64,
}

fn connect(open: &mut Connecting<'_, '_>) -> Option<Arc<dyn Provider>> {
    let base = open.base_url(Some("https://api.sandbox.directdebit.belvo.com"));
    let auth = open.secret_headers(&[("api-key-id", "key_id"), ("api-key-secret", "key_secret")]);
    let currency = open.currency("MXN");
    let limit = open.page_size.unwrap_or(MAX_LIMIT).min(MAX_LIMIT);
    Some(Arc::new(Belvo {
        id: Arc::clone(&open.id),
        upstream: open.upstream(base?, auth?, HeaderMap::new(), refusal),
        currency: currency?,
        limit,
    }))
}

/// "Customer not found for merchant" is a 400 here, and so is "id must be a UUID": what is none is nobody's id.
fn refusal(status: u16, body: &[u8]) -> Option<Kind> {
    let nobody = || message_says(body, "not found") || message_says(body, "id must be a uuid");
    (status == 400 && nobody()).then_some(Kind::NotFound)
}

/// The query parameter of a reference, and the field of a loan that must then hold its value.
type Filter = (&'static str, fn(&Loan) -> Option<&str>);

fn filter(reference: &Reference) -> Filter {
    match reference.kind {
        "customer" => ("customer_id", |loan| loan.borrower.customer_id.as_deref()),
        "payment_method" => ("payment_method_id", |loan| {
            loan.provider_refs.get("payment_method_id").map(String::as_str)
        }),
        _ => ("merchant_customer_id", |loan| {
            loan.borrower.customer_external_id.as_deref()
        }),
    }
}

#[async_trait]
impl Provider for Belvo {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// There is no call for a parent loan: it is found among its customer's snapshots. Customer ids are alphanumeric,
    /// so the first tilde is ours.
    fn locate(&self, key: &str) -> Option<Scope> {
        let (merchant_customer, _) = key.split_once('~')?;
        snapshots_of(merchant_customer)
    }

    fn snapshots(&self) -> Option<&dyn Detail<Snapshot>> {
        Some(self)
    }

    async fn page(&self, call: &Call, scope: &Scope, number: u32) -> Result<Page, Error> {
        self.list(call, scope, number, Answers::NameTheirSubject).await
    }
}

/// Where all snapshots of a customer are.
fn snapshots_of(merchant_customer: &str) -> Option<Scope> {
    let text = format!("merchant_customer:{merchant_customer}");
    DESCRIPTOR.reference(&text).ok().map(Scope::Reference)
}

#[async_trait]
impl Detail<Snapshot> for Belvo {
    fn held(&self, _: &Loan) -> Option<Rows<Snapshot>> {
        None
    }

    /// There is no filter by loan: its snapshots are found among its customer's, newest first. One that cannot be read
    /// may be of any of the customer's loans.
    async fn ask(&self, call: &Call, loan: &Loan, number: u32) -> Result<Option<Rows<Snapshot>>, Error> {
        let customer = loan.borrower.customer_external_id.as_deref();
        let Some(scope) = customer.and_then(snapshots_of) else {
            return Ok(None);
        };
        let page = self.list(call, &scope, number, Answers::NameTheirSubject).await?;
        let mut rows = Rows {
            rows: Vec::new(),
            rejected: page.rejected,
            drift: page.drift,
            more: page.more == More::Yes,
            standing: page.standing,
        };
        for seen in page.loans.iter().filter(|seen| seen.id == loan.id) {
            let (snapshot, drift) = history::snapshot(seen);
            rows.rows.push(snapshot);
            rows.drift.extend(drift);
        }
        Ok(Some(rows))
    }
}

impl Belvo {
    async fn list(&self, call: &Call, scope: &Scope, number: u32, answers: Answers) -> Result<Page, Error> {
        let (page, limit) = (number.to_string(), self.limit.to_string());
        // Newest first: the first snapshot of a loan is the one to show.
        let mut query = vec![("page", page.as_str()), ("limit", &limit), ("order", "desc")];
        let asked = match scope {
            Scope::Reference(reference) => Some((filter(reference), reference.value.as_str())),
            Scope::Book | Scope::Loan(_) => None,
        };
        let operation = if asked.is_some() {
            "list_customer_loans"
        } else {
            "list_loans"
        };
        query.extend(asked.map(|((name, _), value)| (name, value)));
        let reply = self
            .upstream
            .get(call, operation, answers, &["loans"], &query)
            .await?;
        let (list, outline): (wire::List<'_>, _) = reply.read(envelope)?;
        let Records(rows) = list
            .items
            .ok_or_else(|| reply.failure(Kind::BadPayload, "It holds no list"))?;
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);

        let at = Mapping::of(&self.id, &reply).outlined(&outline);
        let mut page = Page::collect(&reply, rows, |row| map::loan(row, self.currency, &at));
        let meta = list.meta.as_ref();
        page.announced = Count::of(meta.and_then(|meta| meta.total_items));
        let size = Count::of(meta.and_then(|meta| meta.items_per_page)).unwrap_or(self.limit);
        page.more = match Count::of(meta.and_then(|meta| meta.total_pages)) {
            _ if count == 0 => More::No,
            Some(pages) => More::from(u64::from(number) < pages),
            None => More::from(count >= size),
        };
        if asked.is_some() && page.may_be_anybodys(&reply) {
            return Box::pin(self.list(call, scope, number, Answers::AreAnonymous)).await;
        }
        let page = page.numbered(&reply, number, meta.and_then(|meta| meta.current_page))?;
        match asked {
            Some(((_, actual), value)) => page.belongs(&reply, Some(value), actual),
            None => Ok(page),
        }
    }
}
