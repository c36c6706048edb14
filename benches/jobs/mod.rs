//! What is measured: the parts of a request's work, each by itself, over the upstreams and the gateway of `bench/`.

mod gateway;
mod pages;

use std::hint::black_box;
use std::time::Duration;

use futures_util::FutureExt as _;
use loangate::api::cursor::{Binding, Cursors};
use loangate::gather::Place;
use loangate::loan::Status;
use loangate::providers::Scope;
use loangate::upstream::Call;

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

/// An answer from the parts of all sources, which are in the cache. Another limit is another question, or the answer would
/// be known.
fn merge() -> Work {
    let Filled { runtime, gateway } = gateway::filled();
    let query = gateway::everything(&gateway);
    let mut limits = ALL_LOANS..;
    Box::new(move || {
        let limit = limits.next().unwrap();
        let answer = runtime.block_on(gateway.list(&query, limit)).unwrap();
        black_box(answer).loans.list().len()
    })
}

/// A request for all loans in words that nobody used before: sources from the cache, put together and written anew.
fn serialize() -> Work {
    let mut asked = gateway::asked(gateway::filled());
    let mut words = in_other_words();
    Box::new(move || asked(&words.next().unwrap()))
}

/// Addresses of all loans: every status, in another order or with another limit.
fn in_other_words() -> impl Iterator<Item = String> {
    let orders = (0..Status::ALL.len()).map(|first| {
        let mut words: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
        words.rotate_left(first);
        words.join(",")
    });
    orders
        .flat_map(|order| (110..=ALL_LOANS).map(move |limit| format!("/loans?limit={limit}&status={order}")))
}

/// A cursor, issued and read.
fn cursor() -> Work {
    let cursors = Cursors::new(&[Cursors::random_key()], Duration::from_mins(15));
    let place = Place { id: 7, position: 150 };
    Box::new(move || {
        let query = || Binding::of(black_box(["underwriting", "limit=100", "connection=bsa,carbon"]));
        let text = cursors.issue(place, query());
        let read = cursors.read(&text, query()).unwrap();
        assert_eq!(read.place, place);
        black_box(text).len()
    })
}

/// The same request for all loans over and over, from its head to the bytes of its answer.
fn cache_hit() -> Work {
    let mut asked = gateway::asked(gateway::filled());
    let uri = format!("/loans?limit={ALL_LOANS}");
    Box::new(move || asked(&uri))
}
