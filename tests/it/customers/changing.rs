//! Putting, reading and deleting one customer.

use loangate::sim::World;
use reqwest::Method;
use serde_json::{Value, json};

use super::{EVERYWHERE, Place, delete, get, on_both, path, put, put_if};
use crate::support::{Answer, Setup};

/// What a problem says is wrong, by name.
fn wrong(answer: &Answer) -> Vec<String> {
    answer.assert_problem(400, "invalid_request");
    let json = answer.json();
    let errors = json["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| error["parameter"].as_str().unwrap().to_owned())
        .collect()
}

on_both! {
    what_is_put_is_what_is_read(place) {
        let gateway = place.setup().start().await;
        let references = json!([
            "goscore:consent:6915ab99857fec1e6f2f6c078",
            {"ref": "carbon:customer:c 1/ö,'\"", "purpose": "processing", "expires_at": "2031-02-03T04:05:06Z"},
            {"ref": "bsa:customer:42", "purpose": null, "expires_at": null},
        ]);
        let made = put(&gateway, "person/1 … no, without spaces".replace(' ', "").as_str(), &references).await;
        assert_eq!(made.status, 201, "{made:?}");
        assert_eq!(made.header("location"), "/customers/person%2F1%E2%80%A6no%2Cwithoutspaces");
        let read = gateway.get(made.header("location")).await;
        assert_eq!(read.status, 200);
        assert_eq!(read.text, made.text);
        assert_eq!(read.header("etag"), made.header("etag"));
        assert!(made.header("etag").starts_with('"'), "{made:?}");
        let mut json = read.json();
        let (created, updated) = (json["created_at"].take(), json["updated_at"].take());
        assert_eq!(created, updated);
        assert_eq!(json, json!({
            "id": "person/1…no,withoutspaces",
            "references": [
                {"ref": "goscore:consent:6915ab99857fec1e6f2f6c078", "purpose": null, "expires_at": null},
                {"ref": "carbon:customer:c 1/ö,'\"", "purpose": "processing", "expires_at": "2031-02-03T04:05:06Z"},
                {"ref": "bsa:customer:42", "purpose": null, "expires_at": null},
            ],
            "created_at": null,
            "updated_at": null,
        }));
        // What was read can be put.
        let again = put(&gateway, json["id"].as_str().unwrap(), &json["references"]).await;
        assert_eq!((again.status, again.text.as_str()), (200, read.text.as_str()));
        assert_eq!(again.header("etag"), read.header("etag"));
        let fewer = put(&gateway, json["id"].as_str().unwrap(), &json!([])).await;
        assert_eq!(fewer.status, 200);
        assert_ne!(fewer.header("etag"), read.header("etag"));
        assert_eq!(fewer.json()["references"], json!([]));
        assert_eq!(fewer.json()["created_at"], created);
    }

    a_customer_that_was_deleted_is_not_known(place) {
        let gateway = place.setup().start().await;
        get(&gateway, "one").await.assert_problem(404, "customer_not_found");
        delete(&gateway, "one").await.assert_problem(404, "customer_not_found");
        put(&gateway, "one", &json!(["bsa:customer:42"])).await;
        let gone = delete(&gateway, "one").await;
        assert_eq!((gone.status, gone.text.as_str()), (204, ""));
        get(&gateway, "one").await.assert_problem(404, "customer_not_found");
        assert_eq!(put(&gateway, "one", &json!([])).await.status, 201);
    }

    a_change_that_asks_for_another_version_changes_nothing(place) {
        let gateway = place.setup().start().await;
        let (one, other) = (json!(["bsa:customer:42"]), json!(["bsa:customer:43"]));
        let foreign = r#""0123456789abcdef0123456789abcdef""#;
        put_if(&gateway, "a", &one, &[("if-match", "*")]).await.assert_problem(412, "precondition_failed");
        put_if(&gateway, "a", &one, &[("if-match", foreign)]).await.assert_problem(412, "precondition_failed");
        let made = put_if(&gateway, "a", &one, &[("if-none-match", "*")]).await;
        assert_eq!(made.status, 201);
        let first = made.header("etag").to_owned();
        put_if(&gateway, "a", &other, &[("if-none-match", "*")]).await.assert_problem(412, "precondition_failed");
        put_if(&gateway, "a", &other, &[("if-match", foreign)]).await.assert_problem(412, "precondition_failed");
        let weak = format!("W/{first}");
        put_if(&gateway, "a", &other, &[("if-match", &weak)]).await.assert_problem(412, "precondition_failed");
        assert_eq!(get(&gateway, "a").await.header("etag"), first);

        let listed = format!("{foreign}, {first}");
        let changed = put_if(&gateway, "a", &other, &[("if-match", &listed)]).await;
        assert_eq!(changed.status, 200);
        let second = changed.header("etag").to_owned();
        let refused = put_if(&gateway, "a", &one, &[("if-match", &first)]).await;
        refused.assert_problem(412, "precondition_failed");

        let send = async |method, header, tag: &str| {
            gateway.send(method, &path("a"), &[(header, tag)], None).await
        };
        send(Method::DELETE, "if-match", &first).await.assert_problem(412, "precondition_failed");
        send(Method::DELETE, "if-none-match", "*").await.assert_problem(412, "precondition_failed");
        send(Method::GET, "if-match", &first).await.assert_problem(412, "precondition_failed");
        assert_eq!(send(Method::GET, "if-match", &second).await.status, 200);
        let unchanged = send(Method::GET, "if-none-match", &format!("W/{second}, \"x\"")).await;
        assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""));
        assert_eq!(unchanged.header("etag"), second);
        assert_eq!(send(Method::GET, "if-none-match", &first).await.status, 200);
        assert_eq!(send(Method::DELETE, "if-match", &second).await.status, 204);
    }

    /// Two who read the same and change it: one of them is told, and reads again.
    of_two_who_change_the_same_version_one_is_refused(place) {
        let gateway = place.setup().start().await;
        let made = put(&gateway, "a", &json!([])).await;
        let mut tag = made.header("etag").to_owned();
        for round in 0..8 {
            let change = async |who: u32| {
                let references = json!([format!("bsa:customer:{round}-{who}")]);
                put_if(&gateway, "a", &references, &[("if-match", &tag)]).await
            };
            let answers = futures_util::future::join_all((0..4).map(change)).await;
            let taken: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
            assert_eq!(taken.len(), 1, "{answers:?}");
            let refused = answers.iter().filter(|answer| answer.status == 412).count();
            assert_eq!(refused, 3, "{answers:?}");
            let read = get(&gateway, "a").await;
            assert_eq!(read.text, taken[0].text);
            let next = read.header("etag").to_owned();
            assert_ne!(next, tag);
            tag = next;
        }
    }

    of_many_who_make_the_same_customer_one_does(place) {
        let gateway = place.setup().start().await;
        for round in 0..4 {
            let make = async |who: u32| {
                put(&gateway, &format!("a{round}"), &json!([format!("bsa:customer:{who}")])).await
            };
            let answers = futures_util::future::join_all((0..12).map(make)).await;
            let created = answers.iter().filter(|answer| answer.status == 201).count();
            let replaced = answers.iter().filter(|answer| answer.status == 200).count();
            assert_eq!((created, replaced), (1, 11), "{answers:?}");
        }
    }
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_change_is_said_at_once() {
    let place = Place::file();
    let gateway = place.setup().start().await;
    let references = json!([
        "bsa:customer:42",
        {"ref": "carbon:customer:c1", "purpose": "marketing", "expires_at": "tomorrow", "colour": "red"},
        {"ref": "bsa:customer:42", "purpose": "processing"},
        "nobody:customer:1",
        "bsa:consent:1",
        "bsa:customer:",
        "bsa",
        7,
        {"purpose": "processing"},
        {"ref": 7},
        null,
        {"ref": "belvo:customer:x", "expires_at": 1_700_000_000},
    ]);
    let answer = put(&gateway, "a b", &references).await;
    assert_eq!(
        wrong(&answer),
        [
            "id",
            "references[1].colour",
            "references[1].expires_at",
            "references[1].purpose",
            "references[2]",
            "references[3]",
            "references[4]",
            "references[5]",
            "references[6]",
            "references[7]",
            "references[8].ref",
            "references[9].ref",
            "references[10]",
            "references[11].expires_at",
        ],
        "{answer:?}"
    );
    // Values name people.
    assert!(
        !answer.text.contains("tomorrow") && !answer.text.contains("c1"),
        "{answer:?}"
    );
    get(&gateway, "a b")
        .await
        .assert_problem(404, "customer_not_found");
}

