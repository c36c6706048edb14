//! Single records: new words, holes, amounts, and what makes one unusable.

use loangate::sim::{Fault, Provider, World};
use serde_json::Value;

use crate::support::keys::assert_canonical;
use crate::support::rows::{amount, both, put_beside_a_good_one, row, sample};
use crate::support::{Running, Setup};

const NEW_WORD: &str = "SOMETHING_NEW";

pub(super) async fn unknown_enum_survives(provider: Provider) {
    let world = World::documents();
    let gateway = Setup::only(provider, &world).start().await;
    let healthy = gateway.get("/loans").await;
    world.set_fault(provider, Fault::NewEnum);

    let answer = gateway.get("/loans").await;

    answer.assert_complete();
    assert_eq!(answer.loans().len(), healthy.loans().len());
    for loan in answer.loans() {
        assert_canonical(&loan);
        let student = loan["kind"] == "student_loan";
        let (field, native, flagged) = match provider {
            Provider::Goscore if !student => ("kind", Some("native_kind"), "kind"),
            // Rows have types and the loan has none: there is no place for the word, and the balance misses the row.
            Provider::Fineract => ("status", None, "amounts.principal_outstanding"),
            _ => ("status", Some("native_status"), "status"),
        };
        assert_eq!(loan[field], "unknown", "{loan}");
        if let Some(native) = native {
            assert_eq!(loan[native], NEW_WORD, "{loan}");
        }
        let flags = loan["flags"].as_array().unwrap();
        let flag = serde_json::json!({"code": "unknown_native_value", "field": flagged});
        assert!(flags.contains(&flag), "{loan}");
    }
    assert!(unknown_values(&gateway, provider).await > 0);
}

async fn unknown_values(gateway: &Running, provider: Provider) -> u64 {
    let connection = gateway.get(&format!("/connections/{provider}")).await;
    assert_eq!(connection.status, 200, "{connection:?}");
    let json = connection.json();
    let drift = json["data"]["drift"].as_array().unwrap();
    let unknown = drift.iter().filter(|drift| drift["kind"] == "unknown_value");
    unknown.map(|drift| drift["count"].as_u64().unwrap()).sum()
}

/// The only loan of a world with one record.
async fn only_loan(provider: Provider, row: String) -> Value {
    let world = World::documents();
    world.set_records(provider, vec![row]);
    let gateway = Setup::only(provider, &world).start().await;
    let answer = gateway.get("/loans").await;
    answer.assert_complete();
    let mut loans = answer.loans();
    assert_eq!(loans.len(), 1, "{loans:?}");
    loans.remove(0)
}

/// Asserts that nothing about the debt is known, and that nothing is claimed to be.
fn assert_nothing_known(loan: &Value) {
    assert_canonical(loan);
    for group in ["amounts", "dates", "next_payment", "last_payment", "term"] {
        for (name, value) in loan[group].as_object().unwrap() {
            assert!(value.is_null(), "{group}.{name}: {loan}");
        }
    }
    assert!(loan["rate"]["percent"].is_null(), "{loan}");
    assert!(loan["delinquency"]["days_past_due"].is_null(), "{loan}");
    assert_eq!(loan["arrangement"], "unknown", "{loan}");
    let malformed = loan["flags"].to_string().contains("malformed_field");
    assert!(!malformed, "absent and null are not malformed: {loan}");
}

pub(super) async fn missing_fields_are_null(provider: Provider) {
    let loan = only_loan(provider, row(provider, "1", "")).await;
    assert_nothing_known(&loan);
    assert_eq!(loan["extensions"], serde_json::json!({}), "{loan}");
}

pub(super) async fn null_fields_are_null(provider: Provider) {
    let least: Value = serde_json::from_str(&row(provider, "1", "")).unwrap();
    let nulls: Vec<String> = sample(provider)
        .as_object()
        .unwrap()
        .keys()
        .filter(|key| least.get(key).is_none())
        .map(|key| format!("\"{key}\":null"))
        .collect();
    assert!(nulls.len() > 5);
    let loan = only_loan(provider, row(provider, "1", &nulls.join(","))).await;
    assert_nothing_known(&loan);
}

