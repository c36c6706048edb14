//! axum and reqwest with nothing between them: fetches the five lists at once and answers as many bytes as the gateway
//! does, first the lists one after another, then filler. Nothing is parsed, nothing is checked but the status.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bare_axum::{serve, variable};
use futures_util::future::try_join_all;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};
use serde::Deserialize;

#[derive(Deserialize)]
struct Written {
    path: String,
    headers: BTreeMap<String, String>,
}

struct Lists {
    client: Client,
    calls: Vec<(Url, HeaderMap)>,
    length: usize,
}

#[tokio::main]
async fn main() {
    let upstreams = variable("UPSTREAMS");
    let text = std::fs::read(variable("CALLS")).expect("CALLS names a file");
    let written: Vec<Written> = serde_json::from_slice(&text).expect("CALLS is a list of calls");
    let call = |call: &Written| {
        let url = format!("{upstreams}{}", call.path).parse().expect("a path");
        let header = |(name, value): (&String, &String)| {
            let name = HeaderName::try_from(name).expect("the name of a header");
            (name, HeaderValue::try_from(value).expect("the value of a header"))
        };
        (url, call.headers.iter().map(header).collect())
    };
    let lists = Lists {
        client: Client::new(),
        calls: written.iter().map(call).collect(),
        length: variable("ANSWER_BYTES")
            .parse()
            .expect("ANSWER_BYTES is a number"),
    };
    let routes = Router::new().route("/loans", get(loans));
    serve(routes.with_state(Arc::new(lists))).await;
}

async fn loans(State(lists): State<Arc<Lists>>) -> Response {
    let fetch = async |(url, headers): &(Url, HeaderMap)| {
        let request = lists.client.get(url.clone()).headers(headers.clone());
        request.send().await?.error_for_status()?.bytes().await
    };
    match try_join_all(lists.calls.iter().map(fetch)).await {
        Ok(bodies) => {
            let mut answer = Vec::with_capacity(lists.length);
            for body in &bodies {
                answer.extend_from_slice(body);
            }
            answer.resize(lists.length, b' ');
            ([(header::CONTENT_TYPE, "application/json")], answer).into_response()
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