#[tokio::test]
async fn a_body_is_one_object_with_references_and_nothing_else() {
    let place = Place::file();
    let gateway = place.setup().start().await;
    let many: Vec<String> = (0..101).map(|number| format!("bsa:customer:{number}")).collect();
    let most = json!(many[..100]);
    assert_eq!(put(&gateway, "a", &most).await.status, 201);
    let many = json!({ "references": many }).to_string();
    for (body, names) in [
        ("", vec!["(body)"]),
        ("[]", vec!["(body)"]),
        ("{\"references\":[],\"references\":[]}", vec!["(body)"]),
        ("{}", vec!["references"]),
        ("{\"references\":{}}", vec!["references"]),
        ("{\"references\":null}", vec!["references"]),
        ("{\"references\":[],\"id\":\"a\"}", vec!["id"]),
        ("{\"refs\":[]}", vec!["refs", "references"]),
        (
            "{\"references\":[{\"ref\":\"bsa:customer:1\",\"ref\":\"bsa:customer:2\"}]}",
            vec!["references[0]"],
        ),
        (&many, vec!["references"]),
    ] {
        let headers = [("content-type", "application/json")];
        let answer = gateway.send(Method::PUT, &path("a"), &headers, Some(body)).await;
        assert_eq!(wrong(&answer), names, "{body}");
    }
    let text = [("content-type", "text/plain")];
    let answer = gateway.send(Method::PUT, &path("a"), &text, Some("{}")).await;
    answer.assert_problem(415, "unsupported_media_type");
    let large = format!("{{\"references\":[\"bsa:customer:{}\"]}}", "x".repeat(70_000));
    let json = [("content-type", "application/json")];
    let answer = gateway.send(Method::PUT, &path("a"), &json, Some(&large)).await;
    answer.assert_problem(413, "payload_too_large");
    let answer = gateway
        .send(
            Method::PUT,
            "/customers/a?x=1",
            &json,
            Some("{\"references\":[]}"),
        )
        .await;
    assert_eq!(wrong(&answer), ["x"]);
    assert_eq!(
        get(&gateway, "a").await.json()["references"]
            .as_array()
            .unwrap()
            .len(),
        100
    );
}

