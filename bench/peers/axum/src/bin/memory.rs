//! axum that answers the same bytes from memory every time: what a cache hit can cost at the least.

use axum::Router;
use axum::http::header;
use axum::routing::get;
use bare_axum::{serve, variable};
use bytes::Bytes;

#[tokio::main]
async fn main() {
    let length = variable("ANSWER_BYTES")
        .parse()
        .expect("ANSWER_BYTES is a number");
    let body = Bytes::from(vec![b' '; length]);
    let answer = move || async move { ([(header::CONTENT_TYPE, "application/json")], body) };
    serve(Router::new().route("/loans", get(answer))).await;
}
