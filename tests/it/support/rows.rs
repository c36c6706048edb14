//! Records as the providers send them, as text: a number in them has passed through no parser.

use bytes::Bytes;
use loangate::sim::{Fault, Provider, World};

/// A second loan that the same question brings, so that one bad record has a neighbour.
const NEIGHBOUR_LEDGER: &str = "777";

/// The least that makes a record of each provider a loan, and `more` fields behind it.
pub fn row(provider: Provider, id: &str, more: &str) -> String {
    let least = match provider {
        Provider::Goscore => format!(r#""account":"{id}""#),
        Provider::Carbon => format!(r#""application_id":"{id}""#),
        Provider::Bsa => format!(r#""id":"{id}","currencyCode":"TZS""#),
        Provider::Belvo => format!(r#""merchantCustomerId":"M","loanId":"{id}""#),
        Provider::Fineract => r#""currency":{"code":"NGN"}"#.to_owned(),
    };
    let comma = if more.is_empty() { "" } else { "," };
    format!("{{{least}{comma}{more}}}")
}

/// The field that holds an amount, with what else the record needs for it to be seen, and where it comes out.
pub fn amount(provider: Provider, token: &str) -> (String, &'static str) {
    match provider {
        Provider::Goscore => (
            format!(r#""current_balance":{token}"#),
            "/amounts/total_outstanding",
        ),
        Provider::Carbon => (format!(r#""amount":{token}"#), "/amounts/requested"),
        Provider::Bsa => (
            format!(r#""totalOutstanding":{token}"#),
            "/amounts/total_outstanding",
        ),
        Provider::Belvo => (format!(r#""totalBalance":{token}"#), "/amounts/total_outstanding"),
        Provider::Fineract => (
            format!(r#""type":{{"id":2}},"date":[2025,1,2],"amount":{token}"#),
            "/last_payment/amount",
        ),
    }
}

/// Puts a good record and the `suspect` one into the world. Fineract's records are ledgers: the suspect is a row of
/// one, and the good one another ledger.
pub fn put_beside_a_good_one(world: &World, provider: Provider, suspect: String) {
    match provider {
        Provider::Fineract => {
            world.set_records(provider, vec![suspect]);
            world.set_fineract_ledger(NEIGHBOUR_LEDGER, vec![row(provider, "", "")]);
        }
        _ => world.set_records(provider, vec![suspect, row(provider, "good", "")]),
    }
}

/// The question that brings both.
pub fn both(provider: Provider) -> String {
    match provider {
        Provider::Fineract => {
            format!("/loans?ref=fineract:loan:123&ref=fineract:loan:{NEIGHBOUR_LEDGER}")
        }
        _ => "/loans".to_owned(),
    }
}

/// A whole answer with these rows.
pub fn envelope(provider: Provider, rows: &[String]) -> String {
    let count = rows.len();
    let rows = rows.join(",");
    match provider {
        Provider::Goscore => format!(r#"{{"status":"done","loans":[{rows}]}}"#),
        Provider::Carbon => format!(r#"{{"status":"success","data":[{rows}],"total":{count}}}"#),
        Provider::Bsa => format!(r#"{{"items":[{rows}],"total":{count},"page":1,"rowsPerPage":100}}"#),
        Provider::Belvo => {
            format!(
                r#"{{"items":[{rows}],"meta":{{"totalItems":{count},"totalPages":1,"itemsPerPage":100}}}}"#
            )
        }
        Provider::Fineract => format!(r#"{{"succeeded":true,"data":[{rows}]}}"#),
    }
}

/// A fault that answers this body.
pub fn scripted(status: u16, content_type: &'static str, body: String) -> Fault {
    Fault::Raw {
        status,
        content_type,
        body: Bytes::from(body),
    }
}

/// The documents' sample record of each provider; Fineract's is a transaction.
pub fn sample(provider: Provider) -> serde_json::Value {
    let (text, path) = match provider {
        Provider::Goscore => (
            include_str!("../../../src/sim/documents/goscore_loans.json"),
            "/loans/0",
        ),
        Provider::Carbon => (
            include_str!("../../../src/sim/documents/carbon_loans_prose.json"),
            "/data/0",
        ),
        Provider::Bsa => (
            include_str!("../../../src/sim/documents/bsa_loans.json"),
            "/items/0",
        ),
        Provider::Belvo => (
            include_str!("../../../src/sim/documents/belvo_loans.json"),
            "/items/0",
        ),
        Provider::Fineract => (
            include_str!("../../../src/sim/documents/fineract_transactions.json"),
            "/data/0",
        ),
    };
    let document: serde_json::Value = serde_json::from_str(text).unwrap();
    document.pointer(path).unwrap().clone()
}
