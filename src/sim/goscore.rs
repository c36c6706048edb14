//! `GoScore`: the debts of one person, by consent.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::book::{Book, Order};
use super::front::Bend;
use super::provider::Provider;
use super::record::quoted;
use super::reply::{Reply, failure};
use super::request::{Ask, Call};
use super::world::World;

/// The consent under which the page's sample is served.
pub(super) const SAMPLE_CONSENT: &str = "6915ab99857fec1e6f2f6c078";
const SAMPLE: &str = include_str!("documents/goscore_loans.json");
const SAMPLE_USER: &str = "5c6985db-980b-4dba-a58e-c11faa5ea052";

#[derive(Deserialize)]
struct Sample<'a> {
    #[serde(borrow)]
    loans: Vec<&'a RawValue>,
    #[serde(borrow)]
    student_loan: &'a RawValue,
}

/// What has been collected under a consent.
#[derive(Clone, Debug)]
pub(super) struct Consent {
    status: String,
    /// Raw JSON; `None` leaves the key out.
    student_loan: Option<String>,
    book: Book,
    /// The page's own text, served while nobody asks for less than all of it.
    verbatim: bool,
}

impl Consent {
    pub(super) fn new(status: &str, student_loan: Option<&str>, book: Book) -> Self {
        Self {
            status: status.to_owned(),
            student_loan: student_loan.map(str::to_owned),
            book,
            verbatim: false,
        }
    }
}

fn sample() -> Option<Sample<'static>> {
    serde_json::from_str(SAMPLE).ok()
}

pub(super) fn sample_rows() -> Vec<String> {
    sample()
        .map(|sample| sample.loans.iter().map(|row| row.get().to_owned()).collect())
        .unwrap_or_default()
}

/// The page's consent with `debts`, and one for each other way a collection can stand.
pub(super) fn consents(debts: Book) -> BTreeMap<String, Consent> {
    let rows = sample_rows();
    let student_loan = sample().map(|sample| sample.student_loan.get());
    let some = |count: usize| Book::of(rows.iter().take(count).cloned().collect());
    let verbatim = debts.len() == rows.len();
    BTreeMap::from([
        (
            SAMPLE_CONSENT.to_owned(),
            Consent {
                verbatim,
                ..Consent::new("done", student_loan, debts)
            },
        ),
        (
            "consent-in-progress".to_owned(),
            Consent::new("in_progress", None, some(0)),
        ),
        (
            "consent-no-student".to_owned(),
            Consent::new("done", Some("{}"), some(2)),
        ),
        (
            "consent-partial".to_owned(),
            Consent::new("partially_done", None, some(1)),
        ),
        ("consent-error".to_owned(), Consent::new("error", None, some(0))),
    ])
}

pub(super) fn answer(world: &World, ask: &Ask, bend: Bend) -> Reply {
    let Call::Loans(Some(id)) = &ask.call else {
        return failure(Provider::Goscore, 404, "Not found");
    };
    let Some(consent) = world.with(|state| state.consents.get(id).cloned()) else {
        return failure(Provider::Goscore, 404, "User data was not found");
    };
    let page = ask.count("page").unwrap_or(1);
    let asked_size = ask.count("per_page");
    if consent.verbatim && asked_size.is_none() && page == 1 && !bend.new_words {
        return Reply::json(SAMPLE);
    }
    let book = &consent.book;
    // Without `per_page` everything is on the first page; with it, no more than the server likes.
    let size = asked_size.map_or(book.len(), |n| {
        world.with(|state| state.clamped(Provider::Goscore, n))
    });
    let page = if bend.pages_loop { 1 } else { page };
    // Given rows keep the order they were given in: the provider promises none and has none to ask for.
    let rows = book.page(&book.all(|_| ()), Order::Ascending, page, size);
    let shown = |text: &str| bend.shown(Provider::Goscore, text);
    let loans = rows.iter().map(|row| shown(row)).collect::<Vec<_>>().join(",");
    let student_loan = consent
        .student_loan
        .as_ref()
        .map(|loan| format!(r#""student_loan":{},"#, shown(loan)))
        .unwrap_or_default();
    Reply::json(format!(
        r#"{{"loans":[{loans}],{student_loan}"user_data_id":"{SAMPLE_USER}","status":{}}}"#,
        quoted(&consent.status)
    ))
}
