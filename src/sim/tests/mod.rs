//! What the simulators promise, one file for each provider and one for what goes wrong.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a panic here is a failed test, and a stranger has a clock and reads untyped JSON"
)]

mod belvo;
mod bsa;
mod carbon;
mod faults;
mod fineract;
mod fineract_native;
mod generated;
mod goscore;
mod sockets;

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tower::ServiceExt as _;

use super::provider::credential;
use super::{Fault, Provider, World, credentials, fixed_token};

/// An answer that has been read to its end.
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn send(world: &World, method: Method, path: &str, headers: &[(&str, String)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let response = world
        .router()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

/// The headers that the provider asks for on a call for loans.
fn keys(provider: Provider) -> Vec<(&'static str, String)> {
    let value = |key| credential(provider, key).to_owned();
    match provider {
        Provider::Carbon => vec![
            ("apikey", value("api_key")),
            ("x-carbon-key", value("carbon_key")),
        ],
        Provider::Belvo => vec![
            ("api-key-id", value("key_id")),
            ("api-key-secret", value("key_secret")),
        ],
        _ => vec![(
            "authorization",
            format!("Bearer {}", fixed_token(provider).unwrap()),
        )],
    }
}

/// GET with the right credentials.
async fn get(world: &World, provider: Provider, path: &str) -> Answer {
    send(
        world,
        Method::GET,
        &format!("{}{path}", provider.base_path()),
        &keys(provider),
    )
    .await
}

/// A path of each provider that answers 200 in the world of the documents.
fn loans_path(provider: Provider) -> &'static str {
    match provider {
        Provider::Goscore => "/loans/6915ab99857fec1e6f2f6c078?page=1&per_page=50",
        Provider::Carbon | Provider::Bsa => "/v1/loans",
        Provider::Belvo => "/loans",
        Provider::Fineract => "/api/v1/Loans/123/transactions",
    }
}

async fn mint_goscore(world: &World) -> Answer {
    let headers = [
        ("client-id", credential(Provider::Goscore, "client_id").to_owned()),
        (
            "secret-key",
            credential(Provider::Goscore, "secret_key").to_owned(),
        ),
    ];
    send(world, Method::POST, "/goscore/api/1.0/auth", &headers).await
}

async fn mint_bsa(world: &World, password: &str) -> Answer {
    let pair = format!("{}:{password}", credential(Provider::Bsa, "email"));
    let headers = [("authorization", format!("Basic {}", STANDARD.encode(pair)))];
    send(world, Method::GET, "/bsa-auth/v1/auth/token", &headers).await
}

/// One field of every row, in order.
fn column(rows: &Value, key: &str) -> Vec<String> {
    rows.as_array()
        .unwrap()
        .iter()
        .map(|row| row[key].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn distinct(words: &[String]) -> BTreeSet<&str> {
    words.iter().map(String::as_str).collect()
}

#[test]
fn words_and_names_are_read_back() {
    for provider in Provider::ALL {
        assert_eq!(provider.as_str().parse(), Ok(provider));
        assert!(!credentials(provider).is_empty());
    }
    assert!(
        "nobody"
            .parse::<Provider>()
            .unwrap_err()
            .contains("goscore, carbon")
    );
    for word in Fault::WORDS {
        assert!(Fault::parse(word).is_ok(), "{word}");
    }
    assert!(Fault::parse("gremlins").unwrap_err().contains("page-loop"));
}

#[tokio::test]
async fn every_request_below_a_prefix_is_remembered_as_it_came() {
    let world = World::documents();
    send(
        &world,
        Method::DELETE,
        "/bsa/v1/loans/external/a%2Fb%20c?x=%26",
        &[("x-note", "n".to_owned())],
    )
    .await;
    send(&world, Method::GET, "/belvo/nothing/here", &[]).await;
    assert_eq!(send(&world, Method::GET, "/elsewhere", &[]).await.status, 404);
    let seen = world.requests();
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[0].method.as_str(), seen[0].operation), ("DELETE", "loan"));
    assert_eq!(
        (seen[0].path.as_str(), seen[0].query.as_str()),
        ("/bsa/v1/loans/external/a%2Fb%20c", "x=%26")
    );
    assert_eq!(
        (seen[0].provider, seen[0].header("x-note")),
        (Provider::Bsa, Some("n"))
    );
    assert_eq!((seen[1].provider, seen[1].operation), (Provider::Belvo, "other"));
    world.clear_requests();
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn writes_are_refused_in_the_providers_own_shape() {
    let world = World::documents();
    for provider in Provider::ALL {
        let path = format!("{}{}", provider.base_path(), loans_path(provider));
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = send(&world, method, &path, &keys(provider)).await;
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, "GET"),
                "{provider}"
            );
            assert!(answer.json().is_object());
        }
        let unknown = get(&world, provider, "/no/such/route").await;
        assert_eq!(unknown.status, 404);
        assert!(unknown.json().is_object());
    }
    assert_eq!(world.requests().len(), 25);
}

#[tokio::test]
async fn credentials_are_asked_for() {
    let world = World::documents();
    for provider in Provider::ALL {
        let path = format!("{}{}", provider.base_path(), loans_path(provider));
        assert_eq!(
            send(&world, Method::GET, &path, &keys(provider)).await.status,
            200,
            "{provider}"
        );
        for left_out in 0..keys(provider).len() {
            let mut headers = keys(provider);
            headers.remove(left_out);
            assert_eq!(
                send(&world, Method::GET, &path, &headers).await.status,
                401,
                "{provider}"
            );
            let mut headers = keys(provider);
            headers[left_out].1.push('x');
            let refused = send(&world, Method::GET, &path, &headers).await;
            assert_eq!(refused.status, 401, "{provider}");
            match provider {
                Provider::Goscore => assert_eq!(refused.json()["error"]["status"], "BAD_REQUEST"),
                Provider::Carbon => assert_eq!(refused.json()["data"]["error_code"], "INVALID_API_KEY"),
                Provider::Bsa => assert_eq!(refused.json()["code"], "unauthenticated"),
                Provider::Belvo => assert_eq!(
                    refused.text,
                    r#"{"statusCode":401,"error":"Unauthorized","message":"Unauthorized credentials"}"#
                ),
                Provider::Fineract => {
                    assert_eq!(refused.text, "");
                    assert!(refused.header("www-authenticate").starts_with("Bearer"));
                }
            }
        }
    }
}
