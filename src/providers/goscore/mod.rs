//! GoScore (Norway): a person's unsecured debts and student loan, behind a consent. See `README.md` beside this
//! file.

mod map;
#[cfg(test)]
mod tests;
mod wire;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName};
use secrecy::SecretString;
use serde_json::value::RawValue;

use super::page::{Records, string};
use super::{Connecting, Descriptor, Mapping, More, Page, Provider, Scope, Standing, Verification};
use crate::loan::Currency;
use crate::record::{Drift, DriftKind, envelope};
use crate::upstream::{Answers, Auth, Call, Error, Kind, Reply, TokenSource, Upstream};

pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "goscore",
    coverage: "Unsecured debts and the student loan of a person who consented; no mortgages or other secured loans, no closed ones.",
    verification: Verification::DocsOnly,
    lists_book: false,
    references: &["consent"],
    announces_loans: false,
    connect,
};

/// The documents ask for at most one look per second while data is being collected.
const POLL_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct GoScore {
    id: Arc<str>,
    upstream: Upstream,
    currency: Currency,
    per_page: u64,
}

fn connect(open: &mut Connecting<'_, '_>) -> Option<Arc<dyn Provider>> {
    let base = open.base_url(Some("https://link.goscore.me/api/1.0"));
    let auth = match open.fixed_token() {
        Some(auth) => auth,
        None => minted(open, base.clone()),
    };
    let currency = open.currency("NOK");
    let per_page = open.page_size.unwrap_or(50);
    Some(Arc::new(GoScore {
        id: Arc::clone(&open.id),
        upstream: open.upstream(base?, auth?, HeaderMap::new(), |_, _| None),
        currency: currency?,
        per_page,
    }))
}

fn minted(open: &mut Connecting<'_, '_>, base: Option<Url>) -> Option<Auth> {
    let client_id = open.section.require_string("client_id");
    let secret_key = open.secret_header("secret_key");
    let client_id = open.header_or_problem("client_id", crate::upstream::secret_header(&client_id.into()));
    let mut url = base?;
    url.path_segments_mut().ok()?.pop_if_empty().push("auth");
    let credentials = vec![
        (HeaderName::from_static("client-id"), client_id?),
        (HeaderName::from_static("secret-key"), secret_key?),
    ];
    Some(open.minted_token(TokenSource::posted(url, credentials, read_token)))
}

/// `expire_at` has no zone; the sample's own token says that it is UTC.
fn read_token(body: &[u8]) -> Option<(SecretString, Option<DateTime<Utc>>)> {
    let wire::Token { token, expire_at } = serde_json::from_slice(body).ok()?;
    let ends = expire_at
        .and_then(|text| NaiveDateTime::parse_from_str(&text, "%m-%d-%Y %H:%M").ok())
        .map(|ends| ends.and_utc());
    Some((SecretString::from(token), ends))
}

#[async_trait]
impl Provider for GoScore {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// A loan is found among the others of its consent.
    fn locate(&self, key: &str) -> Option<Scope> {
        let (consent, _) = key.rsplit_once('~')?;
        DESCRIPTOR
            .reference(&format!("consent:{consent}"))
            .ok()
            .map(Scope::Reference)
    }

    /// No answer says whether there is a second page, so it is asked for together with the first.
    fn opening(&self) -> u32 {
        2
    }

    fn repetition_is_end(&self) -> bool {
        true
    }

    async fn page(&self, call: &Call, scope: &Scope, number: u32) -> Result<Page, Error> {
        let consent = match scope {
            Scope::Reference(reference) => &reference.value,
            Scope::Book | Scope::Loan(_) => {
                return Err(Error::new(
                    Kind::Internal,
                    "list_loans",
                    "It lists loans of a consent only",
                ));
            }
        };
        let (page, per_page) = (number.to_string(), self.per_page.to_string());
        let query = [("page", page.as_str()), ("per_page", &per_page)];
        let reply = self
            .upstream
            .get(
                call,
                "list_loans",
                Answers::AreAnonymous,
                &["loans", consent],
                &query,
            )
            .await?;
        let (answer, outline): (wire::Loans<'_>, _) = reply.read(envelope)?;
        if let Some(failure) = &answer.error {
            return Err(reply.failure(refused(failure), "It answered with an error in its body"));
        }

        let (standing, drift) = standing(&reply, answer.status.as_deref());
        let Records(rows) = match (answer.loans, &standing) {
            (Some(rows), _) => rows,
            (None, Standing::Incomplete(_) | Standing::Partial(_)) => Records::default(),
            (None, Standing::Complete) => return Err(reply.failure(Kind::BadPayload, "It holds no list")),
        };
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let user_data_id = answer.user_data_id.and_then(identifier);
        let person = map::Person {
            consent,
            user_data_id: user_data_id.as_deref(),
            currency: self.currency,
        };
        let at = Mapping::of(&self.id, &reply).outlined(&outline);
        let mut page = Page::collect(&reply, rows, |row| map::loan(row, &person, &at));
        // It stands beside the list and is repeated on every page.
        if number == 1
            && let Some(student) = answer.student_loan.filter(|student| has_fields(student))
        {
            page.add(map::student_loan(student, &person, &at));
        }
        page.standing = standing;
        page.drift.extend(drift);
        // A short page is not the end, because an unknown maximum may have cut it; more rows than asked is, because
        // then paging is ignored.
        page.more = More::from(count > 0 && count <= self.per_page);
        Ok(page)
    }
}

fn refused(failure: &wire::Failure<'_>) -> Kind {
    match failure.status {
        Some("TEMPORARY_ERROR") => Kind::Unavailable,
        _ => Kind::Rejected,
    }
}

/// What the state of the collection says about the answer. Done, partially done and error are final.
fn standing(reply: &Reply, status: Option<&str>) -> (Standing, Option<Drift>) {
    let incomplete = |kind, note| Standing::Incomplete(reply.failure(kind, note));
    match status {
        None | Some("done") => (Standing::Complete, None),
        Some("new" | "in_progress") => (
            Standing::Incomplete(reply.failure(Kind::Pending, "").after(POLL_AFTER)),
            None,
        ),
        Some("partially_done") => {
            let error = reply
                .failure(Kind::Unavailable, "It collected only part of the data, finally")
                .permanent();
            (Standing::Incomplete(error), None)
        }
        Some("error") => (
            incomplete(Kind::Rejected, "It could not collect the data, finally"),
            None,
        ),
        Some(_) => (
            incomplete(
                Kind::BadPayload,
                "It gives a state of collection that is not documented",
            ),
            Some(Drift {
                kind: DriftKind::UnknownValue,
                field: "status".to_owned(),
            }),
        ),
    }
}

/// `{}` means that the person never was a customer of the student loan fund, and null that it was not asked: no
/// record either way.
fn has_fields(student: &RawValue) -> bool {
    let text = student.get();
    text.starts_with('{') && text.trim_start_matches('{').trim_start() != "}"
}

/// An id that was a number until 2021 and is a string now.
fn identifier(raw: &RawValue) -> Option<Cow<'_, str>> {
    match raw.get() {
        "null" => None,
        text if text.starts_with('"') => string(raw),
        text => Some(Cow::Borrowed(text)),
    }
}
