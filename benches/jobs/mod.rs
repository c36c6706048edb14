//! What is measured: the parts of a request's work, each by itself, over the upstreams and the gateway of `bench/`.

mod gateway;
mod pages;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use loangate::api::cursor::{Binding, Cursors};
use loangate::gather::Place;
use loangate::providers::Scope;
use loangate::upstream::Call;
use tower::ServiceExt as _;

use gateway::{ALL_LOANS, Filled};

/// Does a job once, and says how much came of it: loans or bytes.
pub(crate) type Work = Box<dyn FnMut() -> usize>;

/// A job, and how to get everything ready for it.
pub(crate) type Job = (&'static str, fn() -> Work);

/// One page of every provider, then what becomes of them.
pub(crate) const ALL: &[Job] = &[
    ("page_belvo", || page("belvo", None)),
    ("page_bsa", || page("bsa", None)),
    ("page_carbon", || page("carbon", None)),
    ("page_fineract_native", || page("fineract", None)),
    ("page_fineract_wrapper", || page("ledger", Some(pages::LEDGER))),
    ("page_goscore", || page("goscore", Some(pages::CONSENT))),
    ("merge", merge),
    ("serialize", serialize),
    ("cursor", cursor),
    ("cache_hit", cache_hit),
];

/// What an adapter makes of the body of a page, from the question to the loans.
fn page(connection: &str, reference: Option<&str>) -> Work {
    let body = pages::body(connection);
    let provider = gateway::provider(connection);
    let scope = match reference {
        Some(reference) => Scope::Reference(provider.descriptor().reference(reference).unwrap()),
        None => Scope::Book,
    };
    Box::new(move || {
        let call = Call::answered(body.clone());
        let page = provider.page(&call, &scope, 1).now_or_never().unwrap().unwrap();
        black_box(page).loans.len()
    })
}

/// An answer from the parts of all sources, which are in the cache.
fn merge() -> Work {
    let Filled { runtime, gateway } = gateway::filled();
    let query = gateway::everything(&gateway);
    Box::new(move || {
        let answer = runtime.block_on(gateway.list(&query, ALL_LOANS)).unwrap();
        black_box(answer).loans.len()
    })
}

/// The loans of an answer as JSON.
fn serialize() -> Work {
    let Filled { runtime, gateway } = gateway::filled();
    let query = gateway::everything(&gateway);
    let answer = runtime.block_on(gateway.list(&query, ALL_LOANS)).unwrap();
    Box::new(move || black_box(serde_json::to_vec(&answer.loans).unwrap()).len())
}

/// A cursor, issued and read.
fn cursor() -> Work {
    let cursors = Cursors::new(&[Cursors::random_key()], Duration::from_mins(15));
    let place = Place { id: 7, position: 150 };
    Box::new(move || {
        let query = || Binding::of(black_box(["underwriting", "limit=100", "connection=bsa,carbon"]));
        let text = cursors.issue(place, query());
        let read = cursors.read(&text, query()).unwrap();
        assert_eq!(read, place);
        black_box(text).len()
    })
}

/// A whole request for all loans, from its head to the bytes of its answer, with all sources in the cache.
fn cache_hit() -> Work {
    let Filled { runtime, gateway } = gateway::filled();
    let router = gateway::router(gateway);
    let uri: Arc<str> = format!("/loans?limit={ALL_LOANS}").into();
    Box::new(move || {
        let request = Request::get(&*uri)
            .header("host", "localhost")
            .body(Body::empty())
            .unwrap();
        let body = runtime.block_on(async {
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200);
            response.into_body().collect().await.unwrap().to_bytes()
        });
        black_box(body).len()
    })
}