#[tokio::test]
async fn ids_that_cannot_be_are_not_found() {
    let place = Place::file();
    let gateway = place.setup().start().await;
    for id in ["%00", "%FF", "a%20b", &"x".repeat(129)] {
        let address = format!("/customers/{id}");
        gateway
            .get(&address)
            .await
            .assert_problem(404, "customer_not_found");
        let deleted = gateway.send(Method::DELETE, &address, &[], None).await;
        deleted.assert_problem(404, "customer_not_found");
        let json = [("content-type", "application/json")];
        let body = "{\"references\":[]}";
        assert_eq!(
            wrong(&gateway.send(Method::PUT, &address, &json, Some(body)).await),
            ["id"]
        );
    }
    let longest = "ö".repeat(128);
    assert_eq!(put(&gateway, &longest, &json!([])).await.status, 201);
    assert_eq!(get(&gateway, &longest).await.json()["id"], Value::from(longest));
}

#[tokio::test]
async fn without_a_store_there_are_no_customers() {
    let gateway = Setup::all(&World::documents()).start().await;
    for (method, address) in [
        (Method::GET, "/customers"),
        (Method::GET, "/customers/1"),
        (Method::DELETE, "/customers/1"),
    ] {
        let answer = gateway.send(method, address, &[], None).await;
        answer.assert_problem(404, "capability_not_supported");
    }
    put(&gateway, "1", &json!([]))
        .await
        .assert_problem(404, "capability_not_supported");
    for address in ["/loans?customer=1", "/loans/summary?customer=1"] {
        assert_eq!(wrong(&gateway.get(address).await), ["customer"]);
    }
    gateway.get("/loans?purpose=processing").await.assert_complete();
    assert_eq!(wrong(&gateway.get("/loans?purpose=any").await), ["purpose"]);
}

#[tokio::test]
async fn other_methods_are_not_taken() {
    let place = Place::file();
    let gateway = place.setup().start().await;
    let answer = gateway.send(Method::POST, "/customers", &[], None).await;
    answer.assert_problem(405, "method_not_allowed");
    let answer = gateway.send(Method::PATCH, "/customers/1", &[], None).await;
    answer.assert_problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "GET,HEAD,PUT,DELETE");
}

/// A minute has no sixty-first second in the store.
#[tokio::test]
async fn a_leap_second_is_the_same_the_next_time() {
    let place = Place::file();
    let gateway = place.setup().start().await;
    let reference = json!([{"ref": "bsa:customer:42", "expires_at": "2026-12-31T23:59:60Z"}]);
    let made = put(&gateway, "one", &reference).await;
    let again = put(&gateway, "one", &reference).await;
    assert_eq!((made.status, again.status), (201, 200));
    assert_eq!(made.json(), again.json());
    assert_eq!(get(&gateway, "one").await.json(), made.json());
    assert_eq!(made.header("etag"), again.header("etag"));
}

/// Another person under the name of one that is gone is another person to who holds a cursor.
#[tokio::test]
async fn a_name_that_is_given_again_does_not_bring_back_who_had_it() {
    let place = Place::file();
    let gateway = place.setup().start().await;
    put(&gateway, "one", &json!(EVERYWHERE)).await;
    let path = "/loans?customer=one&limit=1";
    let first = gateway.get(path).await.json();
    let next = format!("{path}&cursor={}", first["page"]["next_cursor"].as_str().unwrap());
    assert_eq!(gateway.get(&next).await.status, 200);
    delete(&gateway, "one").await;
    gateway.get(&next).await.assert_problem(404, "customer_not_found");
    put(&gateway, "one", &json!(["bsa:customer:42"])).await;
    gateway.get(&next).await.assert_problem(400, "invalid_cursor");
}
