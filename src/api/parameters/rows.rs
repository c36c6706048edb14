//! What the rows of a loan are asked for.

use chrono::NaiveDate;

use super::Pairs;
use super::known::{FILTERS, ROWS};
use super::selection::DATE;
use crate::api::answers::{SCHEDULE, TRANSACTIONS};
use crate::api::cursor::Binding;
use crate::api::one_loan::OneLoan;
use crate::api::problem::{ParameterError, Problem};
use crate::gather::{Asker, Gateway, Query, Range, Whose};
use crate::loan::{Transaction, TransactionType};
use crate::record::{Want, calendar_date};

/// Which page, for whom.
#[derive(Debug)]
pub(in crate::api) struct RowsRequest {
    pub(in crate::api) asker: Asker,
    pub(in crate::api) limit: usize,
    pub(in crate::api) cursor: Option<String>,
    /// Names the loan and the question, for its cursors.
    pub(in crate::api) binding: Binding,
}

/// Which transactions. What is not known matches nothing that asks about it.
#[derive(Debug)]
pub(in crate::api) struct TransactionFilter {
    kinds: Vec<TransactionType>,
    posted: Range<NaiveDate>,
    monetary: Option<bool>,
    reversed: Option<bool>,
}

impl TransactionFilter {
    pub(in crate::api) fn matches(&self, row: &Transaction) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&row.kind))
            && self.posted.holds(row.posted_on)
            && self.monetary.is_none_or(|wanted| row.monetary == wanted)
            && self.reversed.is_none_or(|wanted| row.reversed == Some(wanted))
    }
}

impl Pairs {
    /// Reads the parameters of a loan's transactions.
    pub(in crate::api) fn transactions_request(
        mut self,
        loan: &OneLoan,
    ) -> Result<(RowsRequest, TransactionFilter), Problem> {
        self.refuse_others(&[ROWS, FILTERS]);
        let filter = TransactionFilter {
            kinds: self.words("type", TransactionType::ALL, TransactionType::as_str),
            posted: self.range(["from", "to"], DATE, calendar_date),
            monetary: self.flag("monetary"),
            reversed: self.flag("reversed"),
        };
        let request = self.page_of(loan, "transactions");
        self.finish((request, filter))
    }

    /// Reads the parameters of rows that have no filters.
    pub(in crate::api) fn rows_request(mut self, loan: &OneLoan, rows: &str) -> Result<RowsRequest, Problem> {
        self.refuse_others(&[ROWS]);
        let request = self.page_of(loan, rows);
        self.finish(request)
    }

    /// Reports everything that is wrong with these.
    pub(super) fn embedded(&mut self, gateway: &Gateway, query: &Query, want: Want) {
        for error in not_embedded(gateway, query, want) {
            self.problem(&error.parameter, error.detail);
        }
    }

    fn page_of(&mut self, loan: &OneLoan, rows: &str) -> RowsRequest {
        let of = [
            ("(rows)", rows),
            ("(connection)", &loan.connection),
            ("(loan)", &loan.key),
        ];
        RowsRequest {
            asker: self.asker(&loan.caller),
            limit: self.limit(),
            cursor: self.single("cursor"),
            binding: self.binding(&loan.caller, &of),
        }
    }
}

/// A list shows rows of its loans only where its upstream pages hold them; nobody is asked loan by loan.
pub(in crate::api) fn not_embedded(gateway: &Gateway, query: &Query, want: Want) -> Vec<ParameterError> {
    let mut errors = Vec::new();
    for connection in gateway.connections() {
        let asked = match &query.whose {
            Whose::Everybody { .. } => query.connections.contains(&connection.id),
            Whose::Of(named) => named.iter().any(|(id, _)| *id == connection.id),
        };
        let lacks = [
            ("schedule", want.schedule && !connection.embeds(SCHEDULE)),
            (
                "transactions",
                want.transactions && !connection.embeds(TRANSACTIONS),
            ),
        ];
        for (name, _) in lacks.iter().filter(|(_, lacks)| asked && *lacks) {
            errors.push(ParameterError {
                parameter: "include".to_owned(),
                detail: format!(
                    "`{name}` is not in the lists of `{}`; leave it out by `connection`, or ask GET /loans/{{id}}",
                    connection.id
                ),
            });
        }
    }
    errors
}
