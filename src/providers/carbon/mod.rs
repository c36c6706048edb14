//! Carbon (Nigeria): applications for business loans, in kobo. See `README.md` beside this file.

mod detail;
mod map;
mod schedule;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::HeaderMap;

use super::page::{Count, Records, message_says};
use super::{Connecting, Descriptor, Detail, Mapping, More, Page, Provider, Scope, Verification};
use crate::loan::{Currency, Instalment};
use crate::record::{Unit, envelope, within};
use crate::upstream::{Answers, Call, Error, Kind, Reply, Upstream};

pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "carbon",
    coverage: "Loan applications made under one merchant's API key; what is owed on a disbursed loan is not in the list.",
    verification: Verification::DocsOnly,
    lists_book: true,
    references: &["customer"],
    announces_loans: true,
    connect,
};

/// Words that the API uses in the place of an application id.
const RESERVED: &[&str] = &["active", "apply", "customers", "calculate-repayment"];

#[derive(Debug)]
struct Carbon {
    id: Arc<str>,
    upstream: Upstream,
    currency: Currency,
    unit: Unit,
    page_size: String,
}

fn connect(open: &mut Connecting<'_, '_>) -> Option<Arc<dyn Provider>> {
    let base = open.base_url(Some("https://carbonapistagingsecure.getcarbon.co/baas/api"));
    let auth = open.secret_headers(&[("apikey", "api_key"), ("x-carbon-key", "carbon_key")]);
    let currency = open.currency("NGN");
    let unit = open.unit(Unit::Minor);
    Some(Arc::new(Carbon {
        id: Arc::clone(&open.id),
        upstream: open.upstream(base?, auth?, HeaderMap::new(), refusal),
        currency: currency?,
        unit,
        page_size: open.page_size.unwrap_or(100).to_string(),
    }))
}

/// Not found is HTTP 400 here. <https://docs.getcarbon.co/api-reference/loans/get-loan>
fn refusal(status: u16, body: &[u8]) -> Option<Kind> {
    (status == 400 && message_says(body, "not found")).then_some(Kind::NotFound)
}

#[async_trait]
impl Provider for Carbon {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    fn locate(&self, key: &str) -> Option<Scope> {
        (!RESERVED.contains(&key)).then(|| Scope::Loan(key.to_owned()))
    }

    fn schedule(&self) -> Option<&dyn Detail<Instalment>> {
        Some(self)
    }

    async fn page(&self, call: &Call, scope: &Scope, number: u32) -> Result<Page, Error> {
        match scope {
            Scope::Book => self.list(call, None, number, Answers::NameTheirSubject).await,
            Scope::Reference(reference) => {
                self.list(call, Some(&reference.value), number, Answers::NameTheirSubject)
                    .await
            }
            Scope::Loan(application) => self.one(call, application).await,
        }
    }
}

impl Carbon {
    async fn list(
        &self,
        call: &Call,
        customer: Option<&str>,
        number: u32,
        answers: Answers,
    ) -> Result<Page, Error> {
        let page = number.to_string();
        let operation = if customer.is_some() {
            "list_customer_loans"
        } else {
            "list_loans"
        };
        let mut query = vec![("page", page.as_str()), ("limit", &self.page_size)];
        query.extend(customer.map(|customer| ("customer_id", customer)));
        let reply = self
            .upstream
            .get(call, operation, answers, &["v1", "loans"], &query)
            .await?;
        let (list, outline): (wire::List<'_>, _) = reply.read(envelope)?;
        succeeded(&reply, list.status.as_deref())?;
        let Records(rows) = list
            .data
            .and_then(within)
            .ok_or_else(|| reply.failure(Kind::BadPayload, "It holds no list"))?;
        let empty = rows.is_empty();

        let at = Mapping::of(&self.id, &reply).outlined(&outline);
        let mut page = Page::collect(&reply, rows, |row| map::loan(row, self.currency, self.unit, &at));
        let pagination = list.pagination.as_ref();
        page.announced = Count::of(pagination.and_then(|page| page.total).or(list.total));
        page.more = match Count::of(pagination.and_then(|page| page.pages)) {
            _ if empty => More::No,
            Some(pages) => More::from(u64::from(number) < pages),
            // The largest `limit` is not documented, and this envelope does not say which one was used.
            None => More::UntilAnnounced,
        };
        if customer.is_some() && page.may_be_anybodys(&reply) {
            return Box::pin(self.list(call, customer, number, Answers::AreAnonymous)).await;
        }
        let echoed = pagination.and_then(|page| page.page);
        page.numbered(&reply, number, echoed)?
            .belongs(&reply, customer, |loan| loan.borrower.customer_id.as_deref())
    }
}

/// A 200 may still carry `status: "error"` or `"failed"`.
fn succeeded(reply: &Reply, status: Option<&str>) -> Result<(), Error> {
    match status {
        None | Some("success") => Ok(()),
        Some(_) => Err(reply.failure(Kind::Rejected, "It answered with an error in its body")),
    }
}
