//! The keys of the canonical loan.

use serde_json::Value;

/// The example of the contract, section 2.
const EXAMPLE: &str = r#"{
  "id": "bsa:501",
  "record_type": "loan_account",
  "connection": "bsa", "provider": "bsa",
  "kind": "unknown", "native_kind": "Halotel 7-Day Loan",
  "status": "active", "phase": "servicing", "native_status": "Active", "status_reason": null,
  "payment_status": "current", "arrangement": "unknown",
  "lender": {"name": null, "registration_number": null, "product_id": "1", "product_name": "Halotel 7-Day Loan"},
  "borrower": {"role": "unknown", "has_co_borrower": null, "customer_id": "42", "customer_external_id": null},
  "currency": "TZS",
  "amounts": {
    "requested": "5000.00", "approved": "5000.00", "original_principal": "5000.00",
    "principal_outstanding": "5000.00", "interest_outstanding": "38.50", "fees_outstanding": "0.00",
    "penalties_outstanding": "0.00", "total_outstanding": "5038.50", "total_paid": "0.00",
    "past_due": null, "credit_limit": null, "credit_balance": null
  },
  "rate": {"percent": "11", "basis": "per_period", "period": null},
  "term": {"count": 7, "unit": null, "remaining_count": null, "instalments": 1, "instalments_paid": null},
  "dates": {"applied_on": null, "opened_on": null, "disbursed_on": null, "matures_on": "2026-06-04", "closed_on": null, "defaulted_on": null},
  "next_payment": {"due_on": "2026-06-04", "amount": "5038.50"},
  "last_payment": {"paid_on": null, "amount": null},
  "delinquency": {"overdue": false, "days_past_due": null, "since": null},
  "provider_refs": {"loan_id": "501", "account_number": "000000501"},
  "id_stability": "native",
  "as_of": "2026-05-28T09:00:00Z", "as_of_basis": "fetched", "stale": false,
  "flags": [{"code": "rate_period_unknown", "field": "rate.period"}, {"code": "term_unit_unknown", "field": "term.unit"}],
  "extensions": {}
}"#;

/// The example, parsed.
pub fn example() -> Value {
    serde_json::from_str(EXAMPLE).unwrap()
}

/// Asserts that the loan has exactly the keys of the contract, whatever their values.
pub fn assert_canonical(loan: &Value) {
    assert_eq!(tree("", loan), tree("", &example()), "{loan}");
}

/// Every key path. References and extensions are the provider's, so their names are not looked at.
fn tree(path: &str, value: &Value) -> Vec<String> {
    let Value::Object(members) = value else {
        return vec![path.to_owned()];
    };
    if matches!(path, ".provider_refs" | ".extensions") {
        return vec![path.to_owned()];
    }
    let mut paths: Vec<String> = members
        .iter()
        .flat_map(|(name, value)| tree(&format!("{path}.{name}"), value))
        .collect();
    paths.sort();
    paths
}

/// Asserts that a loan says whatever an earlier observation of it said; where it differs, it is newer.
pub fn assert_says_no_less(later: &Value, earlier: &Value) {
    let newer = later["as_of"] != earlier["as_of"];
    assert!(
        !newer || instant(&later["as_of"]) > instant(&earlier["as_of"]),
        "{later} is older than {earlier}"
    );
    let about_itself = ["as_of", "as_of_basis", "flags", "extensions"];
    for (key, was) in earlier.as_object().unwrap() {
        if !about_itself.contains(&key.as_str()) {
            assert_no_less(&later[key], was, newer, key);
        }
    }
    for (key, was) in earlier["extensions"].as_object().unwrap() {
        let is = later["extensions"].get(key);
        assert!(is == Some(was) || newer, "extensions.{key}: {is:?} after {was}");
    }
}

fn instant(value: &Value) -> chrono::DateTime<chrono::FixedOffset> {
    chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap()
}

fn assert_no_less(is: &Value, was: &Value, newer: bool, path: &str) {
    match was {
        Value::Null => {}
        Value::String(word) if word == "unknown" => {}
        Value::Object(members) => {
            for (key, was) in members {
                assert_no_less(&is[key], was, newer, &format!("{path}.{key}"));
            }
        }
        was => assert!(is == was || (newer && !is.is_null()), "{path}: {is} after {was}"),
    }
}
