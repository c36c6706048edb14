//! The first pages that the simulators give: 20 records each, generated from a fixed seed, always the same bytes.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use loangate::sim::World;
use serde::Deserialize;
use tower::ServiceExt as _;

/// The reference of the page of debts.
pub(super) const CONSENT: &str = "consent:6915ab99857fec1e6f2f6c078";
/// The reference of the ledger.
pub(super) const LEDGER: &str = "loan:1009";

const SEED: u64 = 7;
const RECORDS: usize = 20;

/// What `bench/` asks its upstreams for.
const CALLS: &str = include_str!("../../bench/calls.json");
const LEDGER_CALL: &str = r#"{
    "name": "ledger",
    "path": "/fineract/api/v1/Loans/1009/transactions",
    "headers": { "authorization": "Bearer demo-token" }
}"#;

#[derive(Deserialize)]
struct Call {
    name: String,
    path: String,
    headers: HashMap<String, String>,
}

/// The upstreams.
pub(super) fn world() -> World {
    World::generated(SEED, RECORDS)
}

/// What the upstream of this connection answers.
pub(super) fn body(connection: &str) -> Bytes {
    let calls: Vec<Call> = serde_json::from_str(CALLS).unwrap();
    let ledger: Call = serde_json::from_str(LEDGER_CALL).unwrap();
    let mut calls = calls.into_iter().chain([ledger]);
    let call = calls.find(|call| call.name == connection).unwrap();
    let request = call
        .headers
        .iter()
        .fold(Request::get(&call.path), |request, (name, value)| {
            request.header(name, value)
        });
    let answer = async {
        let response = world()
            .router()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{connection}");
        response.into_body().collect().await.unwrap().to_bytes()
    };
    // In this process, and at once.
    answer.now_or_never().unwrap()
}
