//! Ids: where they lead, that they stay, and that none of them leads out.

use loangate::sim::{Provider, Recorded, World};
use serde_json::Value;

use crate::support::keys::{assert_canonical, assert_says_no_less};
use crate::support::{Setup, encoded, loan_path};

const HOSTILE: [&str; 4] = ["a/b c?d#e%", "../x", ".", ".."];

/// A type of reference for each provider.
fn reference_type(provider: Provider) -> &'static str {
    match provider {
        Provider::Goscore => "consent",
        Provider::Carbon | Provider::Bsa | Provider::Belvo => "customer",
        Provider::Fineract => "loan",
    }
}

/// The shape of a loan id of this provider that carries `text` to the upstream.
fn native(provider: Provider, text: &str) -> String {
    match provider {
        Provider::Goscore | Provider::Belvo => format!("{text}~abc123"),
        Provider::Carbon | Provider::Bsa | Provider::Fineract => text.to_owned(),
    }
}

fn decoded(text: &str) -> String {
    let plus = text.replace('+', "%2B");
    let pairs: Vec<(String, String)> = form_urlencoded::parse(plus.as_bytes()).into_owned().collect();
    pairs.into_iter().map(|(name, _)| name).collect()
}

/// Asserts that `request` is one of the provider's two calls, with `hostile` in exactly one place, whole.
fn assert_in_its_place(provider: Provider, request: &Recorded, hostile: &str) {
    let (one, list): (&[&str], &str) = match provider {
        Provider::Goscore => (&["goscore", "api", "1.0", "loans", "*"], ""),
        Provider::Carbon => (
            &["carbon", "baas", "api", "v1", "loans", "*"],
            "/carbon/baas/api/v1/loans",
        ),
        Provider::Bsa => (&["bsa", "v1", "loans", "*"], "/bsa/v1/loans"),
        Provider::Belvo => (&[], "/belvo/loans"),
        Provider::Fineract => (&["fineract", "api", "v1", "Loans", "*", "transactions"], ""),
    };
    if request.path == list {
        let pairs = form_urlencoded::parse(request.query.as_bytes());
        let carried = pairs.filter(|(_, value)| value == hostile).count();
        assert_eq!(carried, 1, "{request:?}");
        return;
    }
    let segments: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    assert_eq!(segments.len(), one.len(), "{request:?}");
    for (segment, expected) in segments.iter().zip(one) {
        let expected = if *expected == "*" { hostile } else { expected };
        assert_eq!(decoded(segment), expected, "{request:?}");
    }
}

pub(super) async fn encodes_hostile_ids(provider: Provider) {
    let world = World::documents();
    let gateway = Setup::only(provider, &world).start().await;
    for hostile in HOSTILE {
        let dots = matches!(hostile, "." | "..");
        world.clear_requests();
        let id = format!("{provider}:{}", native(provider, hostile));
        let answer = gateway.get(&loan_path(&id)).await;
        assert!(matches!(answer.status, 404 | 502), "{hostile}: {answer:?}");
        let asked = gateway.asked(provider);
        // Its ids are numbers, so none of these is ever sent.
        let never_sent = provider == Provider::Fineract;
        assert_eq!(asked.is_empty(), dots || never_sent, "{hostile}: {asked:?}");
        for request in asked {
            assert_in_its_place(provider, &request, hostile);
        }

        world.clear_requests();
        let kind = reference_type(provider);
        let answer = gateway
            .get(&format!("/loans?ref={provider}:{kind}:{}", encoded(hostile)))
            .await;
        let asked = gateway.asked(provider);
        if dots {
            answer.assert_problem(400, "invalid_request");
            assert!(asked.is_empty(), "{asked:?}");
            continue;
        }
        assert!(matches!(answer.status, 200 | 404 | 502), "{hostile}: {answer:?}");
        assert_eq!(asked.is_empty(), never_sent, "{hostile}: {asked:?}");
        if never_sent {
            answer.assert_problem(404, "reference_not_found");
            continue;
        }
        assert_eq!(answer.source(provider.as_str())["upstream_requests"], asked.len());
        for request in asked {
            assert_in_its_place(provider, &request, hostile);
        }
    }
}

pub(super) async fn same_bytes_same_ids(provider: Provider) {
    let world = World::generated(3, 12);
    let gateway = Setup::only(provider, &world).start().await;
    let first = gateway.get("/loans").await;
    let second = gateway.get("/loans").await;

    first.assert_complete();
    assert_eq!(first.ids(), second.ids());
    assert_eq!(
        first.bytes_of(provider.as_str()),
        second.bytes_of(provider.as_str())
    );
    let tag = first.header("etag");
    assert!(tag.starts_with("W/\"") && tag == second.header("etag"), "{tag}");

    let unchanged = gateway
        .send(reqwest::Method::GET, "/loans", &[("if-none-match", tag)], None)
        .await;
    assert_eq!(unchanged.status, 304);
    assert_eq!(unchanged.text, "");
    assert_eq!(unchanged.header("loangate-complete"), "true");
    assert_eq!(unchanged.header("etag"), tag);
    assert_ne!(unchanged.header("x-request-id"), "");

    // Another gateway over the same upstream gives the same names.
    let other = Setup::only(provider, &world).start().await;
    assert_eq!(other.get("/loans").await.ids(), first.ids());
}

pub(super) async fn every_listed_loan_can_be_got(provider: Provider) {
    let world = World::generated(7, 30);
    let gateway = Setup::only(provider, &world).start().await;
    let list = if provider == Provider::Fineract {
        let references = (1000..1030).map(|id| format!("ref=fineract:loan:{id}"));
        format!("/loans?limit=200&{}", references.collect::<Vec<_>>().join("&"))
    } else {
        "/loans?limit=200".to_owned()
    };
    let list = gateway.get(&list).await;
    list.assert_complete();
    let loans = list.loans();
    assert!(loans.len() > 10, "{}", loans.len());
    for listed in loans {
        assert_canonical(&listed);
        let id = listed["id"].as_str().unwrap();
        let answer = gateway.get(&loan_path(id)).await;
        answer.assert_complete();
        let got = answer.loans().remove(0);
        if provider == Provider::Carbon {
            // Its detail call is three, and knows more.
            assert_says_no_less(&got, &listed);
        } else {
            assert_eq!(timeless(got), timeless(listed.clone()));
        }
        assert_eq!(answer.source(provider.as_str())["count"], 1);
    }
}

/// A loan without the instant it was fetched; an instant that the provider gives stays.
fn timeless(mut loan: Value) -> Value {
    if loan["as_of_basis"] == "fetched" {
        loan["as_of"] = Value::Null;
    }
    loan
}
