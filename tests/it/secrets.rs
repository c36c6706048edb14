//! Marked values: where each may be seen, and that no log line holds any.

use std::time::Duration;

use loangate::app;
use loangate::gather::Held;
use loangate::sim::{Fault, Provider, World, credentials};
use serde_json::Value;

use crate::support::log::Capturing;
use crate::support::rows::scripted;
use crate::support::{Answer, Running, Setup, encoded, loan_path};

const CONSENT: &str = "CONSENT-mark-7f1";

/// What is about a person and not needed to tell loans apart.
const PERSONAL: [&str; 8] = [
    "KID-mark-01",
    "ACCOUNT-mark-02",
    "IDENTIFIER-mark-03",
    "DISBURSED-TO-mark-04",
    "NAME-mark-05",
    "77177.05",
    "ADDRESS-mark-06",
    "+4700mark07",
];

/// What names a person to a provider.
const REFERENCES: [&str; 5] = [
    CONSENT,
    "CUSTOMER-mark-11",
    "424242424211",
    "CUSTOMER-mark-12",
    "MERCHANT-CUSTOMER-mark-13",
];

/// What an upstream writes in its errors.
const UPSTREAM_TEXT: &str = "UPSTREAM-mark-21";

const GOSCORE: &str =
    r#"{"creditor_name":"Bank", "kid": "KID-mark-01","account":"ACCOUNT-mark-02" ,"current_balance":10.50}"#;
const CARBON: &str = r#"{"application_id":"A1","customer_id":"CUSTOMER-mark-11","amount":100, "account_identifier" : "IDENTIFIER-mark-03","disbursement_account":{"number":"DISBURSED-TO-mark-04","bank":[1.0,2]}}"#;
const BSA: &str = r#"{"id":"1","customerId":"424242424211","customerName":"NAME-mark-05","currencyCode":"TZS","principal":5.0}"#;
const BELVO: &str = r#"{"id":"s","loanId":"L1","customerId":"CUSTOMER-mark-12","merchantCustomerId":"MERCHANT-customer","customerSalary":77177.05,"customerAddress":"ADDRESS-mark-06","mainPhoneNumber":"+4700mark07","totalBalance":"1.10"}"#;

