//! What a reference may be used for, and until when. What may not be used is not asked for.

use loangate::sim::{Provider, Recorded, World};
use serde_json::{Value, json};

use super::{Place, put};
use crate::support::{Answer, Running, Setup};

const CONSENT: &str = "goscore:consent:6915ab99857fec1e6f2f6c078";
const PAST: &str = "2020-01-01T00:00:00Z";
const FUTURE: &str = "2120-01-01T00:00:00Z";

async fn linked(references: &Value) -> (Place, Running) {
    let place = Place::file();
    let gateway = place.setup().start().await;
    let made = put(&gateway, "one", references).await;
    assert_eq!(made.status, 201, "{made:?}");
    (place, gateway)
}

fn told(answer: &Answer, connection: &str) -> (Value, Value) {
    let source = answer.source(connection);
    (source["status"].clone(), source["reason"].clone())
}

fn is(status: &str, reason: &str) -> (Value, Value) {
    let reason = Some(reason).filter(|reason| !reason.is_empty());
    (json!(status), json!(reason))
}

#[tokio::test]
async fn an_expired_consent_is_not_asked_for() {
    let (_place, gateway) = linked(&json!([
        {"ref": CONSENT, "expires_at": PAST},
        {"ref": "bsa:customer:42", "expires_at": FUTURE},
    ]))
    .await;
    for address in ["/loans?customer=one", "/loans/summary?customer=one"] {
        let answer = gateway.get(address).await;
        answer.assert_complete();
        assert_eq!(told(&answer, "goscore"), is("skipped", "consent_expired"));
        assert_eq!(told(&answer, "bsa"), is("ok", ""));
        assert_eq!(told(&answer, "carbon"), is("skipped", "no_reference"));
    }
    assert!(gateway.asked(Provider::Goscore).is_empty());
    assert_eq!(gateway.token_calls(Provider::Goscore), 0);
    // What is only a reference of its own is no business of the store.
    let answer = gateway.get(&format!("/loans?ref={CONSENT}")).await;
    assert_eq!(told(&answer, "goscore"), is("ok", ""));
}

/// Who names a person has said what may be used of it; naming a reference as well does not make it usable.
#[tokio::test]
async fn a_reference_of_the_question_is_no_way_around_what_is_linked() {
    let (_place, gateway) = linked(&json!([
        {"ref": CONSENT, "expires_at": PAST},
        {"ref": "bsa:customer:42", "purpose": "presentation"},
        "carbon:customer:1732ca47-42b2-4990-a65d-c369e934eed3",
    ]))
    .await;
    let answer = gateway
        .get(&format!(
            "/loans?customer=one&purpose=processing&ref={CONSENT}&ref=bsa:customer:42"
        ))
        .await;
    answer.assert_complete();
    assert_eq!(told(&answer, "goscore"), is("skipped", "consent_expired"));
    assert_eq!(told(&answer, "bsa"), is("skipped", "purpose_mismatch"));
    assert_eq!(told(&answer, "carbon"), is("ok", ""));
    assert!(gateway.asked(Provider::Goscore).is_empty());
}

/// A walk that has begun asks for nothing that is linked no more, or no longer usable.
#[tokio::test]
async fn a_walk_goes_on_with_what_may_still_be_used() {
    let world = World::generated(7, 40);
    let place = Place::file();
    let setup = place.with(Setup::of(&world, &[Provider::Fineract, Provider::Bsa]));
    let gateway = setup.set("connections.fineract.references", "").start().await;
    // So many that some wait for a later page.
    let loans = |from: usize| {
        let list: Vec<String> = (from..from + 12)
            .map(|number| format!("fineract:loan:{number}"))
            .collect();
        list
    };
    put(&gateway, "stays", &json!(loans(1000))).await;
    put(&gateway, "goes", &json!(loans(1012))).await;
    let consents: Vec<Value> = loans(1024)
        .into_iter()
        .map(|reference| json!({"ref": reference, "expires_at": FUTURE}))
        .collect();
    put(&gateway, "expires", &json!(consents)).await;
    let mut answer = gateway.get("/loans?connection=fineract&limit=1").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let asked = |loans: std::ops::Range<usize>| {
        let paths = gateway.asked(Provider::Fineract);
        let of = |asked: &Recorded, number: usize| asked.path.contains(&format!("/{number}"));
        loans
            .filter(|number| paths.iter().any(|asked| of(asked, *number)))
            .count()
    };
    let before = (asked(1012..1024), asked(1024..1036));
    assert_eq!(super::delete(&gateway, "goes").await.status, 204);
    let consents: Vec<Value> = loans(1024)
        .into_iter()
        .map(|reference| json!({"ref": reference, "expires_at": PAST}))
        .collect();
    put(&gateway, "expires", &json!(consents)).await;
    while let Some(cursor) = answer.json()["page"]["next_cursor"].as_str() {
        let next = format!("/loans?connection=fineract&limit=1&cursor={cursor}");
        answer = gateway.get(&next).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(asked(1000..1012), 12);
    assert_eq!((asked(1012..1024), asked(1024..1036)), before);
    assert_eq!(told(&answer, "fineract").1, json!("consent_expired"));
}

/// What is linked is held for as long as a cursor can be followed, so it has an end.
#[tokio::test]
async fn a_book_of_more_references_than_one_question_may_use_is_told_as_such() {
    let place = Place::file();
    let world = World::documents();
    let gateway = place
        .with(Setup::of(&world, &[Provider::Goscore, Provider::Bsa]))
        .start()
        .await;
    for customer in 0..101 {
        let references: Vec<String> = (0..100)
            .map(|number| format!("goscore:consent:{customer}-{number}"))
            .collect();
        assert_eq!(
            put(&gateway, &customer.to_string(), &json!(references))
                .await
                .status,
            201
        );
    }
    let answer = gateway.get("/loans").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["complete"], false);
    assert_eq!(told(&answer, "bsa"), is("ok", ""));
    let source = answer.source("goscore");
    assert_eq!(source["status"], "failed");
    assert_eq!(source["error"]["code"], "upstream_too_large");
    assert!(gateway.asked(Provider::Goscore).is_empty());
}

