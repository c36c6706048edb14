//! Apache Fineract behind a .NET wrapper: the transactions of one loan, all at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::front::Bend;
use super::generate::Recipe;
use super::provider::Provider;
use super::record::{quoted, rows_of, with_new_words};
use super::reply::{Reply, failure};
use super::request::{Ask, Call};
use super::world::World;

/// The loan of the page's example.
pub(super) const SAMPLE_LOAN: &str = "123";
const EMPTY_LOAN: &str = "124";
const SAMPLE: &str = include_str!("documents/fineract_transactions.json");

fn sample_rows() -> Vec<String> {
    rows_of(SAMPLE, "data")
}

/// The transactions of every loan.
#[derive(Clone, Debug)]
pub(super) struct Ledgers {
    given: BTreeMap<String, Arc<[String]>>,
    generated: Recipe,
}

impl Ledgers {
    pub(super) fn documents(generated: Recipe) -> Self {
        let mut ledgers = Self {
            given: BTreeMap::new(),
            generated,
        };
        ledgers.set(SAMPLE_LOAN, sample_rows());
        ledgers.set(EMPTY_LOAN, Vec::new());
        ledgers
    }

    pub(super) fn set(&mut self, loan_id: &str, rows: Vec<String>) {
        self.given.insert(loan_id.to_owned(), rows.into());
    }

    /// The schedule of a generated loan, and whether money was paid out.
    pub(super) fn schedule(&self, loan_id: &str) -> Option<(String, bool)> {
        self.generated.schedule(loan_id)
    }

    pub(super) fn rows(&self, loan_id: &str) -> Option<String> {
        self.given
            .get(loan_id)
            .map(|rows| rows.join(","))
            .or_else(|| self.generated.ledger(loan_id).map(|rows| rows.join(",")))
    }

    pub(super) fn bent(&self, loan_id: &str) -> Option<String> {
        let rows = match self.given.get(loan_id) {
            Some(rows) => rows.to_vec(),
            None => self.generated.ledger(loan_id)?,
        };
        Some(
            rows.iter()
                .map(|row| with_new_words(Provider::Fineract, row))
                .collect::<Vec<_>>()
                .join(","),
        )
    }
}

pub(super) fn answer(world: &World, ask: &Ask, bend: Bend) -> Reply {
    let Call::Transactions(loan_id) = &ask.call else {
        return failure(Provider::Fineract, 404, "Not found");
    };
    let ledgers = world.with(|state| state.ledgers.clone());
    let rows = if bend.new_words {
        ledgers.bent(loan_id)
    } else {
        ledgers.rows(loan_id)
    };
    match rows {
        Some(rows) => Reply::json(format!(
            r#"{{"succeeded":true,"message":null,"errors":null,"data":[{rows}]}}"#
        )),
        None if loan_id.parse::<i64>().is_err() => not_a_number(loan_id),
        None if ask.header("accept-language").starts_with("fr") => failure(
            Provider::Fineract,
            404,
            &format!("Le prêt avec l'identifiant {loan_id} n'existe pas"),
        ),
        None => failure(
            Provider::Fineract,
            404,
            &format!("Loan with identifier {loan_id} does not exist"),
        ),
    }
}

/// Refused by model binding, before the wrapper's own error handler sees it.
fn not_a_number(loan_id: &str) -> Reply {
    let complaint = quoted(&format!("The value '{loan_id}' is not valid."));
    let body = format!(
        concat!(
            r#"{{"type":"https://tools.ietf.org/html/rfc7231#section-6.5.1","#,
            r#""title":"One or more validation errors occurred.","status":400,"#,
            r#""traceId":"00-8a5c1b0d5f0e4b3f9d0c6e7a1b2c3d4e-1f2e3d4c5b6a7988-00","#,
            r#""errors":{{"LoanId":[{}]}}}}"#
        ),
        complaint
    );
    Reply::new(400, "application/problem+json; charset=utf-8", body)
}