/// The records and the parts of them that are personal.
fn records() -> [(Provider, String, &'static [&'static str]); 4] {
    let belvo = BELVO.replace("MERCHANT-customer", "MERCHANT-CUSTOMER-mark-13");
    [
        (
            Provider::Goscore,
            GOSCORE.to_owned(),
            &[r#""KID-mark-01""#, r#""ACCOUNT-mark-02""#],
        ),
        (
            Provider::Carbon,
            CARBON.to_owned(),
            &[
                r#""IDENTIFIER-mark-03""#,
                r#"{"number":"DISBURSED-TO-mark-04","bank":[1.0,2]}"#,
            ],
        ),
        (Provider::Bsa, BSA.to_owned(), &[r#""NAME-mark-05""#]),
        (
            Provider::Belvo,
            belvo,
            &["77177.05", r#""ADDRESS-mark-06""#, r#""+4700mark07""#],
        ),
    ]
}

fn marked_world() -> World {
    let world = World::documents();
    for (provider, row, _) in records() {
        world.set_records(provider, vec![row.clone()]);
        if provider == Provider::Goscore {
            world.set_goscore(CONSENT, "done", Some("{}"), vec![row]);
        }
    }
    world
}

fn setup(world: &World) -> Setup {
    let references = format!("consent:{CONSENT}");
    Setup::all(world).connection(Provider::Goscore, "references", &references)
}

/// Every secret of the config, and every token that was minted from them.
fn secrets(world: &World) -> Vec<String> {
    let configured = Provider::ALL
        .into_iter()
        .flat_map(credentials)
        .map(|(_, value)| (*value).to_owned());
    let mut secrets: Vec<String> = configured.collect();
    for request in world.requests() {
        for name in [
            "authorization",
            "apikey",
            "x-carbon-key",
            "api-key-secret",
            "secret-key",
        ] {
            let value = request.header(name).unwrap_or_default();
            let value = value.rsplit(' ').next().unwrap_or_default();
            if !value.is_empty() {
                secrets.push(value.to_owned());
            }
        }
    }
    secrets.sort();
    secrets.dedup();
    assert!(secrets.len() > 9, "{secrets:?}");
    secrets
}

fn assert_free_of<'a>(what: &str, text: &str, marks: impl IntoIterator<Item = &'a str>) {
    for mark in marks {
        assert!(!text.contains(mark), "{mark} is in {what}: {text}");
    }
}

/// Asks everything that names people: references, ids, searches, and addresses that lead nowhere.
async fn ask_everything(gateway: &Running) -> Vec<Answer> {
    let mut paths = vec!["/loans".to_owned(), "/connections".to_owned()];
    for reference in [
        format!("goscore:consent:{CONSENT}"),
        "carbon:customer:CUSTOMER-mark-11".to_owned(),
        "bsa:customer:424242424211".to_owned(),
        "bsa:customer_external:CUSTOMER-mark-11".to_owned(),
        "belvo:merchant_customer:MERCHANT-CUSTOMER-mark-13".to_owned(),
        "fineract:loan:424242424211".to_owned(),
        format!("goscore:customer:{CONSENT}"),
        format!("nope:customer:{CONSENT}"),
    ] {
        paths.push(format!("/loans?ref={}", encoded(&reference)));
    }
    for id in [
        format!("goscore:{CONSENT}~abcdef"),
        "carbon:CUSTOMER-mark-11".to_owned(),
        "bsa:424242424211".to_owned(),
        "belvo:MERCHANT-CUSTOMER-mark-13~L1".to_owned(),
        format!("nope:{CONSENT}"),
    ] {
        paths.push(loan_path(&id));
    }
    paths.push(format!("/nothing/{CONSENT}?customer={CONSENT}"));
    paths.push(format!("/loans?customer={CONSENT}"));
    paths.push("/problems/CUSTOMER-mark-11".to_owned());
    let mut answers = Vec::new();
    for path in &paths {
        answers.push(gateway.get(path).await);
    }
    let body = format!(r#"{{"ref": "goscore:consent:{CONSENT}"}}"#);
    answers.push(gateway.search(&body).await);
    answers
}

fn faults() -> Vec<Fault> {
    let body = format!(
        r#"{{"status":"error","message":"{UPSTREAM_TEXT}","code":"{UPSTREAM_TEXT}","error":{{"status":"{UPSTREAM_TEXT}"}},"succeeded":false}}"#
    );
    let mut faults: Vec<Fault> = [200, 400, 404, 500]
        .into_iter()
        .map(|status| scripted(status, "application/json", body.clone()))
        .collect();
    faults.push(scripted(200, "application/json", UPSTREAM_TEXT.to_owned()));
    faults.push(Fault::Redirect(format!("http://127.0.0.1:9/{UPSTREAM_TEXT}")));
    // Being told to wait comes last: what is asked after it is not asked at all.
    let words = Fault::WORDS
        .into_iter()
        .filter(|word| !matches!(*word, "slow" | "oversized" | "429"));
    let words = words.chain(["429"]);
    faults.extend(words.map(|word| Fault::parse(word).unwrap()));
    faults
}

#[tokio::test]
async fn nothing_marked_is_in_any_log_line_or_problem() {
    let log = Capturing::start();
    let world = marked_world();
    let mut setup = setup(&world);
    for provider in Provider::ALL {
        setup = setup
            .connection(provider, "timeout", "500ms")
            .connection(provider, "retry.attempts", "1");
    }
    let gateway = setup.start().await;
    let mut answers = ask_everything(&gateway).await;
    for include in ["raw", "personal", "raw,personal"] {
        gateway.get(&format!("/loans?include={include}")).await;
    }
    for fault in faults() {
        for provider in Provider::ALL {
            world.set_fault(provider, fault.clone());
        }
        // Those that never answer take their time: the list is enough.
        let silent = matches!(
            fault,
            Fault::Stalled | Fault::NoAnswer | Fault::RateLimited { .. }
        );
        if silent {
            answers.push(gateway.get("/loans").await);
        } else {
            answers.extend(ask_everything(&gateway).await);
        }
    }

    let secrets = secrets(&world);
    let hidden = || {
        let secrets = secrets.iter().map(String::as_str);
        PERSONAL.into_iter().chain([UPSTREAM_TEXT]).chain(secrets)
    };
    for answer in &answers {
        assert_free_of("an answer", &format!("{answer:?}"), hidden());
        if answer.status != 200 {
            assert_free_of("a problem", &answer.text, REFERENCES);
        }
    }
    let lines = log.end();
    assert!(
        lines.iter().any(|line| line.contains("upstream call failed")),
        "{lines:?}"
    );
    assert!(
        lines.iter().any(|line| line.starts_with("TRACE hyper")),
        "{lines:?}"
    );
    for line in lines {
        assert_free_of("the log", &line, hidden().chain(REFERENCES));
    }
}

#[tokio::test]
async fn personal_fields_are_redacted_and_nothing_else_is() {
    let world = marked_world();
    let gateway = setup(&world).start().await;
    let default = gateway.get("/loans").await;
    let raw = gateway.get("/loans?include=raw").await;
    let both = gateway.get("/loans?include=raw,personal").await;
    let personal = gateway.get("/loans?include=personal").await;
    for answer in [&default, &raw, &both, &personal] {
        answer.assert_complete();
    }
    assert_free_of("the list", &default.text, PERSONAL);
    assert_free_of("raw", &raw.text, PERSONAL);
    for mark in PERSONAL {
        assert!(both.text.contains(mark), "{mark}");
        assert!(personal.text.contains(mark), "{mark}");
    }
    for (provider, row, values) in records() {
        let member = |row: &str| format!(r#""raw":{row}"#);
        assert!(both.text.contains(&member(&row)), "{row}: {}", both.text);
        let redacted = values
            .iter()
            .fold(row, |row, value| row.replace(value, "\"[redacted]\""));
        assert!(raw.text.contains(&member(&redacted)), "{redacted}: {}", raw.text);
        if provider == Provider::Carbon {
            // Its detail call adds the two fields, which this record already has.
            continue;
        }
        let listed = raw
            .loans()
            .into_iter()
            .find(|loan| loan["provider"] == provider.as_str());
        let id = listed.unwrap()["id"].as_str().unwrap().to_owned();
        let one = gateway.get(&format!("{}?include=raw", loan_path(&id))).await;
        assert_eq!(one.status, 200, "{one:?}");
        assert_free_of("one loan", &one.text, PERSONAL);
    }
    world.set_records(Provider::Carbon, vec![r#"{"application_id":"A1-B2"}"#.to_owned()]);
    let detail = gateway.get("/loans/carbon:A1-B2?include=raw").await;
    assert!(
        detail.text.contains(r#""account_identifier":"[redacted]""#),
        "{detail:?}"
    );
    let detail = gateway.get("/loans/carbon:A1-B2?include=personal").await;
    assert_eq!(detail.json()["data"]["personal"]["account_identifier"], "PC_A1");
}

#[tokio::test]
async fn references_appear_only_where_they_name_a_loan() {
    let gateway = setup(&marked_world()).start().await;
    let answer = gateway.get("/loans?include=personal").await;
    answer.assert_complete();
    let mut rest = answer.json();
    let mut seen = String::new();
    for loan in rest["data"].as_array_mut().unwrap() {
        for field in [
            "/id",
            "/provider_refs",
            "/borrower/customer_id",
            "/borrower/customer_external_id",
        ] {
            let value = loan.pointer_mut(field).map_or(Value::Null, Value::take);
            seen.push_str(&value.to_string());
        }
    }
    for mark in REFERENCES {
        assert!(seen.contains(mark), "{mark}: {seen}");
    }
    assert_free_of("the rest of the answer", &rest.to_string(), REFERENCES);
}

/// A gateway with credentials that no simulator takes.
#[tokio::test]
async fn refused_credentials_are_not_repeated() {
    let log = Capturing::start();
    let keys = [
        (Provider::Goscore, "client_id"),
        (Provider::Goscore, "secret_key"),
        (Provider::Carbon, "api_key"),
        (Provider::Carbon, "carbon_key"),
        (Provider::Bsa, "email"),
        (Provider::Bsa, "password"),
        (Provider::Belvo, "key_id"),
        (Provider::Belvo, "key_secret"),
        (Provider::Fineract, "token"),
    ];
    let world = World::documents();
    let setup = keys
        .into_iter()
        .fold(Setup::all(&world), |setup, (provider, key)| {
            setup.connection(provider, key, "SECRET-mark-31")
        });
    let document = setup.document("127.0.0.1:9".parse().unwrap());
    let built = app::open(&document)
        .unwrap()
        .gateway(Held::new(Duration::from_mins(1)));
    let gateway = setup.start().await;

    let answer = gateway.get("/loans").await;

    answer.assert_problem(502, "upstream_failed");
    for provider in Provider::ALL {
        assert_eq!(answer.source_error(provider), "upstream_unauthorized");
    }
    let basic = "U0VDUkVULW1hcmstMzE6U0VDUkVULW1hcmstMzE=";
    let marks = ["SECRET-mark-31", basic, "6915ab99857fec1e6f2f6c078"];
    let sent = world
        .requests()
        .iter()
        .filter(|request| format!("{request:?}").contains(basic))
        .count();
    assert!(sent > 0, "the markers were used");
    assert_free_of("an answer", &format!("{answer:?}"), marks);
    assert_free_of("the gateway's debug output", &format!("{built:?}"), marks);
    assert_free_of("the app's debug output", &gateway.debug, marks);
    assert_free_of("the document's debug output", &format!("{document:?}"), marks);
    for line in log.end() {
        assert_free_of("the log", &line, marks);
    }
}

/// What a caller sends is for the gateway: an upstream gets the gateway's own headers and nothing else.
#[tokio::test]
async fn no_header_of_a_caller_reaches_an_upstream() {
    let world = World::documents();
    let gateway = setup(&world).start().await;
    let sent =
        "authorization x-api-key cookie x-forwarded-for forwarded via te user-agent accept-language x-any";
    let headers: Vec<_> = sent.split(' ').map(|name| (name, "CALLER-mark")).collect();
    let answer = gateway.send(reqwest::Method::GET, "/loans", &headers, None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(world.requests().len() > 5);
    for asked in world.requests() {
        assert_free_of(asked.operation, &format!("{:?}", asked.headers), ["CALLER-mark"]);
        for hop in [
            "connection",
            "te",
            "via",
            "forwarded",
            "x-forwarded-for",
            "cookie",
        ] {
            assert_eq!(asked.header(hop), None, "{asked:?}");
        }
    }
}
