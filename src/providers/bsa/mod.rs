//! BSA LMS (Tanzania): one lender's serviced loans. See `README.md` beside this file.

mod details;
mod history;
mod map;
mod parts;
mod schedule;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;
use secrecy::SecretString;

use super::page::{Count, Records};
use super::{Connecting, Descriptor, Detail, Mapping, More, Page, Provider, Scope, Verification};
use crate::loan::{Instalment, Transaction};
use crate::record::envelope;
use crate::upstream::{Answers, Auth, Call, Error, Kind, TokenSource, Upstream};

pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "bsa",
    coverage: "One lender's whole loan book in its loan-management system, applications included.",
    verification: Verification::DocsOnly,
    lists_book: true,
    references: &["customer", "customer_external"],
    announces_loans: true,
    connect,
};

/// More rows than this are an error upstream, not a clamp.
const MAX_ROWS: u64 = 100;

#[derive(Debug)]
struct Bsa {
    id: Arc<str>,
    upstream: Upstream,
    rows: u64,
}

fn connect(open: &mut Connecting<'_, '_>) -> Option<Arc<dyn Provider>> {
    let base = open.base_url(Some("https://api-staging.bsa.ai"));
    let auth = match open.fixed_token() {
        Some(auth) => {
            // Harmless beside a fixed token, and a contract-shaped file may hold them.
            open.section.base_url("auth_url", Some("https://auth-api.bsa.ai"));
            auth
        }
        None => minted(open),
    };
    let rows = open.page_size.unwrap_or(MAX_ROWS).min(MAX_ROWS);
    Some(Arc::new(Bsa {
        id: Arc::clone(&open.id),
        upstream: open.upstream(base?, auth?, HeaderMap::new(), refusal),
        rows,
    }))
}

/// Ids are numbers so far, and another one is a 400 that names the parameter (<https://docs.lms.bsa.ai/customers/get>): what
/// is none is nobody's id. They may become UUIDs, so it is for the LMS to say.
fn refusal(status: u16, body: &[u8]) -> Option<Kind> {
    let of_an_id = || {
        let wire::Refusal { message } = serde_json::from_slice(body).ok()?;
        let wrong: Vec<wire::Wrong> = serde_json::from_str(&message).ok()?;
        let mut wrong = wrong.iter().map(|wrong| wrong.field.as_str());
        Some(wrong.any(|field| matches!(field, "loan_id" | "customerId")))
    };
    (status == 400 && of_an_id() == Some(true)).then_some(Kind::NotFound)
}

/// Basic credentials go to the auth host only; the API host sees the token.
fn minted(open: &mut Connecting<'_, '_>) -> Option<Auth> {
    let auth_url = open.section.base_url("auth_url", Some("https://auth-api.bsa.ai"));
    let email = open.section.require_string("email");
    let password = open.section.require_secret("password");
    let mut url = auth_url?;
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(["v1", "auth", "token"]);
    let source = TokenSource::fetched_with_basic(url, &email, &password, read_token);
    let source = open.header_or_problem("password", source)?;
    Some(open.minted_token(source))
}

/// The answer holds only the token; when it ends is its own claim.
fn read_token(body: &[u8]) -> Option<(SecretString, Option<DateTime<Utc>>)> {
    let wire::Token { token } = serde_json::from_slice(body).ok()?;
    let claims = token
        .split('.')
        .nth(1)
        .and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
    let ends = claims
        .and_then(|claims| serde_json::from_slice::<wire::Claims>(&claims).ok())
        .and_then(|claims| DateTime::from_timestamp(claims.exp, 0));
    Some((SecretString::from(token), ends))
}

#[async_trait]
impl Provider for Bsa {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    fn locate(&self, key: &str) -> Option<Scope> {
        // `external` is the API's own word in the place of an id.
        (key != "external").then(|| Scope::Loan(key.to_owned()))
    }

    fn transactions(&self) -> Option<&dyn Detail<Transaction>> {
        Some(self)
    }

    fn schedule(&self) -> Option<&dyn Detail<Instalment>> {
        Some(self)
    }

    async fn page(&self, call: &Call, scope: &Scope, number: u32) -> Result<Page, Error> {
        match scope {
            Scope::Book => self.list(call, None, number, Answers::NameTheirSubject).await,
            Scope::Reference(reference) if reference.kind == "customer" => {
                let customer = Some(("customerId", reference.value.as_str()));
                self.list(call, customer, number, Answers::NameTheirSubject).await
            }
            // Rows do not hold the partner's id of their customer.
            Scope::Reference(reference) => {
                let customer = Some(("customerExternalId", reference.value.as_str()));
                self.list(call, customer, number, Answers::AreAnonymous).await
            }
            Scope::Loan(id) => self.one(call, id).await,
        }
    }
}

impl Bsa {
    async fn list(
        &self,
        call: &Call,
        customer: Option<(&str, &str)>,
        number: u32,
        answers: Answers,
    ) -> Result<Page, Error> {
        let (page, rows) = (number.to_string(), self.rows.to_string());
        // Without an order the LMS promises none and pages overlap. Its `status` filter scans only 1,000 loans and
        // is never sent.
        let mut query = vec![
            ("page", page.as_str()),
            ("rows", &rows),
            ("orderBy", "id"),
            ("sortOrder", "ASC"),
        ];
        query.extend(customer);
        let operation = if customer.is_some() {
            "list_customer_loans"
        } else {
            "list_loans"
        };
        let reply = self
            .upstream
            .get(call, operation, answers, &["v1", "loans"], &query)
            .await?;
        let (list, outline): (wire::List<'_>, _) = reply.read(envelope)?;
        if list.items.is_none() && list.total.is_none() {
            return Err(reply.failure(Kind::BadPayload, "It holds no list"));
        }
        let Records(rows) = list.items.unwrap_or_default();
        let empty = rows.is_empty();

        let at = Mapping::of(&self.id, &reply).outlined(&outline);
        let mut page = Page::collect(&reply, rows, |row| map::loan(row, &at));
        page.announced = Count::of(list.total);
        let rows = Count::of(list.rows_per_page).unwrap_or(self.rows);
        let read = u64::from(number).saturating_mul(rows);
        page.more = More::from(!empty && page.announced.is_none_or(|total| read < total));
        if customer.is_some() && page.may_be_anybodys(&reply) {
            return Box::pin(self.list(call, customer, number, Answers::AreAnonymous)).await;
        }
        let asked = customer.and_then(|(name, value)| (name == "customerId").then_some(value));
        page.numbered(&reply, number, list.page)?
            .belongs(&reply, asked, |loan| loan.borrower.customer_id.as_deref())
    }

    async fn one(&self, call: &Call, id: &str) -> Result<Page, Error> {
        let reply = self
            .upstream
            .get(
                call,
                "get_loan",
                Answers::NameTheirSubject,
                &["v1", "loans", id],
                &[],
            )
            .await?;
        let at = Mapping::of(&self.id, &reply);
        Page::collect(&reply, [reply.json()?], |row| map::loan(row, &at)).belongs(&reply, Some(id), |loan| {
            loan.provider_refs.get("loan_id").map(String::as_str)
        })
    }
}
