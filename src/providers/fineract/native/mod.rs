//! Apache Fineract itself: a lender's whole book, behind Basic credentials and the name of a tenant.

mod fields;
mod map;
mod schedule;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

use super::{is_id, ledger};
use crate::loan::{Instalment, Loan, Transaction};
use crate::providers::page::{Count, Records, string};
use crate::providers::{
    Connecting, Descriptor, Detail, Mapping, More, Page, Provider, Rows, Scope, Standing, Verification,
};
use crate::record::{Drift, DriftKind, envelope};
use crate::upstream::{Answers, Auth, Call, Error, Kind, Reply, Upstream};

pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: super::DESCRIPTOR.name,
    coverage: "The whole loan book that one user of Apache Fineract may see, applications included.",
    verification: Verification::DocsOnly,
    lists_book: true,
    references: &["loan", "client"],
    announces_loans: true,
    connect: super::connect,
};

/// Enough for most of a page's work to be the rows, and little enough for a page to stay under a megabyte.
const PAGE: u64 = 100;

#[derive(Debug)]
struct Native {
    id: Arc<str>,
    upstream: Upstream,
    limit: u64,
}

/// Reads the settings of this flavour.
pub(super) fn connect(open: &mut Connecting<'_, '_>) -> Option<Arc<dyn Provider>> {
    let base = open.base_url(None);
    let username = open.section.require_string("username");
    if username.contains(':') {
        open.section
            .problem("username", "must not hold a colon, which ends it in the header");
    }
    let password = open.section.require_secret("password");
    let auth = open.header_or_problem("password", Auth::basic(&username, &password));
    let tenant = open.section.string_or("tenant", "default");
    let header = HeaderValue::from_str(&tenant).ok().filter(|_| !tenant.is_empty());
    if header.is_none() {
        open.section
            .problem("tenant", "must be a name that can be sent in an HTTP header");
    }
    let headers = HeaderMap::from_iter([(HeaderName::from_static("fineract-platform-tenantid"), header?)]);
    Some(Arc::new(Native {
        id: Arc::clone(&open.id),
        upstream: open.upstream(base?, auth?, headers, refusal),
        limit: open.page_size.unwrap_or(PAGE),
    }))
}

/// A refusal by a business rule or the database is 403 too; a tenant that is missing or unknown is a 400 that does not
/// come from the API, which names a code in all of its own.
fn refusal(status: u16, body: &[u8]) -> Option<Kind> {
    let code = serde_json::from_slice::<wire::Refusal>(body)
        .ok()
        .and_then(|refusal| refusal.user_message_globalisation_code);
    match (status, code.as_deref()) {
        (400, None) => Some(Kind::Unauthorized),
        (403, Some(code)) if code != "error.msg.not.authorized" => Some(Kind::Rejected),
        _ => None,
    }
}

#[async_trait]
impl Provider for Native {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    fn locate(&self, key: &str) -> Option<Scope> {
        is_id(key).then(|| Scope::Loan(key.to_owned()))
    }

    fn transactions(&self) -> Option<&dyn Detail<Transaction>> {
        Some(self)
    }

    fn schedule(&self) -> Option<&dyn Detail<Instalment>> {
        Some(self)
    }

    async fn page(&self, call: &Call, scope: &Scope, number: u32) -> Result<Page, Error> {
        match scope {
            Scope::Book => self.list(call, None, number).await,
            Scope::Reference(reference) if reference.kind == "client" => {
                self.list(call, Some(&reference.value), number).await
            }
            Scope::Reference(reference) => self.one(call, &reference.value).await,
            Scope::Loan(id) => self.one(call, id).await,
        }
    }
}