/// Token, amount in major units, amount where the token counts hundredths.
const EXACT: [(&str, &str, &str); 7] = [
    ("99999999999999.99", "99999999999999.99", "999999999999.9999"),
    (
        "123456789012345678.91",
        "123456789012345678.91",
        "1234567890123456.7891",
    ),
    ("833.330000", "833.33", "8.3333"),
    ("1e3", "1000.00", "10.00"),
    ("0.10", "0.10", "0.001"),
    (
        "1234567890123456789012345678",
        "1234567890123456789012345678.00",
        "12345678901234567890123456.78",
    ),
    (
        "12345678901234567890123456.78",
        "12345678901234567890123456.78",
        "123456789012345678901234.5678",
    ),
];

pub(super) async fn exact_decimals(provider: Provider) {
    let world = World::documents();
    let units: &[&str] = if provider == Provider::Carbon {
        &["major", "minor"]
    } else {
        &["major"]
    };
    for unit in units {
        let mut setup = Setup::only(provider, &world);
        if provider == Provider::Carbon {
            setup = setup.connection(provider, "amount_unit", unit);
        }
        let gateway = setup.start().await;
        for (token, major, minor) in EXACT {
            let expected = if *unit == "minor" { minor } else { major };
            for token in [token.to_owned(), format!("\"{token}\"")] {
                let (field, path) = amount(provider, &token);
                world.set_records(provider, vec![row(provider, "1", &field)]);
                let answer = gateway.get("/loans?include=raw").await;
                answer.assert_complete();
                let loan = answer.loans().remove(0);
                assert_eq!(loan.pointer(path).unwrap(), expected, "{token} {unit}");
                // The number is in the record as it was written, too.
                assert!(answer.text.contains(&field), "{field}: {answer:?}");
            }
        }
    }
}

const INEXACT: [&str; 6] = [
    "12345678901234567890123456789",
    "1234567890123456789012345.6789",
    "1e400",
    "\"NaN\"",
    "\"1_000\"",
    "\"\"",
];

/// Asserts that the suspect was left out, visibly, and its neighbour was not.
async fn assert_only_the_good_one_is_there(gateway: &Running, provider: Provider, suspect: &str) {
    let answer = gateway.get(&both(provider)).await;
    assert_eq!(answer.status, 200, "{suspect}: {answer:?}");
    assert_eq!(answer.loans().len(), 1, "{suspect}: {answer:?}");
    assert_eq!(answer.json()["complete"], false);
    assert_eq!(answer.header("loangate-complete"), "false");
    let source = answer.source(provider.as_str());
    assert_eq!(source["status"], "partial", "{suspect}: {source}");
    assert_eq!(source["rejected"], 1, "{suspect}: {source}");
    assert_eq!(source["count"], 1);
    assert_eq!(source["error"]["code"], "upstream_bad_payload", "{source}");
}

pub(super) async fn inexact_amounts_reject_the_record(provider: Provider) {
    let world = World::documents();
    let gateway = Setup::only(provider, &world).start().await;
    for token in INEXACT {
        let (field, _) = amount(provider, token);
        put_beside_a_good_one(&world, provider, row(provider, "suspect", &field));
        assert_only_the_good_one_is_there(&gateway, provider, token).await;
    }
}

pub(super) async fn duplicate_key_rejects_the_record(provider: Provider) {
    let world = World::documents();
    let gateway = Setup::only(provider, &world).start().await;
    let (once, _) = amount(provider, "1");
    let (twice, _) = amount(provider, "2");
    let twice = twice.rsplit(',').next().unwrap();
    let suspect = row(provider, "suspect", &format!("{once},{twice}"));
    put_beside_a_good_one(&world, provider, suspect.clone());
    assert_only_the_good_one_is_there(&gateway, provider, &suspect).await;
}
