//! The socket side: every request is read, remembered and led to its provider.

use std::future::Future;
use std::io;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::fault::Fault;
use super::misbehave::{Closing, carry_out};
use super::provider::Provider;
use super::record::with_new_words;
use super::reply::{Reply, no_such_route, unauthorized, wrong_method};
use super::request::{Ask, Call};
use super::world::World;
use super::{access, belvo, bsa, carbon, fineract, fineract_native, goscore};

/// How a healthy answer is bent by a fault that shows in its rows only.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bend {
    pub(super) pages_loop: bool,
    pub(super) new_words: bool,
}

impl Bend {
    /// A record as it is given.
    pub(super) fn shown(self, provider: Provider, record: &str) -> String {
        if self.new_words {
            with_new_words(provider, record)
        } else {
            record.to_owned()
        }
    }
}

/// Serves the simulators until `shutdown` is over. Answers that would never end are ended then.
pub async fn serve(
    listener: TcpListener,
    world: World,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (close, closing) = watch::channel(false);
    let router = world.router().layer(Extension(Closing::new(closing)));
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            shutdown.await;
            close.send_replace(true);
        })
        .await
}

pub(super) fn router(world: World) -> Router {
    Router::new().fallback(answer).with_state(world)
}

async fn answer(
    State(world): State<World>,
    closing: Option<Extension<Closing>>,
    request: Request,
) -> Response {
    let Some(ask) = Ask::read(&request) else {
        return (StatusCode::NOT_FOUND, "no provider is mounted here\n").into_response();
    };
    world.remember(ask.record(&request));
    match at_the_door(&world, &ask) {
        Err(refused) => refused.into_response(),
        Ok(fault) => {
            let closing = closing.map(|Extension(closing)| closing).unwrap_or_default();
            carry_out(fault, ask.provider, |bend| loans(&world, &ask, bend), closing).await
        }
    }
}

/// Answers what needs no loans; for the rest, the fault that the call meets.
fn at_the_door(world: &World, ask: &Ask) -> Result<Fault, Reply> {
    let posted = ask.provider == Provider::Goscore && ask.call == Call::Token;
    let (method, name) = if posted {
        (Method::POST, "POST")
    } else {
        (Method::GET, "GET")
    };
    match ask.call {
        Call::Unknown => Err(no_such_route(ask.provider)),
        _ if ask.method != method => Err(wrong_method(ask.provider, name)),
        Call::Token => Err(world.with(|state| access::hand_out(state, ask))),
        _ => world.with(|state| {
            if access::allowed(state, ask) {
                Ok(state.strike(ask.provider))
            } else {
                Err(no_entry(ask))
            }
        }),
    }
}

fn no_entry(ask: &Ask) -> Reply {
    if let Some(refusal) = fineract_native::refusal(ask) {
        return refusal;
    }
    if ask.provider == Provider::Fineract && access::bearer(ask).is_none() {
        // Without a token there is nothing to call invalid.
        return Reply::new(401, "", "").header("www-authenticate", "Bearer");
    }
    unauthorized(ask.provider)
}

fn loans(world: &World, ask: &Ask, bend: Bend) -> Reply {
    match ask.provider {
        Provider::Goscore => goscore::answer(world, ask, bend),
        Provider::Carbon => carbon::answer(world, ask, bend),
        Provider::Bsa => bsa::answer(world, ask, bend),
        Provider::Belvo => belvo::answer(world, ask, bend),
        Provider::Fineract if fineract_native::is_asked(ask) => fineract_native::answer(world, ask, bend),
        Provider::Fineract => fineract::answer(world, ask, bend),
    }
}