impl Native {
    async fn list(&self, call: &Call, client: Option<&str>, number: u32) -> Result<Page, Error> {
        let operation = if client.is_some() {
            "list_client_loans"
        } else {
            "list_loans"
        };
        if client.is_some_and(|client| !is_id(client)) {
            return Err(Error::new(Kind::NotFound, operation, "Ids are numbers here"));
        }
        let before = u64::from(number.saturating_sub(1)).saturating_mul(self.limit);
        let (limit, offset) = (self.limit.to_string(), before.to_string());
        // Without a limit a server gives the whole table and forgets the offset; without an order pages overlap.
        let mut query = vec![
            ("limit", limit.as_str()),
            ("offset", &offset),
            ("orderBy", "id"),
            ("sortOrder", "ASC"),
        ];
        query.extend(client.map(|client| ("clientId", client)));
        // A server that does not know `clientId` ignores it, so rows of others are no sign of a wrong answer.
        let answers = match client {
            Some(_) => Answers::AreAnonymous,
            None => Answers::NameTheirSubject,
        };
        let reply = self
            .upstream
            .get(call, operation, answers, &["loans"], &query)
            .await?;
        let (list, outline): (wire::List<'_>, _) = reply.read(envelope)?;
        let Records(rows) = list
            .page_items
            .ok_or_else(|| reply.failure(Kind::BadPayload, "It holds no list"))?;
        let total = Count::of(list.total_filtered_records);
        let came = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let read = before.saturating_add(came);
        // Rows of others are part of what may come again.
        let digest = client.and_then(|_| {
            rows.iter()
                .map(|row| xxh3_64(row.get().as_bytes()))
                .reduce(u64::wrapping_add)
        });

        let at = Mapping::of(&self.id, &reply).outlined(&outline);
        let theirs = rows
            .into_iter()
            .filter(|row| client.is_none_or(|client| is_of(row, client)));
        let mut page = Page::collect(&reply, theirs, |row| map::loan(row, &at));
        page.digest = digest.or(page.digest);
        page.more = More::from(came > 0 && total.is_none_or(|total| read < total));
        // The next page begins where this one should have ended.
        if came < self.limit && total.is_some_and(|total| read < total) {
            let short = "It gave fewer records than were asked for, and others were passed over";
            page.standing = Standing::Partial(reply.failure(Kind::BadPayload, short));
        }
        let left_out = came.saturating_sub(page.records());
        // Of one client the total is theirs only where the filter held, which the first of several pages cannot show.
        let whole = number == 1 && left_out == 0 && page.more == More::No;
        page.announced = total.filter(|_| client.is_none() || whole);
        Ok(page)
    }

    async fn one(&self, call: &Call, id: &str) -> Result<Page, Error> {
        let reply = self.detail(call, id).await?;
        let at = Mapping::of(&self.id, &reply);
        Page::collect(&reply, [reply.json()?], |row| map::loan(row, &at)).belongs(&reply, Some(id), |loan| {
            loan.provider_refs.get("loan_id").map(String::as_str)
        })
    }

    async fn detail(&self, call: &Call, id: &str) -> Result<Reply, Error> {
        if !is_id(id) {
            return Err(Error::new(Kind::NotFound, "get_loan", "Ids are numbers here"));
        }
        let query = [("associations", "repaymentSchedule,transactions")];
        self.upstream
            .get(
                call,
                "get_loan",
                Answers::NameTheirSubject,
                &["loans", id],
                &query,
            )
            .await
    }
}

/// Whether a row says that it is this client's. One that does not say whose it is, is nobody's here.
fn is_of(row: &RawValue, client: &str) -> bool {
    let whose = serde_json::from_str::<wire::Whose<'_>>(row.get()).ok();
    whose
        .and_then(|whose| whose.client_id)
        .is_some_and(|id| says(id, client))
}

/// Whether an id, as a number or as text, is this one.
fn says(raw: &RawValue, id: &str) -> bool {
    string(raw).as_deref().unwrap_or(raw.get()) == id
}

/// The ledger is in the detail of a loan, not in a list.
#[async_trait]
impl Detail<Transaction> for Native {
    fn held(&self, loan: &Loan) -> Option<Rows<Transaction>> {
        transactions(loan, loan.received.main()?.text())
    }

    async fn ask(&self, call: &Call, loan: &Loan, _: u32) -> Result<Option<Rows<Transaction>>, Error> {
        let reply = self.asked(call, loan).await?;
        let text: &RawValue = reply.json()?;
        Ok(Some(asked_for(transactions(loan, text.get()), "transactions")))
    }
}

/// So is the schedule.
#[async_trait]
impl Detail<Instalment> for Native {
    fn held(&self, loan: &Loan) -> Option<Rows<Instalment>> {
        schedule(loan, loan.received.main()?.text())
    }

    async fn ask(&self, call: &Call, loan: &Loan, _: u32) -> Result<Option<Rows<Instalment>>, Error> {
        let reply = self.asked(call, loan).await?;
        let text: &RawValue = reply.json()?;
        Ok(Some(asked_for(schedule(loan, text.get()), "repaymentSchedule")))
    }
}

impl Native {
    /// The detail of a loan that came from a list.
    async fn asked(&self, call: &Call, loan: &Loan) -> Result<Reply, Error> {
        let id = loan.provider_refs.get("loan_id").map_or("", String::as_str);
        let reply = self.detail(call, id).await?;
        let whose: wire::Whose<'_> = reply.json()?;
        if !whose.id.is_some_and(|own| says(own, id)) {
            return Err(reply.disown("It holds records that were not asked for"));
        }
        Ok(reply)
    }
}

/// `None` where there is no such list, or no record that lists could be in.
fn transactions(loan: &Loan, text: &str) -> Option<Rows<Transaction>> {
    let Ok(lists) = serde_json::from_str::<wire::Lists<'_>>(text) else {
        return Some(Rows::unreadable(
            "get_loan",
            "Its ledger cannot be told from another",
        ));
    };
    let rows = match serde_json::from_str(lists.transactions?.get()) {
        Ok(rows) => ledger::of(loan, text, fields::TRANSACTION).rows(&rows),
        Err(_) => Rows::unreadable("get_loan", "Its ledger is not a list"),
    };
    Some(rows)
}

fn schedule(loan: &Loan, text: &str) -> Option<Rows<Instalment>> {
    let Ok(lists) = serde_json::from_str::<wire::Lists<'_>>(text) else {
        return Some(Rows::unreadable(
            "get_loan",
            "Its schedule cannot be told from another",
        ));
    };
    let rows = match serde_json::from_str::<wire::Schedule<'_>>(lists.repayment_schedule?.get()) {
        Ok(plan) => schedule::rows(loan, &plan.periods.unwrap_or_default()),
        Err(_) => Rows::unreadable("get_loan", "Its schedule is not a list"),
    };
    Some(rows)
}

/// The rows of a detail that was asked for them: one that does not have the key has none yet. The loan of that detail is
/// not mapped, so it is here that a key of another type is counted.
fn asked_for<T>(rows: Option<Rows<T>>, key: &str) -> Rows<T> {
    let mut rows = rows.unwrap_or_else(Rows::none);
    if rows.standing != Standing::Complete {
        rows.drift.push(Drift {
            kind: DriftKind::ChangedType,
            field: key.to_owned(),
        });
    }
    rows
}