#[tokio::test]
async fn with_nothing_but_expired_consents_there_is_nobody_to_ask() {
    let (_place, gateway) = linked(&json!([{"ref": CONSENT, "expires_at": PAST}])).await;
    let answer = gateway.get("/loans?customer=one").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["complete"], false);
    assert_eq!(told(&answer, "goscore"), is("skipped", "consent_expired"));
    assert!(gateway.world.requests().is_empty());
}

#[tokio::test]
async fn a_consent_is_used_for_its_purpose_only() {
    let (_place, gateway) = linked(&json!([
        {"ref": CONSENT, "purpose": "presentation"},
        {"ref": "bsa:customer:42", "purpose": "processing"},
        "fineract:loan:123",
    ]))
    .await;
    let answer = gateway.get("/loans?customer=one&purpose=processing").await;
    answer.assert_complete();
    assert_eq!(told(&answer, "goscore"), is("skipped", "purpose_mismatch"));
    assert_eq!(told(&answer, "bsa"), is("ok", ""));
    assert_eq!(told(&answer, "fineract"), is("ok", ""));
    assert!(gateway.asked(Provider::Goscore).is_empty());
    let answer = gateway.get("/loans?customer=one&purpose=presentation").await;
    assert_eq!(told(&answer, "goscore"), is("ok", ""));
    assert_eq!(told(&answer, "bsa"), is("skipped", "purpose_mismatch"));
    let answer = gateway.get("/loans?customer=one").await;
    assert_eq!(told(&answer, "goscore"), is("ok", ""));
    assert_eq!(told(&answer, "bsa"), is("ok", ""));
    let searched = gateway
        .search(r#"{"customer": "one", "purpose": "processing"}"#)
        .await;
    assert_eq!(told(&searched, "goscore"), is("skipped", "purpose_mismatch"));
}

/// It is asked for the others, and says that there were more.
#[tokio::test]
async fn of_several_references_the_good_ones_are_used() {
    let (_place, gateway) = linked(&json!([
        {"ref": "bsa:customer:42", "expires_at": FUTURE},
        {"ref": "bsa:customer:43", "expires_at": PAST},
        {"ref": "carbon:customer:1", "purpose": "presentation"},
        {"ref": "carbon:customer:2", "expires_at": PAST, "purpose": "presentation"},
    ]))
    .await;
    let answer = gateway.get("/loans?customer=one&purpose=processing").await;
    answer.assert_complete();
    assert_eq!(told(&answer, "bsa"), is("ok", "consent_expired"));
    assert_eq!(gateway.attempts(Provider::Bsa), 1);
    // Of several reasons the one that time brought.
    assert_eq!(told(&answer, "carbon"), is("skipped", "consent_expired"));
}

/// Answers that are the same but for a reason are not taken for each other.
#[tokio::test]
async fn a_reason_is_of_its_own_question() {
    let place = Place::file();
    let cached = place
        .setup()
        .set("cache.max_age", "1m")
        .set("cache.stale_if_error", "1m");
    let gateway = cached.start().await;
    put(
        &gateway,
        "one",
        &json!(["bsa:customer:42", {"ref": "bsa:customer:43", "expires_at": PAST}]),
    )
    .await;
    put(
        &gateway,
        "two",
        &json!(["bsa:customer:42", {"ref": CONSENT, "expires_at": PAST}]),
    )
    .await;
    put(&gateway, "three", &json!(["bsa:customer:42"])).await;
    for _ in 0..2 {
        let answer = gateway.get("/loans?customer=one").await;
        assert_eq!(told(&answer, "bsa"), is("ok", "consent_expired"));
        assert_eq!(told(&answer, "goscore"), is("skipped", "no_reference"));
        let answer = gateway.get("/loans?customer=two").await;
        assert_eq!(told(&answer, "bsa"), is("ok", ""));
        assert_eq!(told(&answer, "goscore"), is("skipped", "consent_expired"));
        let answer = gateway.get("/loans?customer=three").await;
        assert_eq!(told(&answer, "bsa"), is("ok", ""));
        assert_eq!(told(&answer, "goscore"), is("skipped", "no_reference"));
    }
    assert_eq!(gateway.attempts(Provider::Bsa), 1);
}

#[tokio::test]
async fn whole_books_leave_out_what_may_not_be_used() {
    let world = World::documents();
    let place = Place::file();
    let setup = place
        .with(Setup::of(&world, &[Provider::Goscore, Provider::Bsa]))
        .set("connections.goscore.references", "");
    let gateway = setup.start().await;
    put(&gateway, "one", &json!([{"ref": CONSENT, "expires_at": PAST}])).await;
    let answer = gateway.get("/loans").await;
    answer.assert_complete();
    assert_eq!(told(&answer, "goscore"), is("skipped", "consent_expired"));
    assert!(gateway.asked(Provider::Goscore).is_empty());
    // Another customer with the same consent, newly given.
    put(
        &gateway,
        "two",
        &json!([{"ref": CONSENT, "expires_at": FUTURE, "purpose": "processing"}]),
    )
    .await;
    let answer = gateway.get("/loans").await;
    assert_eq!(told(&answer, "goscore"), is("ok", ""));
    let answer = gateway.get("/loans?purpose=presentation").await;
    assert_eq!(told(&answer, "goscore"), is("skipped", "consent_expired"));
}
