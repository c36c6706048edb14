//! `GET /loans/{id}/explain`: what the upstream sent, beside what was made of it, field by field.

use axum::response::Response;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::answers::{One, ROOM, respond, with};
use super::json::Facts;
use super::one_loan::OneLoan;
use super::openapi::{ExplanationParameters, Explanations};
use super::parameters::Pairs;
use super::problem::Problem;
use crate::gather::Status;
use crate::loan::{AS_OF, Field as Canonical, Finding, Json, Loan, Missing, Origin};
use crate::record::{Sent, Want, account, shown};

/// What the upstream sent, and what was made of it.
#[derive(Serialize, ToSchema)]
pub(super) struct Explanation<'a> {
    /// The canonical loan.
    loan: &'a Loan,
    /// The upstream records, as received; of several the one the loan itself is made from comes first.
    records: Vec<Record>,
    /// Every canonical field, in the order of the loan.
    fields: Vec<Field>,
}

/// An upstream record.
#[derive(Serialize, ToSchema)]
#[schema(as = ReceivedRecord)]
struct Record {
    /// Which of the loan's records it is; `loan` is the one the loan itself is made from.
    name: &'static str,
    /// As received, but for what is about the person; null where it is none any more.
    #[schema(value_type = Json)]
    received: Option<Json>,
}

/// A canonical field: what it is, and what it was made from.
#[derive(Serialize, ToSchema)]
#[schema(as = ExplainedField)]
struct Field {
    /// Its path in the loan.
    #[serde(rename = "field")]
    path: String,
    /// What it is.
    #[schema(value_type = Json)]
    value: Value,
    /// Where the value came from; null where there is none.
    origin: Option<Origin>,
    /// Why there is no value; null where there is one.
    missing: Option<Missing>,
    /// Path in the upstream record, or in parentheses what else it came from.
    source: Option<String>,
    /// What the upstream sent under the name in `source`; null where that is no single field of a record.
    #[schema(value_type = Json)]
    received: Option<Json>,
}

/// A canonical value. When the data is of is no fact of a loan, and does not change the tag.
struct Value {
    json: Json,
    is_moment: bool,
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_moment {
            serializer.serialize_newtype_struct(AS_OF, &self.json)
        } else {
            self.json.serialize(serializer)
        }
    }
}

/// What the upstream sent, beside what was made of it, field by field.
#[utoipa::path(
    get,
    path = "/loans/{id}/explain",
    operation_id = "explain_loan",
    tag = "loans",
    params(("id" = String, Path, description = "The loan's `id`."), ExplanationParameters),
    responses((status = 200, description = "The explanation", body = One<'_, Explanation<'_>>), Explanations)
)]
pub(super) async fn explain(loan: OneLoan, pairs: Pairs) -> Result<Response, Problem> {
    let (want, asker) = pairs.explanation(&loan.caller)?;
    let (found, source) = loan.find(&asker, loan.api.gateway.deadline()).await?;
    let complete = source.status == Status::Ok;
    loan.caller
        .audit()
        .gives(1, complete, std::slice::from_ref(&source));
    let shown = with(&found, want);
    let body = One {
        data: Facts(explanation(&found, &shown, want)),
        complete,
        sources: std::slice::from_ref(&source),
        request_id: loan.id.as_str(),
    };
    respond(&loan.headers, &body, ROOM, (complete, false), body.sources)
}

fn explanation<'a>(loan: &Loan, presented: &'a Loan, want: Want) -> Explanation<'a> {
    let records = loan.received.records().iter();
    let records: Vec<_> = records
        .map(|record| (record.name(), shown(record, want)))
        .collect();
    let sent = Sent::of(&records);
    let fields = account(loan).into_iter().map(|account| Field {
        received: account.received(&sent),
        value: Value {
            json: account.value,
            is_moment: account.path == Canonical::AsOf.path(),
        },
        path: account.path.into_owned(),
        origin: match account.finding {
            Some(Finding::Is(origin)) => Some(origin),
            Some(Finding::Missing(_)) | None => None,
        },
        missing: match account.finding {
            Some(Finding::Missing(why)) => Some(why),
            Some(Finding::Is(_)) | None => None,
        },
        source: Some(account.source).filter(|source| !source.is_empty()),
    });
    let fields = fields.collect();
    let records = records.into_iter().map(|(name, received)| Record {
        name: match name {
            "" => "loan",
            name => name,
        },
        received,
    });
    Explanation {
        loan: presented,
        records: records.collect(),
        fields,
    }
}
